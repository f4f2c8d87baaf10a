//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// TestRequirements exports the service's lock to a requirements.txt with hashes, as people do by hand, and gets the same
// image: PyPI says which hash is of which file.
func TestRequirements(t *testing.T) {
	l := need(t)
	t.Parallel()
	dir := l.project(t, "fastapi-service")
	write(t, filepath.Join(dir, "requirements.txt"), exported(t, dir))
	if err := os.Remove(filepath.Join(dir, "uv.lock")); err != nil {
		t.Fatal(err)
	}
	got, want := l.build(t, dir, call{}), l.first["fastapi-service"]
	if got.Digest != want.Digest {
		t.Errorf("digest %s, with uv.lock %s\nlayers %+v\nwith uv.lock %+v", got.Digest, want.Digest, got.layers(), want.layers())
	}
	written := read(t, filepath.Join(dir, "lithe.lock"))
	if !strings.Contains(written, `for = ["linux/`) {
		t.Errorf("lithe.lock does not keep which files were chosen:\n%s", written)
	}
	if again := l.build(t, dir, call{args: []string{"--locked"}, env: []string{"LITHE_OFFLINE=1"}}); again.Digest != want.Digest {
		t.Errorf("offline: digest %s, with uv.lock %s", again.Digest, want.Digest)
	}
}

// exported returns the packages of the project's uv.lock that production needs, with all their hashes.
func exported(t *testing.T, dir string) string {
	t.Helper()
	locked, err := lock.Read(dir, lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	packages, err := plan.Select(locked, plan.Target{Name: plan.Prod, Python: "3.13.5", Platform: plan.Platform{OS: "linux", Arch: "amd64"},
		Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range locked.Packages {
		if !slices.ContainsFunc(packages, func(q plan.Package) bool { return q.Name == p.Name && q.Kind == plan.KindWheel }) {
			continue
		}
		fmt.Fprintf(&b, "%s==%s", p.Name, p.Version)
		for _, f := range p.Files {
			fmt.Fprintf(&b, " \\\n    --hash=%s", f.Hash)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
