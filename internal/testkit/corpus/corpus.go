// Package corpus finds test material that is not part of the repository: lock files, vectors of specifications, hostile
// archives. It stands where LITHE_CORPUS says, else in ../shared/corpus beside the repository.
package corpus

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns a folder of the material. Where there is none the test is skipped; where LITHE_CORPUS names a wrong place,
// it fails, since whoever set it meant the test to run.
func Dir(t testing.TB, parts ...string) string {
	t.Helper()
	named := os.Getenv("LITHE_CORPUS")
	dir := named
	if named == "" {
		dir = filepath.Join(repository(t), "..", "shared", "corpus")
	}
	dir = filepath.Join(append([]string{dir}, parts...)...)
	_, err := os.Stat(dir)
	switch {
	case err == nil:
		return dir
	case named != "":
		t.Fatalf("LITHE_CORPUS is set: %v", err)
	}
	t.Skipf("no test material: set LITHE_CORPUS to its folder (%v)", err)
	return ""
}

// repository returns the root of the repository, above the package that is tested.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
