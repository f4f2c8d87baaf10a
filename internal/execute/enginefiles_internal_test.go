package execute

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// results writes a tar of these headers.
func results(t *testing.T, headers ...tar.Header) io.Reader {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

// What comes back from an engine may have been made by code without trust: nothing gets out of the folder.
func TestHostileResults(t *testing.T) {
	file := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 4, Mode: 0o4777}
	}
	symlink := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
	}
	hard := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}
	}
	for name, test := range map[string]struct {
		headers []tar.Header
		fails   string
		want    []string
	}{
		"a path upwards":           {headers: []tar.Header{file("../out")}, fails: "path out of"},
		"an absolute path":         {headers: []tar.Header{file("/out")}, fails: "absolute"},
		"through a link":           {headers: []tar.Header{symlink("a", ".."), file("a/out")}, fails: "a/out"},
		"over a link":              {headers: []tar.Header{symlink("a", "../out"), file("a")}, want: []string{"a -rwxrwxrwx"}},
		"a link to elsewhere":      {headers: []tar.Header{symlink("a", "/etc/passwd")}, want: []string{"a Lrwxrwxrwx"}},
		"a hard link upwards":      {headers: []tar.Header{hard("a", "../secret")}, fails: "path out of"},
		"a hard link through one":  {headers: []tar.Header{symlink("a", ".."), hard("b", "a/secret")}, fails: "b"},
		"a hard link to elsewhere": {headers: []tar.Header{hard("a", "/etc/passwd")}, fails: "absolute"},
		"a device":                 {headers: []tar.Header{{Name: "sda", Typeflag: tar.TypeBlock, Devmajor: 8}}},
		"a pipe":                   {headers: []tar.Header{{Name: "pipe", Typeflag: tar.TypeFifo}}},
		"set-id":                   {headers: []tar.Header{file("a")}, want: []string{"a -rwxrwxrwx"}},
		"too much":                 {headers: []tar.Header{{Name: "a", Typeflag: tar.TypeReg, Size: 600}, {Name: "b", Typeflag: tar.TypeReg, Size: 600}}, fails: errTooMuch.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dir := filepath.Join(top, "dir")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(top, "secret"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			err := unpackResults(t.Context(), results(t, test.headers...), dir, 1000)
			if test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) || test.fails == "" && err != nil {
				t.Errorf("error %v, not one about %q", err, test.fails)
			}
			if entries, _ := os.ReadDir(top); len(entries) != 2 {
				t.Errorf("something came out: %v", entries)
			}
			if test.fails != "" {
				return
			}
			var got []string
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Name()+" "+info.Mode().String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An archive that says little and sends much ends as well.
func TestEndlessResults(t *testing.T) {
	endless := &cut{zeros{}, 1000}
	if n, err := io.Copy(io.Discard, endless); n != 1000 || !errors.Is(err, errTooMuch) {
		t.Errorf("%d bytes, error %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
