//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// onePackage copies the project of a package that is built from source in some seconds.
func onePackage(t *testing.T, l *lab) string {
	t.Helper()
	dir := filepath.Join(l.temp(t), "one")
	if err := copyTree(dir, filepath.Join("testdata", "native", "one")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSdistInEngine builds a source distribution in containers of Docker, which gives the image that namespaces give. The root
// with the compiler goes to the engine once.
func TestSdistInEngine(t *testing.T) {
	l := needDocker(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("sends a compiler to the engine: set LITHE_FULL=1")
	}
	t.Parallel()
	dir := onePackage(t, l)
	want := l.build(t, dir, call{args: []string{"--platform", "linux/amd64", "--executor", "namespace"}})
	before := roots(t)
	t.Cleanup(func() {
		for _, id := range roots(t) {
			if !slices.Contains(before, id) {
				docker(t, "rmi", "--force", id)
			}
		}
	})
	got := l.build(t, dir, call{args: []string{"--platform", "linux/amd64", "--executor", "engine", "--locked"}, store: l.downloads(t, 0)})
	if got.Digest != want.Digest {
		t.Errorf("in the engine %s with %+v, in namespaces %s with %+v", got.Digest, got.layers(), want.Digest, want.layers())
	}
	if made := len(roots(t)) - len(before); made != 1 {
		t.Errorf("%d roots stay in the engine", made)
	}
}

// roots are the images of root file systems that lithe has given to the engine.
func roots(t *testing.T) []string {
	t.Helper()
	return strings.Fields(docker(t, "images", "--quiet", "--no-trunc", "--filter", "label=build.lithe.root"))
}
