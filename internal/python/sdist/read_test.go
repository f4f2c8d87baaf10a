package sdist_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// archived makes a .tar.gz of headers; a regular file holds its own name.
func archived(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(tw, h.Name)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// members reads an archive whole, each member as a line.
func members(data []byte, filename string) (map[string]string, error) {
	out := map[string]string{}
	err := sdist.Read(bytes.NewReader(data), int64(len(data)), filename, func(m sdist.Member, content io.Reader) error {
		text := fmt.Sprintf("%d %v %s", m.Type, m.Executable, m.Link)
		if content != nil {
			data, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			text += string(data)
		}
		out[m.Path] = text
		return nil
	})
	return out, err
}

func file(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }

func link(kind byte, name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: kind, Linkname: target, Mode: 0o777}
}

func TestRead(t *testing.T) {
	setuid := file("p-1/run")
	setuid.Mode = 0o4755
	got, err := members(archived(t, tar.Header{Name: "./p-1/", Typeflag: tar.TypeDir, Mode: 0o755}, file("./p-1/a/b.c"), setuid,
		link(tar.TypeSymlink, "p-1/a/l", "../run"), link(tar.TypeLink, "p-1/h", "p-1/run")), "p-1.tar.gz")
	want := map[string]string{"a/b.c": "0 false ./p-1/a/b.c", "run": "0 true p-1/run", "a/l": "2 true ../run", "h": "3 true run"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("have %q, %v", got, err)
	}
}

func TestReadZip(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"p-1/setup.py", "p-1/src/m.py"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, name)
	}
	_ = w.Close()
	got, err := members(b.Bytes(), "p-1.zip")
	if want := []string{"setup.py", "src/m.py"}; err != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
		t.Errorf("have %q, %v", got, err)
	}
	if _, err := members(b.Bytes()[:b.Len()-30], "p-1.zip"); err == nil {
		t.Error("a zip archive that is cut off was read")
	}
}

func TestReadRefuses(t *testing.T) {
	device := tar.Header{Name: "p-1/null", Typeflag: tar.TypeChar, Mode: 0o666}
	for what, headers := range map[string][]tar.Header{
		"empty":     {},
		"top":       {file("setup.py")},
		"two top":   {file("p-1/a"), file("q-1/b")},
		"absolute":  {file("/p-1/a")},
		"leads out": {file("p-1/../../a")},
		"path":      {file(`p-1\a`)},
		"device":    {device},
		"is a link": {link(tar.TypeSymlink, "p-1/a", "../b")},
		"link out":  {link(tar.TypeSymlink, "p-1/x", "."), link(tar.TypeSymlink, "p-1/y", "x/..")},
		"link to":   {link(tar.TypeLink, "p-1/a", "p-1/b")},
		"below":     {link(tar.TypeSymlink, "p-1/a", "b"), file("p-1/a/c")},
		"twice":     {file("p-1/a"), link(tar.TypeSymlink, "p-1/a", "b")},
		"no direct": {file("p-1/a"), file("p-1")},
	} {
		_, err := members(archived(t, headers...), "p-1.tar.gz")
		if !errors.Is(err, sdist.ErrUnsafe) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: have %v", what, err)
		}
	}
	whole := archived(t, file("p-1/a"), file("p-1/b"))
	for _, n := range []int{0, 5, len(whole) / 2, len(whole) - 1} {
		if _, err := members(whole[:n], "p-1.tar.gz"); err == nil {
			t.Errorf("%d of %d bytes were read as a whole archive", n, len(whole))
		}
	}
}

// TestHostile reads archives that nobody here wrote. Those that build badly are fine as archives.
func TestHostile(t *testing.T) {
	rows := map[string]bool{"sdist-bomb": false, "sdist-device": false, "sdist-hardlink-out": false, "sdist-setuid": true,
		"sdist-symlink-out": false, "sdist-truncated": false, "sdist-two-roots": false, "sdist-build-exit0": true, "sdist-build-hang": true}
	for id, safe := range rows {
		data, err := os.ReadFile(filepath.Join(corpus.Dir(t, "bad"), id, "evil-1.0.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := members(data, "evil-1.0.tar.gz"); (err == nil) != safe {
			t.Errorf("%s: have %v", id, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archived(f, file("p-1/a"), link(tar.TypeSymlink, "p-1/b", "a")), false)
	f.Fuzz(func(t *testing.T, data []byte, zipped bool) {
		filename := "p-1.tar.gz"
		if zipped {
			filename = "p-1.zip"
		}
		_ = sdist.Read(bytes.NewReader(data), int64(len(data)), filename, func(m sdist.Member, _ io.Reader) error {
			if !filepath.IsLocal(m.Path) || strings.Contains(m.Path, "\\") {
				t.Fatalf("%q is no path below the top", m.Path)
			}
			return nil
		})
	})
}
