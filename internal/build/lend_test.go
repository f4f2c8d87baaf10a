package build

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/python/wheel"
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

// TestManyFiles holds many files against many others: each against each would take hours.
func TestManyFiles(t *testing.T) {
	const n = 50_000
	var objects []layer.Object
	var entries []entry.Entry
	var paths []string
	for i := range n {
		objects = append(objects, layer.Object{Path: fmt.Sprintf("usr/lib/lib%05d.so", i), Needed: []string{fmt.Sprintf("lib%05d.so", i+1)}})
		entries = append(entries, entry.NewDir(fmt.Sprintf("app/%05d", i)))
		paths = append(paths, fmt.Sprintf("app/%05d", n+i))
	}
	made := []made{{Record: layer.Record{Loading: layer.Loading{Objects: objects}}}}
	if got := unneededObjects(made, "usr/lib/lib00005.so"); len(got) != 5 {
		t.Errorf("%d are not needed", len(got))
	}
	if got := replaced(entries, slices.Clone(entries[1:])); len(got) != n || got[0].Path != "app/00000" {
		t.Errorf("%d files", len(got))
	}
	own := []*wheel.Installed{{Entries: entries}, {Entries: []entry.Entry{entry.NewDir("other")}}, {Entries: entries[n-1:]}}
	if meets(own[:2], paths) || !meets(own, paths) || meets(nil, paths) {
		t.Error("wheels meet, or do not")
	}
}
