package build

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lithe-build/lithe/internal/layer"
)

// The interpreter is lent with the libraries that it is started with, and theirs, and with its loader.
func TestUnneededObjects(t *testing.T) {
	const loader = "/lib64/ld-linux-x86-64.so.2"
	layers := []made{
		{Record: layer.Record{Loading: layer.Loading{Objects: []layer.Object{
			{Path: "usr/lib/ld-linux-x86-64.so.2", Soname: "ld-linux-x86-64.so.2"},
			{Path: "usr/lib/libc.so.6", Soname: "libc.so.6", Needed: []string{"ld-linux-x86-64.so.2"}},
			{Path: "usr/lib/libz.so.1.3.1", Soname: "libz.so.1", Needed: []string{"libc.so.6"}},
			{Path: "usr/lib/libcrypto.so.3", Soname: "libcrypto.so.3", Needed: []string{"libz.so.1"}},
			{Path: "usr/lib/plain.so"},
		}}}},
		{Record: layer.Record{Loading: layer.Loading{Objects: []layer.Object{
			{Path: "usr/bin/python3.13", Interp: loader, Needed: []string{"libz.so.1", "plain.so"}},
			{Path: "usr/lib/python3.13/lib-dynload/_ssl.so", Needed: []string{"libcrypto.so.3"}},
		}}}},
	}
	got := slices.Sorted(maps.Keys(unneededObjects(layers, "usr/bin/python3.13")))
	if want := []string{"usr/lib/libcrypto.so.3", "usr/lib/python3.13/lib-dynload/_ssl.so"}; !slices.Equal(got, want) {
		t.Errorf("%q are left out, not %q", got, want)
	}
}

// What is lent are files and links, without what nothing is compiled with.
func TestEntriesIn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"usr/bin/python", "usr/lib/libcrypto.so.3", "usr/share/doc", "var/lib/status", "etc/ssl/cert.pem", "etc/passwd"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/bin", filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	entries, err := entriesIn(dir, map[string]bool{"usr/lib/libcrypto.so.3": true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Path+e.Link)
	}
	if want := []string{"binusr/bin", "etc/passwd", "usr/bin/python"}; !slices.Equal(got, want) {
		t.Errorf("%q are lent, not %q", got, want)
	}
}
