package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// member of a tar as others write it.
type tarFile struct {
	name string
	kind byte
	link string
	data []byte
}

func tarOf(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: f.kind, Linkname: f.link, Size: int64(len(f.data)), Mode: 0o755}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestInspect reads a layer with everything that counts, and much that does not.
func TestInspect(t *testing.T) {
	lib := tinyelf.Object{Soname: "libx.so.1", Rpath: "/a"}.Bytes()
	got, err := Inspect(t.Context(), openStore(t), bytes.NewReader(tarOf(t,
		tarFile{name: "./usr/lib/", kind: tar.TypeDir},
		tarFile{name: "./usr/lib/libx.so.1.0", kind: tar.TypeReg, data: lib},
		tarFile{name: "/usr/lib/libhard.so", kind: tar.TypeLink, link: "usr/lib/libx.so.1.0"},
		tarFile{name: "usr/lib/libx.so.1", kind: tar.TypeSymlink, link: "libx.so.1.0"},
		tarFile{name: "usr/share/zone", kind: tar.TypeReg, data: []byte("text")},
		tarFile{name: "usr/share/zone2", kind: tar.TypeLink, link: "usr/share/zone"},
		tarFile{name: "usr/share/local", kind: tar.TypeSymlink, link: "./zone"},
		tarFile{name: "usr/share/local2", kind: tar.TypeSymlink, link: "/usr/share/zone2"},
		tarFile{name: "lib", kind: tar.TypeSymlink, link: "usr/lib"},
		tarFile{name: "../../up/.wh.gone", kind: tar.TypeReg},
		tarFile{name: "srv/.wh..wh..opq", kind: tar.TypeReg},
		tarFile{name: ".wh..wh..opq", kind: tar.TypeReg},
		tarFile{name: "srv/.wh.", kind: tar.TypeReg},
		tarFile{name: "dev/null", kind: tar.TypeChar},
		tarFile{name: "etc/ld.so.conf", kind: tar.TypeReg, data: []byte("/opt/lib\n")},
		tarFile{name: "etc/ld-musl-x86_64.path", kind: tar.TypeReg, data: bytes.Repeat([]byte("x"), maxSearch+1)},
	)))
	if err != nil {
		t.Fatal(err)
	}
	first := Object{Path: "usr/lib/libx.so.1.0", Machine: "EM_X86_64", Class: 64, Soname: "libx.so.1", Rpath: []string{"/a"}}
	second := first
	second.Path = "usr/lib/libhard.so"
	want := Loading{Objects: []Object{first, second}, Links: []Link{{"usr/lib/libx.so.1", "libx.so.1.0"}, {"lib", "usr/lib"}},
		Search: []Search{{"etc/ld.so.conf", "/opt/lib\n"}}, Removed: []string{"up/gone", "srv/", "/"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInspectProblems(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	good := tarOf(t, tarFile{name: "a", kind: tar.TypeReg, data: make([]byte, 4096)})
	var many []tarFile
	for i := range maxSearches + 2 {
		many = append(many, tarFile{name: fmt.Sprintf("etc/ld.so.conf.d/%d.conf", i), kind: tar.TypeReg})
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		data []byte
		want string
	}{
		"cut":       {t.Context(), good[:2000], "unexpected EOF"},
		"no tar":    {t.Context(), bytes.Repeat([]byte("x"), 2000), "invalid tar header"},
		"stopped":   {stopped, good, "context canceled"},
		"too much":  {t.Context(), tarOf(t, many...), "more files than lithe takes"},
		"too large": {t.Context(), hugeHeader(t), "more than lithe takes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Inspect(c.ctx, openStore(t), bytes.NewReader(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// hugeHeader is the header of a file that is not there.
func hugeHeader(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(&tar.Header{Name: "libx.so", Typeflag: tar.TypeReg, Size: maxObjectFile + 1}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzInspect gives any bytes for a tar: no panic, and every path stays inside the image.
func FuzzInspect(f *testing.F) {
	lib := tinyelf.Object{Soname: "libx.so.1", Needed: []tinyelf.Need{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}}}}.Bytes()
	f.Add(tarOf(f, tarFile{name: "./libx.so", kind: tar.TypeReg, data: lib}, tarFile{name: "../liby.so", kind: tar.TypeLink, link: "libx.so"},
		tarFile{name: "a/.wh.b", kind: tar.TypeReg}, tarFile{name: "etc/ld.so.conf", kind: tar.TypeReg, data: []byte("/x\n")}))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Inspect(t.Context(), openStore(t), bytes.NewReader(data))
		if err != nil {
			return
		}
		var paths []string
		for _, o := range got.Objects {
			paths = append(paths, o.Path)
		}
		for _, l := range got.Links {
			paths = append(paths, l.Path)
		}
		for _, p := range append(paths, got.Removed...) {
			if strings.HasPrefix(p, "/") && p != "/" || strings.HasPrefix(p, "..") {
				t.Errorf("%q is outside", p)
			}
		}
	})
}
