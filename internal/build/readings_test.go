package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/project"
)

// TestReadings holds that what was read once is not read again, that what failed is, and that who widens a lock widens no
// other's.
func TestReadings(t *testing.T) {
	dir, r := t.TempDir(), &Readings{}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.lock(dir, lock.Options{}); err == nil {
		t.Error("a lock was read that is not there")
	}
	if _, err := r.project(dir, project.Options{}); err == nil {
		t.Error("a project was read that is not there")
	}
	const text = "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\n"
	write("pyproject.toml", text)
	write("uv.lock", "version = 1\nrevision = 3\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"app\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n")
	first, err := r.lock(dir, lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.project(dir, project.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first.Top = "../.."
	write("uv.lock", "this is no lock\n")
	write("pyproject.toml", "this is no project\n")
	second, err := r.lock(dir, lock.Options{})
	if err != nil || second.Digest != first.Digest || second.Top != "" {
		t.Errorf("the lock was read again, or is another's: %v, top %q", err, second.Top)
	}
	if after, err := r.project(dir, project.Options{}); err != nil || after != before {
		t.Errorf("the project was read again: %v", err)
	}
	if _, err := r.lock(dir, lock.Options{AllowUnhashed: true}); err == nil {
		t.Error("a lock that is read with other options is the one of before")
	}
}
