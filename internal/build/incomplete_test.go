package build

import (
	"testing"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// TestIncomplete shows what is said about each thing that an image may lack. The command line's scripts have it whole.
func TestIncomplete(t *testing.T) {
	psy := closure.User{Package: "psy", Object: "venv/lib/python3.11/site-packages/psy/_psy.so"}
	many := psy
	many.More = 2
	own := closure.User{Object: "usr/lib/x.so"}
	for name, c := range map[string]struct {
		unasked string
		what    closure.Result
		want    string
	}{
		"a newer base": {what: closure.Result{Versions: []closure.Versions{{User: many, Library: "libc.so.6", Needs: []string{"GLIBC_2.38"}, Has: "GLIBC_2.36"}}},
			want: `uv.lock:7: psy 2.9: _psy.so and 2 more files need GLIBC_2.38 of libc.so.6, and that of the image ends at GLIBC_2.36; base "debian:trixie" has GLIBC_2.41, with Python 3.13`},
		"no base has it": {what: closure.Result{Versions: []closure.Versions{{User: psy, Library: "libstdc++.so.6", Needs: []string{"CXXABI_1.4", "GLIBCXX_3.4.99"}}}},
			want: "uv.lock:7: psy 2.9: _psy.so needs CXXABI_1.4 and GLIBCXX_3.4.99 of libstdc++.so.6, and that of the image does not have it; choose a version of it that was built for an older system"},
		"nobody was asked": {unasked: "which Debian package has it cannot be told offline", what: closure.Result{Missing: []closure.Missing{{User: psy, Library: "libx.so.1"}}},
			want: `uv.lock:7: psy 2.9: _psy.so needs libx.so.1, which is not in the image; which Debian package has it cannot be told offline: name it in system-packages; or, if the program does without it, accept-missing-libraries = ["libx.so.1"]`},
		"elsewhere": {what: closure.Result{Missing: []closure.Missing{{User: psy, Library: "libx.so.1", Elsewhere: "usr/lib/private/libx.so.1"}}},
			want: `uv.lock:7: psy 2.9: _psy.so needs libx.so.1, which lies where the loader does not look: in /usr/lib/private; no package of debian:bookworm has it; or, if the program does without it, accept-missing-libraries = ["libx.so.1"]`},
		"a file of the base": {what: closure.Result{Missing: []closure.Missing{{User: own, Library: "/nix/ld.so"}}},
			want: `/usr/lib/x.so needs /nix/ld.so, which is not in the image; it was built for another system than debian:bookworm; or, if the program does without it, accept-missing-libraries = ["/nix/ld.so"]`},
	} {
		t.Run(name, func(t *testing.T) {
			v := &variant{facts: base.Facts{Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 36}}, plan: &plan.Plan{Base: "debian:bookworm",
				Packages: []plan.Package{{Name: "psy", Version: "2.9", Pos: diag.Position{File: "uv.lock", Line: 7}}}}}
			r := lackReport{decision: &decision{inputs: &inputs{}, pins: &base.Pins{Name: "debian:bookworm"}, variants: []*variant{v}}, variant: v, unasked: c.unasked}
			var problems diag.List
			for _, m := range c.what.Missing {
				problems.Add(r.missing(m))
			}
			for _, n := range c.what.Versions {
				problems.Add(r.versions(n))
			}
			if got := problems.Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
