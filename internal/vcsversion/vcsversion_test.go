package vcsversion

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/toml"
	"github.com/lithe-build/lithe/internal/trace"
)

// The heads of projects, whose options follow.
const (
	setuptoolsHead = "[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\nbuild-backend = \"setuptools.build_meta\"\n" +
		"[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.setuptools]\npy-modules = []\n[tool.setuptools_scm]\n"
	hatchHead = "[build-system]\nrequires = [\"hatchling\", \"hatch-vcs\"]\nbuild-backend = \"hatchling.build\"\n" +
		"[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.hatch.build.targets.wheel]\nbypass-selection = true\n[tool.hatch.version]\nsource = \"vcs\"\n"
	pdmHead = "[build-system]\nrequires = [\"pdm-backend\"]\nbuild-backend = \"pdm.backend\"\n" +
		"[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.pdm.version]\nsource = \"scm\"\n"
)

// repo is a repository that a test makes.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	r := repo{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_AUTHOR_DATE=2025-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2025-01-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits all, under tags.
func (r repo) commit(tags ...string) {
	r.t.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message=x")
	for _, tag := range tags {
		r.git("tag", tag)
	}
}

// ask asks about a folder as a build does.
func ask(t *testing.T, dir string, rec *trace.Recorder) (*Answer, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := toml.Parse("pyproject.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	src := Source{Dir: dir, Pyproject: doc}
	for _, text := range doc.Table("build-system").Strings("requires") {
		r, err := requirement.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		src.Requires = append(src.Requires, r)
	}
	return Ask(context.Background(), src, Options{Trace: rec})
}

// scenario is a state of a repository.
type scenario struct {
	name  string
	make  func(r repo) (project string) // the folder of pyproject.toml below the root
	says  string                        // a node stands as "gNODE"
	dirty bool
}

// scenarios commit the project's pyproject.toml in states that the tools tell apart.
func scenarios(head, root string) []scenario {
	whole := func(tags ...string) func(repo) string {
		return func(r repo) string { r.write("pyproject.toml", head); r.commit(tags...); return "." }
	}
	return []scenario{
		{name: "exact tag", make: whole("v1.2.3"), says: "v1.2.3-0-gNODE"},
		{name: "two tags, one of no version", make: whole("v1.2.3", "stable"), says: "v1.2.3-0-gNODE"},
		{name: "pre-release", make: whole("v2.0.0rc1"), says: "v2.0.0rc1-0-gNODE"},
		{name: "commits after", make: func(r repo) string { whole("v1.2.3")(r); r.commit(); r.commit(); return "." }, says: "v1.2.3-2-gNODE"},
		{name: "prefix with dashes", make: func(r repo) string { whole("demo-1.4.0")(r); r.commit(); return "." }, says: "demo-1.4.0-1-gNODE"},
		{name: "no tag", make: func(r repo) string { whole()(r); r.commit(); return "." }, says: "0.0-2-gNODE"},
		{name: "changed at a tag", make: func(r repo) string { whole("v1.2.3")(r); r.write("pyproject.toml", head+"\n"); return "." }, says: "v1.2.3-0-gNODE", dirty: true},
		{name: "changed after a tag", make: func(r repo) string {
			whole("v1.2.3")(r)
			r.commit()
			r.write("pyproject.toml", head+"\n")
			return "."
		}, says: "v1.2.3-1-gNODE", dirty: true},
		{name: "untracked file", make: func(r repo) string { whole("v1.2.3")(r); r.write("new.py", ""); return "." }, says: "v1.2.3-0-gNODE"},
		{name: "below the root", make: func(r repo) string {
			r.write("a/demo/pyproject.toml", head+root)
			r.commit("v1.2.3")
			r.commit()
			return "a/demo"
		}, says: "v1.2.3-1-gNODE"},
	}
}

// TestAsk asks in each state, for each tool.
func TestAsk(t *testing.T) {
	for _, tool := range []struct{ name, head, root string }{
		{"setuptools-scm", setuptoolsHead, "root = \"../..\"\n"}, {"hatch-vcs", hatchHead, "raw-options = {search_parent_directories = true}\n"}, {"pdm-backend", pdmHead, ""},
	} {
		for _, s := range scenarios(tool.head, tool.root) {
			t.Run(tool.name+"/"+s.name, func(t *testing.T) {
				r := newRepo(t)
				project := s.make(r)
				before := r.git("status", "--porcelain")
				rec := trace.New()
				a, err := ask(t, filepath.Join(r.dir, project), rec)
				if err != nil || a == nil {
					t.Fatal(a, err)
				}
				if want := strings.ReplaceAll(s.says, "NODE", r.git("rev-parse", "--short=7", "HEAD")); a.Says != want || a.Dirty != s.dirty || a.Shallow || a.Why != "" {
					t.Errorf("%+v, want %s, dirty %v", a, want, s.dirty)
				}
				if n := rec.Counts().Processes; n != 1 && s.name != "no tag" {
					t.Errorf("%d processes, want one", n)
				}
				if after := r.git("status", "--porcelain"); after != before {
					t.Errorf("the folder was written to: %s", after)
				}
			})
		}
	}
}

// TestOptions looks at what is asked by options, and at what is not understood.
func TestOptions(t *testing.T) {
	for _, c := range []struct{ name, head, options, want string }{
		{"describe_command", setuptoolsHead, `git_describe_command = "git describe --tags --long --match 'other-*'"`, "other-3.0-1-g"},
		{"as a list", setuptoolsHead, `git_describe_command = ["git", "describe", "--tags", "--long", "--match=other-*"]`, "other-3.0-1-g"},
		{"scm.git", setuptoolsHead, `scm.git.describe_command = "git describe --tags --long --match 'other-*'"`, "other-3.0-1-g"},
		{"tag prefix", setuptoolsHead, `tag.prefix = "other-"`, "other-3.0-1-g"},
		{"strict", setuptoolsHead, `tag.strict = true`, "other-3.0-1-g"},
		{"parents", setuptoolsHead, `search_parent_directories = true`, "v7-0-g"},
		{"hatch", hatchHead, `raw-options = {git_describe_command = "git describe --tags --long --match other-*"}`, "other-3.0-1-g"},
		{"hatch with a root", hatchHead, `raw-options = {root = ".."}`, "pyproject.toml:11: root leads out of the project, where a build sees nothing; set search_parent_directories = true in its place"},
		{"tag_filter", pdmHead, `tag_filter = "other-*"`, "other-3.0-1-g"},
		{"fallback", setuptoolsHead, "tag.prefix = \"none-\"\nfallback_version = \"3\"", "setuptools-scm asks git for the version, but no tag is found, so that fallback_version holds: set SETUPTOOLS_SCM_PRETEND_VERSION"},
		{"tag_regex", setuptoolsHead, "tag.prefix = \"none-\"\ntag_regex = 'x'", "but no tag is found: set"},
		{"another program", setuptoolsHead, `git_describe_command = "./version.sh"`, "pyproject.toml:10: the command is not `git describe`, which lithe does not follow"},
		{"another argument", setuptoolsHead, `git_describe_command = "git describe --contains"`, "`git describe` is called with \"--contains\""},
		{"unknown option", setuptoolsHead, `parse = "a:b"`, "pyproject.toml:10: tool.setuptools_scm has parse, which lithe does not follow; give the version: set SETUPTOOLS_SCM_PRETEND_VERSION"},
		{"distance of a part", setuptoolsHead, `scm.git.distance_scope = true`, "tool.setuptools_scm.scm.git has distance_scope"},
		{"unknown tag option", setuptoolsHead, `tag.other = 1`, "tool.setuptools_scm.tag has other"},
		{"pdm's own format", pdmHead, `version_format = "a:b"`, "tool.pdm.version has version_format"},
		{"pdm's expression", pdmHead, `tag_regex = '(?<=v)(\d)'`, "tag_regex is an expression of Python"},
		{"pdm's tag", pdmHead, `tag_regex = '(.+)'` + "\ntag_filter = \"stable*\"", "the tag stable is of no version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepo(t)
			r.write("pyproject.toml", c.head+c.options+"\n")
			r.commit("other-3.0")
			r.commit("v7", "stable")
			a, err := ask(t, r.dir, nil)
			got := ""
			switch {
			case err != nil:
				if _, ok := diag.Problems(err); !ok {
					t.Errorf("%v is no problem to mend", err)
				}
				got = err.Error()
			case a != nil:
				got = a.Says + a.Unanswered()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestNobodyAsks looks at projects whose version needs no version control, and at folders without it.
func TestNobodyAsks(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"static", strings.Replace(setuptoolsHead, "dynamic = [\"version\"]", "version = \"1\"", 1), ""},
		{"hatch by another source", strings.Replace(hatchHead, `"vcs"`, `"regex"`, 1), ""},
		{"pdm by a file", strings.Replace(pdmHead, `"scm"`, `"file"`, 1), ""},
		{"another backend", strings.Replace(pdmHead, `"pdm-backend"`, `"flit_core"`, 1), ""},
		{"no repository", setuptoolsHead, "there is no git repository"},
		{"below a repository", pdmHead, "v1-0-g"},
		{"below a repository without root", setuptoolsHead, "is not at the root of its git repository"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if strings.HasPrefix(c.name, "below") {
				r := newRepo(t)
				r.commit("v1.0", "v1")
				dir = filepath.Join(r.dir, "below")
				c.want = strings.Replace(c.want, "v1-", "v1.0-", 1)
			}
			repo{t, dir}.write("pyproject.toml", c.text)
			t.Setenv("GIT_DIR", "/elsewhere/.git") // as in a hook
			a, err := ask(t, dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if a == nil {
				a = &Answer{}
			}
			if got := a.Says + a.Why; !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestShallow asks in clones that lack commits.
func TestShallow(t *testing.T) {
	r := newRepo(t)
	r.write("pyproject.toml", setuptoolsHead)
	r.commit("v1.2.3")
	r.commit()
	r.commit()
	deep, flat := repo{t, t.TempDir()}, repo{t, t.TempDir()}
	flat.git("clone", "--quiet", "--depth=1", "file://"+r.dir, ".")
	a, err := ask(t, flat.dir, nil)
	if err == nil || !strings.Contains(err.Error(), "this clone is shallow: no tag is among its commits") || !strings.Contains(err.Error(), "git fetch --unshallow --tags") {
		t.Errorf("%+v, %v", a, err)
	}
	deep.git("clone", "--quiet", "--depth=3", "file://"+r.dir, ".")
	r.git("-C", deep.dir, "fetch", "--quiet", "--tags", "--depth=3")
	a, err = ask(t, deep.dir, nil)
	if err != nil || !strings.HasPrefix(a.Says, "v1.2.3-2-g") {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestSetupPy refuses options in code.
func TestSetupPy(t *testing.T) {
	for text, want := range map[string]bool{
		"setup(use_scm_version=True)":                                true,
		"setup(use_scm_version={'write_to': 'a.py'})":                true,
		"setup(use_scm_version={'root': '..'})":                      false,
		"setup(use_scm_version=dict(git_describe_command='x'))":      false,
		"setup(use_scm_version={\"git_describe_command\": command})": false,
		"setup(root='..')":                                           true,
	} {
		dir := t.TempDir()
		repo{t, dir}.write("setup.py", text)
		if err := (&question{Source: Source{Dir: dir}, tool: "setuptools-scm"}).setupPy(); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzDescription reads no description in a way that would not print again.
func FuzzDescription(f *testing.F) {
	for _, seed := range []string{"v1.2-3-gabc", "v1", "-g", "a--1-g", "a-1-2-g3-4-g5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, says string) {
		d := parseDescription(says)
		if d.node == "" && d.tag != says || d.distance < 0 {
			t.Errorf("%q is read as %+v", says, d)
		}
		if fields := strings.FieldsFunc(says, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' }); !strings.ContainsAny(says, `"'`) &&
			strings.Join(shellWords(says), " ") != strings.Join(fields, " ") && utf8.ValidString(says) {
			t.Errorf("%q has the words %q", says, shellWords(says))
		}
	})
}
