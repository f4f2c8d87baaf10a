package build_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// TestPromisedWheel shows that a wheel whose contents are not what its RECORD says leaves neither a record of a layer with it
// nor one that it is good, although nothing compares them before the layer is written; and that the error is the wheel's.
func TestPromisedWheel(t *testing.T) {
	for name, path := range map[string]string{
		"a file that is copied":           "liar/data.bin",
		"a file that is compressed":       "liar/__init__.py",
		"a file that is not installed":    "liar-1.0.dist-info/REQUESTED",
		"a script that is written anew":   "liar-1.0.data/scripts/liar",
		"metadata, which is read at once": "liar-1.0.dist-info/METADATA",
	} {
		t.Run(name, func(t *testing.T) {
			good := pyindex.Wheel{Name: "liar", Version: "1.0", Size: 1 << 20, Files: map[string]string{
				"liar-1.0.dist-info/REQUESTED": "yes\n", "liar-1.0.data/scripts/liar": "#!python\n"}}
			liar := good
			liar.Raw, liar.File = forged(t, good.Bytes(), path), good.Filename()
			s := newSite(t, liar)
			opt := s.options(t, s.project(t, copied("hello", "liar")))
			_, err := build.Run(t.Context(), opt)
			if err == nil || !strings.Contains(err.Error(), path+": the file's sha256 is not the one in RECORD") {
				t.Errorf("%v", err)
			}
			for kind, most := range map[string]int{"verified": 0, "layer-1": 2} { // the base and the interpreter
				if n := files(t, filepath.Join(opt.Store, "records", kind)); n > most {
					t.Errorf("%d records of kind %s", n, kind)
				}
			}
		})
	}
}

// forged returns a wheel with other contents of a file, of the same size.
func forged(t *testing.T, data []byte, path string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == path {
			content[len(content)-1] = ' '
		}
		to, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// files counts the files below a folder, which need not be there.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}
