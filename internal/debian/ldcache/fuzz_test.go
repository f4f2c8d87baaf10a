package ldcache

import (
	"debug/elf"
	"runtime"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// hostMachine is this machine's architecture as ELF numbers it; 0 when it is none that we know.
var hostMachine = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]

func FuzzInspect(f *testing.F) {
	f.Add(tinyelf.Object{Soname: "libc.so.6", Needed: []tinyelf.Need{{Library: "libm.so.6"}}}.Bytes())
	f.Add(tinyelf.Object{Machine: elf.EM_AARCH64, Interp: "/lib/ld.so"}.Bytes())
	f.Add([]byte(elf.ELFMAG))
	f.Fuzz(func(t *testing.T, data []byte) {
		soname, machine, ok := inspect(data)
		if !ok && soname != "" || strings.Contains(soname, "\x00") {
			t.Fatalf("soname %q of machine %v, ok %v", soname, machine, ok)
		}
	})
}

func FuzzScan(f *testing.F) {
	f.Add("include /etc/*.conf\n/opt/lib\n", "usr/lib/libx.so.1", "../../lib/x86_64-linux-gnu/libx.so")
	f.Add("include ld.so.conf", "lib", "lib/..")
	f.Add("/a=libc6 # x\nhwcap 1\ninclude [", "usr/lib", "/")
	f.Fuzz(func(t *testing.T, conf, link, target string) {
		entries := []entry.Entry{
			entry.NewFile("etc/ld.so.conf", []byte(conf), false),
			entry.NewSymlink(link, target),
			library("lib/x86_64-linux-gnu/libx.so", "libx.so"),
			library("opt/lib/libx.so.1.2", "libx.so.1"),
		}
		result, err := Scan(entries, "amd64")
		if err != nil {
			return
		}
		// Only a strange folder in the configuration cannot stand in a cache.
		if _, err := Build(result.Libraries, "amd64", ""); err != nil && !strings.Contains(err.Error(), "cannot stand") {
			t.Fatal(err)
		}
	})
}
