package execute

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
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
