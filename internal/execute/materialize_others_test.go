package execute_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

// TestMaterializeLayersOfOthers unpacks what images have that lithe did not make: other compressions, and devices, which
// are passed over.
func TestMaterializeLayersOfOthers(t *testing.T) {
	st := testStore(t)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{{Name: "dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, {Name: "dev/sda", Typeflag: tar.TypeBlock},
		{Name: "pipe", Typeflag: tar.TypeFifo}, {Name: "file", Typeflag: tar.TypeReg, Mode: 0o644}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, blob := range map[string][]byte{"zstd": encoder.EncodeAll(archive.Bytes(), nil), "plain": archive.Bytes()} {
		t.Run(name, func(t *testing.T) {
			out, err := st.Create()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := out.Write(blob); err != nil {
				t.Fatal(err)
			}
			digest, err := out.Commit("")
			if err != nil {
				t.Fatal(err)
			}
			root, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{{Digest: digest, DiffID: store.DigestBytes(archive.Bytes())}})
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(filepath.Join(root, "file")); err != nil || !info.Mode().IsRegular() {
				t.Errorf("the file is %v (%v)", info, err)
			}
			for _, name := range []string{"dev/null", "dev/sda", "pipe"} {
				if _, err := os.Lstat(filepath.Join(root, name)); !os.IsNotExist(err) {
					t.Errorf("%s is there (%v)", name, err)
				}
			}
		})
	}
}
