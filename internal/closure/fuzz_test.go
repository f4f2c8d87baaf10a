package closure_test

import (
	"testing"

	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/layer"
)

// FuzzCheck gives what the files of an image may say: it ends, and what is found was asked for.
func FuzzCheck(f *testing.F) {
	f.Add("$ORIGIN/../x.libs", "/opt/${LIB}", "../lib", "include *.conf\n/usr/local/lib", "libx.so.1", "libc.so.6 GLIBC_2.34")
	f.Add("", "$PLATFORM", "a/../../a", "include /etc/ld.so.conf*", "/abs/libx.so", "libx.so.1 X_")
	f.Fuzz(func(t *testing.T, rpath, runpath, target, text, name, version string) {
		object := func(path string) layer.Object {
			return layer.Object{Path: path, Machine: "EM_X86_64", Class: 64, Soname: name, Needed: []string{name, "libc.so.6"},
				Rpath: []string{rpath}, Runpath: []string{runpath}[:len(runpath)%2], Requires: []string{version}, Provides: []string{version}}
		}
		loading := layer.Loading{Objects: []layer.Object{object("usr/bin/python"), object("venv/a.so"), object(target)},
			Links:  []layer.Link{{Path: "lib", Target: target}, {Path: "a", Target: "lib/x"}, {Path: "lib/x", Target: "../a"}},
			Search: []layer.Search{{Path: "etc/ld.so.conf", Text: text}, {Path: "etc/ld.so.conf.d/a.conf", Text: text}}, Removed: []string{rpath}}
		for _, musl := range []bool{false, true} {
			got := closure.Check(closure.Input{Arch: "amd64", Musl: musl, Interpreter: "/usr/bin/python", LibraryPath: runpath,
				Layers: []closure.Layer{{Loading: loading}, {Loading: loading}}})
			for _, m := range got.Missing {
				if m.Library != name && m.Library != "libc.so.6" {
					t.Errorf("%q is missing, and nobody needs it", m.Library)
				}
			}
		}
	})
}
