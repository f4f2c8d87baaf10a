package cli_test

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// debFile writes a Debian package.
func debFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 6 {
		ts.Fatalf("usage: debfile FILE NAME VERSION ARCH [DEPENDS [TEXT]]")
	}
	args = append(args, "", "")
	p := debmirror.Package{Name: args[1], Version: args[2], Arch: args[3], Depends: args[4],
		Files: []debmirror.File{{Path: "usr/share/" + args[1] + "/text", Content: args[5] + "\n"}}}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), p.Deb(), 0o600))
}
