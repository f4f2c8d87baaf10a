package closure_test

import (
	"fmt"
	"testing"

	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/layer"
)

// object is a library of this platform.
func object(path string, o layer.Object) layer.Object {
	o.Path, o.Machine, o.Class = path, "EM_X86_64", 64
	return o
}

// TestLargeImages checks images whose layers take away as much as others have, whose links all lead to one file, and whose files
// need as many versions as a file may: what is done for each pair of them would take hours.
func TestLargeImages(t *testing.T) {
	const n = 30_000
	var whole, removed, linked, versions layer.Loading
	linked.Objects = []layer.Object{object("usr/lib/liba.so", layer.Object{Needed: []string{"libb.so"}, Runpath: []string{"$ORIGIN", "$ORIGIN/x"}})}
	for i := range n {
		whole.Links = append(whole.Links, layer.Link{Path: fmt.Sprintf("usr/lib/%d/l.so", i), Target: "../x"})
		removed.Removed = append(removed.Removed, fmt.Sprintf("opt/%d", i))
		linked.Links = append(linked.Links, layer.Link{Path: fmt.Sprintf("opt/%d/liba.so", i), Target: "/usr/lib/liba.so"})
	}
	removed.Removed = append(removed.Removed, "usr/lib/7/", "usr/lib/8")
	for i := range 3 {
		o := object(fmt.Sprintf("venv/a%d.so", i), layer.Object{Needed: []string{"libc.so.6"}, Package: "a"})
		for k := range n {
			o.Requires = append(o.Requires, fmt.Sprintf("libc.so.6 K%05d%d_1.2", k, i))
		}
		versions.Objects = append(versions.Objects, o)
	}
	versions.Objects = append(versions.Objects, object("usr/lib/libc.so.6", layer.Object{Soname: "libc.so.6", Provides: []string{"GLIBC_2.2"}}))
	for name, c := range map[string]struct {
		layers []layer.Loading
		want   string
	}{
		"removed":  {[]layer.Loading{whole, removed}, "0 missing, 0 versions"},
		"links":    {[]layer.Loading{linked}, "1 missing, 0 versions"},
		"versions": {[]layer.Loading{versions}, "0 missing, 90000 versions"},
	} {
		t.Run(name, func(t *testing.T) {
			in := closure.Input{Arch: "amd64"}
			for _, l := range c.layers {
				in.Layers = append(in.Layers, closure.Layer{Loading: l})
			}
			r := closure.Check(in)
			needs := 0
			for _, v := range r.Versions {
				needs += len(v.Needs)
			}
			if got := fmt.Sprintf("%d missing, %d versions", len(r.Missing), needs); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}
