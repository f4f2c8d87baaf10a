package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
)

// A lithe.lock that cannot be read is a problem with a hint, and a device in its place, which would never end, is none
// that is read.
func TestReadLitheLockRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"a device", func(path string) error { return os.Symlink("/dev/zero", path) }, "is not a file"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o777) }, "is not a file"},
		{"too large", func(path string) error {
			return os.WriteFile(path, make([]byte, maxLitheLock+1), 0o666)
		}, "too many"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.make(filepath.Join(dir, lithelock.Filename)); err != nil {
				t.Fatal(err)
			}
			_, _, err := readLitheLock(dir, lithelock.Filename)
			if p, ok := diag.Problems(err); !ok || !strings.Contains(p[0].What, tt.want) || !strings.Contains(p[0].Hint, "delete it") {
				t.Errorf("%v", err)
			}
		})
	}
}

// In a folder that cannot be written to, as a checkout in CI may be, the build stops with a way out.
func TestLitheLockCannotBeWritten(t *testing.T) {
	b := &builder{opt: Options{Dir: filepath.Join(t.TempDir(), "missing")}}
	pins := &base.Pins{Name: "debian:trixie", Platforms: []base.Selection{{Platform: "linux/amd64", Packages: []base.Pin{
		{Name: "python3.13", Version: "3.13.5-2"}, {Name: "libc6", Version: "2.41-12"}}}}}
	_, err := b.saveLitheLock(&decision{inputs: &inputs{lock: &lock.Lock{}}, pins: pins})
	if p, ok := diag.Problems(err); !ok || !strings.Contains(p[0].Hint, "commit the result") {
		t.Errorf("%v", err)
	}
}
