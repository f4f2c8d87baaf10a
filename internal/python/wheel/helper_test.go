package wheel

import (
	"archive/zip"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// scheme is the one that images have.
var scheme = Scheme{Prefix: "venv", Python: "python3.13", Interpreter: "/venv/bin/python"}

// packed is a file for a test wheel. RECORD is made from what is packed, unless one is given.
type packed struct {
	name, data string
	mode       fs.FileMode
}

const (
	metadata  = "Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\n\nText\n"
	wheelFile = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
)

// pack writes demo-1.0-py3-none-any.whl with these files, and the three that every wheel has where they are missing.
func pack(t *testing.T, files ...packed) string {
	t.Helper()
	have := map[string]bool{}
	for _, f := range files {
		have[f.name] = true
	}
	for _, f := range []packed{{name: "demo-1.0.dist-info/METADATA", data: metadata}, {name: "demo-1.0.dist-info/WHEEL", data: wheelFile}} {
		if !have[f.name] {
			files = append(files, f)
		}
	}
	if !have["demo-1.0.dist-info/RECORD"] {
		files = append(files, packed{name: "demo-1.0.dist-info/RECORD", data: recordOf(files)})
	}
	path := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode | 0o644)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func recordOf(files []packed) string {
	rows := []row{{path: "demo-1.0.dist-info/RECORD", size: -1}}
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.data))
		rows = append(rows, row{path: f.name, algorithm: "sha256", hash: sum[:], size: int64(len(f.data))})
	}
	return string(formatRecord(rows))
}

// openDemo opens a wheel that pack wrote.
func openDemo(t *testing.T, path string) (*Wheel, error) {
	t.Helper()
	return Open(path, filename(t, "demo-1.0-py3-none-any.whl"))
}

func filename(t *testing.T, s string) wheeltag.Filename {
	t.Helper()
	f, err := wheeltag.ParseFilename(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// install packs, opens and installs, and fails the test if that does not work.
func install(t *testing.T, opt InstallOptions, files ...packed) *Installed {
	t.Helper()
	w, err := openDemo(t, pack(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	in, err := Install(w, scheme, opt)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// contents reads all entries.
func contents(t *testing.T, in *Installed) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range in.Entries {
		data, err := e.Read()
		if err != nil {
			t.Fatalf("%s: %v", e.Path, err)
		}
		if int64(len(data)) != e.Size {
			t.Errorf("%s: %d bytes, the entry says %d", e.Path, len(data), e.Size)
		}
		out[e.Path] = string(data)
	}
	return out
}
