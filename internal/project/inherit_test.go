package project_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/project"
)

// TestInherit holds what a member of a workspace has of the root's configuration: what lithe.lock depends on, unless it
// says something itself, in its targets, too.
func TestInherit(t *testing.T) {
	read := func(text string, files ...string) *project.Project {
		t.Helper()
		dir := t.TempDir()
		for _, file := range append(files, "pyproject.toml\n[project]\nname = \"x\"\nversion = \"1\"\n"+text) {
			for i := range file {
				if file[i] == '\n' {
					if err := os.WriteFile(filepath.Join(dir, file[:i]), []byte(file[i+1:]), 0o644); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
		}
		p, err := project.Read(dir, project.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	root := read("[tool.lithe]\nbase = \"debian:bookworm\"\nbytecode = false\nplatforms = [\"linux/arm64\"]\nports = [\"80/tcp\"]\n", ".python-version\n3.11\n")
	silent := read("[tool.lithe.targets.debug]\nbytecode = true\n")
	silent.Inherit(root)
	c := silent.Config
	if c.Base != "debian:bookworm" || c.Bytecode || len(c.Platforms) != 1 || len(c.Ports) != 0 || silent.Python.Version != "3.11" {
		t.Errorf("%+v, Python %q", c, silent.Python.Version)
	}
	if pos, ok := c.Position("base"); !ok || pos.Line == 0 {
		t.Error("nothing says where the base is from")
	}
	debug, err := silent.Target("debug")
	if err != nil || !debug.Bytecode || debug.Base != "debian:bookworm" {
		t.Errorf("%+v, %v", debug.Config, err)
	}
	own := read("[tool.lithe]\nbase = \"debian:trixie\"\n", ".python-version\n3.13\n")
	own.Inherit(root)
	if own.Config.Base != "debian:trixie" || own.Python.Version != "3.13" || root.Config.Base != "debian:bookworm" {
		t.Errorf("%+v", own.Config)
	}
}
