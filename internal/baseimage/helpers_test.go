package baseimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// files is what one layer has: contents by path; "-> target" is a link, "=> name" a second name, "/" behind a path
// makes it a directory.
type files map[string]string

// plain makes a layer without compression. Entries come in the order of their paths.
func plain(t testing.TB, f files) Layer {
	t.Helper()
	data := archive(t, f)
	return layerOf(data, data)
}

func archive(t testing.TB, f files) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range sortedNames(f) {
		content := f[name]
		h := &tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg, Size: int64(len(content))}
		switch {
		case strings.HasSuffix(name, "/"):
			h.Typeflag = tar.TypeDir
		case strings.HasPrefix(content, "-> "):
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, content[3:], 0
		case strings.HasPrefix(content, "=> "):
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, content[3:], 0
		case content == "device":
			h.Typeflag, h.Size = tar.TypeChar, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sortedNames(f files) []string {
	var names []string
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func layerOf(blob, tarball []byte) Layer {
	sum := sha256.Sum256(tarball)
	return Layer{DiffID: "sha256:" + hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(blob)), nil }}
}

func gzipped(t testing.TB, f files) Layer {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	data := archive(t, f)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return layerOf(out.Bytes(), data)
}

func zstandard(t testing.TB, f files) Layer {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := archive(t, f)
	return layerOf(w.EncodeAll(data, nil), data)
}

const (
	hex3135  = 0x030d05f0 // PY_VERSION_HEX of 3.13.5
	ldLinux  = "/lib64/ld-linux-x86-64.so.2"
	ldMusl   = "/lib/ld-musl-x86_64.so.1"
	gnuLibc  = "GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\nCopyright"
	muslText = "\x00musl libc (x86_64)\nVersion %s\n\x001.2.5\x00"
)

// python is an interpreter; a version of 0 exports none. text stands among its strings.
func pythonFile(loader string, version uint64, text string, needed ...string) string {
	o := tinyelf.Object{Interp: loader}
	if version > 0 {
		o.Numbers = []tinyelf.Number{{Name: "Py_Version", Value: version}}
	}
	for _, n := range needed {
		o.Needed = append(o.Needed, tinyelf.Need{Library: n})
	}
	return string(o.Bytes()) + "\x00" + text + "\x00"
}

// onGlibc is a Debian with an interpreter in /usr/local, as Docker's slim images have it.
func onGlibc() files {
	library := tinyelf.Object{Soname: "libpython3.13.so.1.0", Numbers: []tinyelf.Number{{Name: "Py_Version", Value: hex3135}}}
	return files{
		"lib": "-> usr/lib", "lib64": "-> usr/lib64", "bin": "-> usr/bin",
		"usr/lib64/ld-linux-x86-64.so.2":                "-> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		"usr/lib/x86_64-linux-gnu/libc.so.6":            gnuLibc,
		"usr/local/lib/libpython3.13.so.1.0":            string(library.Bytes()),
		"usr/local/lib/python3.13/os.py":                "",
		"usr/local/bin/python3.13":                      pythonFile(ldLinux, 0, "", "libpython3.13.so.1.0", "libc.so.6"),
		"usr/local/bin/python3":                         "-> python3.13",
		"etc/ssl/certs/ca-certificates.crt":             "x",
		"etc/passwd":                                    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/false\n",
		"etc/group":                                     "root:x:0:\nweb:x:33:\n",
		"usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": string(tinyelf.Object{Soname: "ld-linux-x86-64.so.2"}.Bytes()),
	}
}

// onMusl is an Alpine.
func onMusl() files {
	return files{
		"lib/ld-musl-x86_64.so.1": string(tinyelf.Object{}.Bytes()) + muslText, "usr/lib/python3.12/os.py": "",
		"usr/bin/python3.12": pythonFile(ldMusl, 0, "3.12.9"), "usr/bin/python3": "-> python3.12", "usr/bin/python": "-> python3",
	}
}

// with returns a copy with some files added, or replaced.
func (f files) with(more files) files {
	out := files{}
	for name, content := range f {
		out[name] = content
	}
	for name, content := range more {
		out[name] = content
	}
	return out
}

// without returns a copy that lacks some files.
func (f files) without(names ...string) files {
	out := f.with(nil)
	for _, name := range names {
		delete(out, name)
	}
	return out
}
