package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/store"
)

// TestTree reads a project that its own backend builds: what the backend sees, what names it, and what it is given.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"pyproject.toml": "[project]\nname = \"A.b\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"hatchling\", \"hatch-vcs\"]\nbuild-backend = \"hatchling.build\"\n",
		"src/ab/x.c":     "int x;\n", ".env": "SECRET=1\n", "lithe.lock": "", ".gitignore": "*.so\n", "src/ab/x.so": "built", "requirements.txt": "a\n",
		".git/HEAD": "ref: refs/heads/main\n", "run": "#!/bin/sh\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := project.Read(dir, project.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := readTree(p, ".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range tree.files {
		names = append(names, e.Path)
	}
	if got, want := strings.Join(names, " "), ".gitignore pyproject.toml requirements.txt run src/ab/x.c"; got != want || tree.name != "a-b" || tree.version != "" {
		t.Errorf("the backend of %q %q sees %s, want %s", tree.name, tree.version, got, want)
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{store: st}
	src, err := b.treeSource(tree, plan.Package{Name: tree.name})
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := src.fill(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(to, "src/ab/x.c")); err != nil || string(data) != "int x;\n" {
		t.Errorf("%q, %v", data, err)
	}
	if hint := versionHint(src.asked); !strings.Contains(hint, "hatch-vcs asks") || !strings.Contains(hint, "SETUPTOOLS_SCM_PRETEND_VERSION") {
		t.Errorf("hint %q", hint)
	}
	if hint := versionHint(src.asked[:1]); hint != "" {
		t.Errorf("hint %q", hint)
	}
}
