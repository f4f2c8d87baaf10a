package closure_test

import (
	"fmt"
	"testing"

	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/layer"
)

// BenchmarkCheck looks at an image of 420 objects, as one with numpy, pandas and Pillow has.
func BenchmarkCheck(b *testing.B) {
	layers := []closure.Layer{{Loading: loading(b, base())}}
	for p := range 14 {
		var l layer.Loading
		for i := range 30 {
			l.Objects = append(l.Objects, layer.Object{Path: fmt.Sprintf("%sp%d/m%d.so", site, p, i), Package: fmt.Sprint("p", p),
				Machine: "EM_X86_64", Class: 64, Needed: []string{"libz.so.1", fmt.Sprintf("libp%d-%d.so", p, i%3), "libc.so.6"},
				Runpath: []string{"$ORIGIN/../p.libs", "$ORIGIN"}, Requires: []string{"libc.so.6 GLIBC_2.2.5", "libc.so.6 GLIBC_2.34"}})
		}
		for i := range 3 {
			l.Objects = append(l.Objects, layer.Object{Path: fmt.Sprintf("%sp%d/libp%d-%d.so", site, p, p, i), Machine: "EM_X86_64",
				Class: 64, Needed: []string{"libc.so.6"}})
		}
		layers = append(layers, closure.Layer{Loading: l})
	}
	for b.Loop() {
		r := closure.Check(closure.Input{Arch: "amd64", Interpreter: "/usr/bin/python3.13", Layers: layers})
		if !r.Complete() || r.Objects < 420 {
			b.Fatal(r)
		}
	}
}
