package cli_test

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// writeELF makes a library, or a program where interp names its loader. A need may name a symbol version after a colon.
func writeELF(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: elf FILE [KEY=VALUE]...")
	}
	var o tinyelf.Object
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "needs":
			library, version, versioned := strings.Cut(value, ":")
			need := tinyelf.Need{Library: library}
			if versioned {
				need.Versions = []string{version}
			}
			o.Needed = append(o.Needed, need)
		case "soname":
			o.Soname = value
		case "runpath":
			o.Runpath = strings.ReplaceAll(value, "@", "$")
		case "interp":
			o.Interp = value
		case "machine":
			if value != "arm64" {
				ts.Fatalf("elf knows no machine %q", value)
			}
			o.Machine = elf.EM_AARCH64
		default:
			ts.Fatalf("elf has no key %q", key)
		}
	}
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, o.Bytes(), 0o644))
}
