package execute

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/store"
)

// Whatever an archive says, it ends in an error or in files inside: nothing else is touched, and nothing panics.
func FuzzUnpack(f *testing.F) {
	for _, entries := range [][]tar.Header{
		{{Name: "a", Mode: 0o644}, {Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "d/.wh.x"},
			{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../a"}, {Name: "h", Typeflag: tar.TypeLink, Linkname: "a"}},
		{{Name: "d", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "d/marker", Mode: 0o600}},
		{{Name: "a/../../marker"}, {Name: "/marker"}, {Name: ".wh..wh..opq"}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range entries {
			if err := w.WriteHeader(&h); err != nil {
				f.Fatal(err)
			}
		}
		_ = w.Close()
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		top := t.TempDir()
		marker, layer, root := filepath.Join(top, "marker"), filepath.Join(top, "layer"), filepath.Join(top, "root")
		for _, dir := range []string{layer, root} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(marker, []byte("untouched"), 0o600); err != nil {
			t.Fatal(err)
		}
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(archive)
		_ = z.Close()
		if err := unpack(t.Context(), &zipped, store.DigestBytes(archive), layer); err == nil {
			if err := merge(t.Context(), layer, root); err == nil {
				_ = addMountPoints(root)
			}
		}
		if data, err := os.ReadFile(marker); err != nil || string(data) != "untouched" {
			t.Fatalf("outside of the root: %q, %v", data, err)
		}
		if found, _ := filepath.Glob(filepath.Join(top, "*")); len(found) != 3 {
			t.Fatalf("outside of the root: %v", found)
		}
	})
}

// TestUnpackDeep refuses a layer of a few files that would make a million folders.
func TestUnpackDeep(t *testing.T) {
	u := &unpacker{names: maxLayerNames - 100}
	if err := u.spend(strings.Repeat("a", 100)); err != nil {
		t.Error(err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	u = &unpacker{root: root, made: map[string]bool{".": true}, names: maxLayerNames - 5000}
	if err := u.parents(strings.Repeat("a/", 1000) + "a"); err == nil || !strings.Contains(err.Error(), "paths of more than") {
		t.Errorf("got %v", err)
	}
}
