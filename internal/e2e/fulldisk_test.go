//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk builds on file systems that are too small for the base, for the layers, and for the image, in turn. Each
// build ends with a problem that names the folder, leaves nothing that looks finished, and another goes on from what there
// is once there is room.
func TestFullDisk(t *testing.T) {
	l := need(t)
	for _, tt := range []struct {
		name string
		size string // of the file system with the store
	}{
		{"no room for downloads", "size=4m"}, {"no room for layers", "size=24m"}, {"no room for a root", "size=70m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, disk := l.project(t, "hello-world"), l.temp(t)
			if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, tt.size); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			store, image := filepath.Join(disk, "store"), filepath.Join(l.temp(t), "layout")
			args := []string{"build", dir, "-o", "oci:" + image}
			got := l.run(t, call{args: args, store: store})
			if got.code != 3 || got.stdout != "" || !strings.Contains(got.stderr, "has no space left") || !strings.Contains(got.stderr, "\nhint: free some space") {
				t.Fatalf("ended with %d and printed %q\n%s", got.code, got.stdout, got.stderr)
			}
			if _, err := os.Stat(image); !os.IsNotExist(err) {
				t.Errorf("%s is there: %v", image, walk(t, image))
			}
			if left := walk(t, filepath.Join(store, "tmp")); len(left) != 0 {
				t.Errorf("left %q", left)
			}
			if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=2g"); err != nil {
				t.Fatal(err)
			}
			if m := l.build(t, dir, call{store: store}); m.Digest != l.first["hello-world"].Digest {
				t.Errorf("digest %s, first was %s", m.Digest, l.first["hello-world"].Digest)
			}
		})
	}
}
