package build

import (
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/project"
)

// TestMissingRank looks at where tools would find what they miss.
func TestMissingRank(t *testing.T) {
	header, library, module, program := pep517.Missing{Kind: pep517.Header, Name: "a/x.h"}, pep517.Missing{Kind: pep517.Library, Name: "x"},
		pep517.Missing{Kind: pep517.Module, Name: "x"}, pep517.Missing{Kind: pep517.Program, Name: "x_config"}
	for _, c := range []struct {
		missing pep517.Missing
		path    string
		want    int
	}{
		{header, "usr/include/a/x.h", 1}, {header, "usr/include/x86_64-linux-gnu/a/x.h", 1}, {header, "usr/include/b/a/x.h", 2},
		{header, "usr/include/ba/x.h", 0}, {header, "usr/lib/a/x.h", 0}, {header, "usr/include/x.h", 0},
		{library, "usr/lib/x86_64-linux-gnu/libx.so", 1}, {library, "usr/lib/libx.so", 1}, {library, "usr/lib/y/libx.so", 0}, {library, "usr/lib/libx.so.1", 0},
		{module, "usr/lib/x86_64-linux-gnu/pkgconfig/x.pc", 1}, {module, "usr/share/pkgconfig/x.pc", 1}, {module, "usr/share/x.pc", 0},
		{program, "usr/bin/x_config", 1}, {program, "usr/bin/y/x_config", 0}, {program, "usr/share/x_config", 0},
	} {
		if got := missingRank(c.missing, c.path); got != c.want {
			t.Errorf("%v in %s is %d, want %d", c.missing, c.path, got, c.want)
		}
	}
}

// TestMissingHint names a package with the line that adds it, beside those that are there.
func TestMissingHint(t *testing.T) {
	f := &frontend{decision: &decision{inputs: &inputs{}}}
	f.decision.config.BuildPackages = []project.SystemPackage{{Want: "libffi-dev"}}
	for m, want := range map[pep517.Missing]string{
		{Kind: pep517.Header, Name: "ldap.h"}:       `Debian's libldap-dev has ldap.h: set build-packages = ["libffi-dev", "libldap-dev"] in `,
		{Kind: pep517.Program, Name: "pg_config"}:   `Debian's libpq-dev has pg_config: set build-packages = ["libffi-dev", "libpq-dev"] in `,
		{Kind: pep517.Module, Name: "libxml-2.0"}:   `Debian's libxml2-dev has libxml-2.0.pc: set build-packages = ["libffi-dev", "libxml2-dev"] in `,
		{Kind: pep517.Library, Name: "mysqlclient"}: `Debian's default-libmysqlclient-dev has libmysqlclient.so: set`,
	} {
		if got := f.missingHint(t.Context(), m); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
