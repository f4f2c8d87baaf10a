package base

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
)

func TestFateOf(t *testing.T) {
	for name, want := range map[string]fate{
		"usr/bin/python3.13":                                                       keep,
		"usr/bin/python3.11":                                                       keep,
		"usr/bin/pydoc3.13":                                                        drop,
		"usr/bin/bash":                                                             drop,
		"usr/sbin/ldconfig":                                                        keep,
		"usr/sbin/zic":                                                             drop,
		"usr/share/doc/zlib1g/copyright":                                           keep,
		"usr/share/doc/zlib1g/changelog.Debian.gz":                                 drop,
		"usr/share/doc/zlib1g/examples/copyright":                                  drop,
		"usr/share/doc/libstdc++6":                                                 keep, // a link to the directory that has its copyright
		"usr/share/common-licenses/GPL-3":                                          keep,
		"usr/share/ca-certificates/mozilla/A.crt":                                  use,
		"usr/share/ca-certificates/mozilla/A.txt":                                  drop,
		"usr/lib/x86_64-linux-gnu/gconv/UTF-16.so":                                 drop,
		"usr/lib/x86_64-linux-gnu/libc.so.6":                                       keep,
		"usr/lib/x86_64-linux-gnu/libnss_dns.so.2":                                 keep,
		"usr/lib/python3.13/test/support/__init__.py":                              drop,
		"usr/lib/python3.13/unittest/case.py":                                      keep,
		"usr/lib/python3.13/_pyrepl/pager.py":                                      keep, // pydoc imports it, and xmlrpc.server pydoc
		"usr/lib/python3.13/pydoc_data/topics.py":                                  keep,
		"usr/lib/python3.13/sitecustomize.py":                                      drop,
		"usr/lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so": drop,
		"usr/lib/python3.13/lib-dynload/_dbm.cpython-313-x86_64-linux-gnu.so":      keep,
		"usr/share/zoneinfo/Europe/Berlin":                                         keep,
		"usr/share/zoneinfo/right/Europe/Berlin":                                   drop,
		"usr/lib/os-release":                                                       keep,
		"etc/debian_version":                                                       keep,
	} {
		if got := fateOf(prunings, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPruningsAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range prunings {
		if p.why == "" {
			t.Errorf("%s: no reason", p.pattern)
		}
		if seen[p.pattern] {
			t.Errorf("%s: stands twice, and the second row never counts", p.pattern)
		}
		seen[p.pattern] = true
		if strings.HasPrefix(p.pattern, "/") || mergedPath(p.pattern) != p.pattern {
			t.Errorf("%s: is not a path that packages are rewritten to", p.pattern)
		}
		for component := range strings.SplitSeq(p.pattern, "/") {
			if _, err := path.Match(component, ""); err != nil {
				t.Errorf("%s: %v", p.pattern, err)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/*", "a/b", true},
		{"a/*", "a/b/c", false},
		{"a/**", "a", false},
		{"a/**", "a/b/c", true},
		{"a/**/c", "a/c", true},
		{"a/**/c", "a/b/b/c", true},
		{"a/**/c", "a/b/b/d", false},
		{"**/c", "c", true},
		{"a*/b", "ab/b", true},
	} {
		if got := match(strings.Split(test.pattern, "/"), strings.Split(test.name, "/")); got != test.want {
			t.Errorf("match(%q, %q) = %v", test.pattern, test.name, got)
		}
	}
}

func TestDropEmptied(t *testing.T) {
	one := &unpacked{entries: []entry.Entry{entry.NewDir("home"), entry.NewDir("usr"), entry.NewDir("usr/share"),
		entry.NewDir("usr/share/man"), entry.NewDir("usr/lib"), entry.NewFile("usr/lib/x", nil, false)}}
	two := &unpacked{entries: []entry.Entry{entry.NewDir("usr/share/man/man1"), entry.NewDir("usr/lib")},
		gone: []string{"usr/share/man/man1/a.1", "usr/lib/y"}}
	dropEmptied([]*unpacked{one, two})
	var got []string
	for _, e := range append(one.entries, two.entries...) {
		got = append(got, e.Path)
	}
	if diff := cmp.Diff([]string{"home", "usr", "usr/lib", "usr/lib/x", "usr/lib"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
