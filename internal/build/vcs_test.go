package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/store"
)

// TestTreeVersion builds a tree whose version is a tag: what the backend sees, and that another tag is another wheel.
func TestTreeVersion(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		all := append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)
		if out, err := exec.Command("git", all...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	for name, text := range map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\n[tool.setuptools_scm]\n",
		// as git fills it in for archives alone
		".git_archival.txt": "node: $Format:%H$\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "--quiet")
	git("add", "--all")
	git("commit", "--quiet", "--message=x")
	git("tag", "v1.0")
	first, said, shown := versionedSource(t, dir)
	if want := "describe-name: v1.0-0-g"; !strings.Contains(shown, want) || said != "" {
		t.Errorf("the backend sees %q, want %q, and the user %q", shown, want, said)
	}
	if again, _, _ := versionedSource(t, dir); again != first {
		t.Error("the same commit is another source")
	}
	git("tag", "--delete", "v1.0")
	git("tag", "v1.1")
	if err := os.WriteFile(filepath.Join(dir, ".git_archival.txt"), nil, 0o644); err != nil { // which does not count, but is changed
		t.Fatal(err)
	}
	second, said, shown := versionedSource(t, dir)
	if second == first || !strings.Contains(shown, "v1.1-0-g") || !strings.Contains(said, "pyproject.toml:6: files that git tracks were changed and are in no commit") {
		t.Errorf("under another tag the backend sees %q, and the user %q", shown, said)
	}
}

// versionedSource reads a tree, asks git, and returns what names it, what the user is told, and what is in .git_archival.txt.
func versionedSource(t *testing.T, dir string) (digest, said, shown string) {
	t.Helper()
	p, err := project.Read(dir, project.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := readTree(p, ".")
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{store: st, said: map[string]bool{}, opt: Options{On: func(e Event) { said += e.Text + "\n" }}}
	f := &frontend{builder: b, decision: &decision{inputs: &inputs{}}}
	for range 2 { // for each platform
		if err := f.askVCS(t.Context(), tree); err != nil {
			t.Fatal(err)
		}
	}
	if all := f.decision.decisions; len(all) != 1 || all[0].Override != "SETUPTOOLS_SCM_PRETEND_VERSION" {
		t.Errorf("explained by %+v", all)
	}
	src, err := b.treeSource(tree, plan.Package{Name: tree.name})
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := src.fill(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(to, ".git_archival.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(slices.Clone(tree.files), func(e entry.Entry) bool { return e.Path != ".git_archival.txt" })); n != 1 {
		t.Errorf("%d files .git_archival.txt", n)
	}
	return src.digest, said, string(data)
}

// TestPartEnv gives commits the version that the lock has, and folders what the user set.
func TestPartEnv(t *testing.T) {
	for _, c := range []struct{ head, locked, want string }{
		{"dynamic = [\"version\"]\n[build-system]\nrequires = [\"hatchling\", \"hatch-vcs\"]\n", "1.5", "SETUPTOOLS_SCM_PRETEND_VERSION=1.5"},
		{"dynamic = [\"version\"]\n[build-system]\nrequires = [\"poetry-core\", \"poetry-dynamic-versioning\"]\n", "1.5", "POETRY_DYNAMIC_VERSIONING_BYPASS=1.5"},
		{"version = \"0.0.0\"\n[build-system]\nrequires = [\"poetry-core\", \"poetry-dynamic-versioning\"]\n", "1.5", "POETRY_DYNAMIC_VERSIONING_BYPASS=1.5"},
		{"dynamic = [\"version\"]\n[build-system]\nrequires = [\"pdm-backend\"]\n[tool.pdm.version]\nsource = \"scm\"\n", "1.5", "PDM_BUILD_SCM_VERSION=1.5"},
		{"dynamic = [\"version\"]\n[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\n", "", ""},
		{"version = \"2\"\n[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\n", "2", ""},
		{"dynamic = [\"version\"]\n[build-system]\nrequires = [\"setuptools\"]\n", "1.5", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte("[project]\nname = \"demo\"\n"+c.head), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := project.Read(dir, project.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tree, err := readTree(p, ".")
		if err != nil {
			t.Fatal(err)
		}
		b := &builder{opt: Options{BuildEnv: []string{"SET=1"}}}
		if got := strings.Join(b.partEnv(tree, plan.Package{Kind: plan.KindVCS, Version: c.locked}), " "); got != c.want {
			t.Errorf("%q with %q gives %q, want %q", c.head, c.locked, got, c.want)
		}
		if got := b.partEnv(tree, plan.Package{Kind: plan.KindLocal}); (got != nil) != (tree.versioner() != "" && tree.version == "") {
			t.Errorf("the folder of %q gets %q", c.head, got)
		}
	}
}
