package base

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// wants parses what a project asks for.
func wants(t *testing.T, names ...string) (all []Want) {
	t.Helper()
	for _, n := range names {
		w, err := ParseWant(n, diag.Position{File: "pyproject.toml", Line: 7})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// shownSystem returns the system packages of pins, a line each.
func shownSystem(pins []Pin) (out []string) {
	for _, p := range pins {
		if p.Part == KindSystem {
			out = append(out, p.Name+"="+p.Version+" for "+strings.Join(p.For, ",")+": "+p.Reason)
		}
	}
	return out
}

var synthBase = []string{"tree 1", "clib 2.41-1 | gccbase (= 14)", "gccbase 14", "python3.99 3.99.1-1"}

func TestSystemClosure(t *testing.T) {
	for _, test := range []struct {
		name     string
		wants    []string
		offers   []string
		updates  []string
		want     []string
		problems string
	}{
		{
			name: "what the base has stays there", wants: []string{"libpq"}, offers: []string{"libpq 17 | clib (>= 2), libldap", "libldap 2 | clib"},
			want: []string{"libldap=2 for libpq: libpq depends on libldap", "libpq=17 for libpq: root"},
		},
		{name: "a package of the base", wants: []string{"clib"}},
		{
			name: "who needs what", wants: []string{"aa", "bb"}, offers: []string{"aa 1 | shared, only", "bb 1 | shared / other", "shared 1", "only 1 | bb"},
			want: []string{"aa=1 for aa: root", "bb=1 for aa,bb: root", "only=1 for aa: aa depends on only", "shared=1 for aa,bb: aa depends on shared"},
		},
		{name: "a virtual name", wants: []string{"libmagic"}, offers: []string{"libmagict64 5 | | libmagic (= 5)"}, want: []string{"libmagict64=5 for libmagic: root"}},
		{name: "an older version", wants: []string{"lib1=1"}, offers: []string{"lib1 1"}, updates: []string{"lib1 2"}, want: []string{"lib1=1 for lib1: root"}},
		{name: "one version for two targets", wants: []string{"lib1", "lib1=1"}, offers: []string{"lib1 1"}, updates: []string{"lib1 2"}, want: []string{"lib1=1 for lib1: root"}},
		{
			name: "tools and services", wants: []string{"gui"}, offers: []string{"gui 1 | debconf / debconf-2.0, default-dbus-session-bus / dbus-session-bus, perl-base", "perl-base 5", "dbus-session-bus 1"},
			want: []string{"gui=1 for gui: root", "perl-base=5 for gui: gui depends on perl-base"},
		},
		{name: "a tool by its name", wants: []string{"tar"}, offers: []string{"tar 1"}, want: []string{"tar=1 for tar: root"}},
		{name: "two versions", wants: []string{"lib1=1", "lib1=2"}, offers: []string{"lib1 1", "lib1 2"}, problems: "package lib1 is asked for in two versions, 2 and 1"},
		{name: "unknown", wants: []string{"libqq"}, offers: []string{"libpq 1", "libqq5 2"}, problems: `pyproject.toml:7: synth for linux/amd64 has no package "libqq"; did you mean libpq, libqq5?`},
		{name: "several providers", wants: []string{"mta"}, offers: []string{"exim 1 | | mta", "postfix 1 | | mta"}, problems: "it is provided by exim, postfix: name one of these"},
		{name: "no such version", wants: []string{"lib1=3"}, offers: []string{"lib1 1"}, updates: []string{"lib1 2"}, problems: "has no lib1 3, but 2 and 1"},
		{name: "a version that does not do", wants: []string{"app", "lib1=1"}, offers: []string{"app 1 | lib1 (>= 2)", "lib1 1"}, updates: []string{"lib1 2"}, problems: "lib1: version 1 is asked for"},
	} {
		t.Run(test.name, func(t *testing.T) {
			main := offers(append(test.offers, synthBase...)...)
			pins, err := selectPackages(newCatalogue([][]stanza{main, offers(test.updates...)}), synthetic, amd64, wants(t, test.wants...))
			if test.problems != "" {
				test.problems = strings.Replace(test.problems, "lib1: ", "", 1)
				if err == nil || !strings.Contains(err.Error(), test.problems) {
					t.Errorf("error %v, want %q", err, test.problems)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shownSystem(pins)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	main := offers(append([]string{"one 1", "two 1 | | virtual"}, synthBase...)...)
	main[0].Conflicts = "virtual, one, clib (<< 2)"
	_, err := selectPackages(newCatalogue([][]stanza{main}), synthetic, amd64, wants(t, "one", "two"))
	if err == nil || !strings.Contains(err.Error(), "one 1 and two 1 cannot be together: one conflicts with virtual") || strings.Contains(err.Error(), "clib") {
		t.Error(err)
	}
}

// TestExtend: base, interpreter and what nobody asked to move stay, while the index has moved on.
func TestExtend(t *testing.T) {
	locked, err := selectPackages(newCatalogue([][]stanza{offers(append([]string{"libpq 17 | clib"}, synthBase...)...)}), synthetic, amd64, wants(t, "libpq"))
	if err != nil {
		t.Fatal(err)
	}
	s := Selection{Platform: amd64, Packages: locked}
	moved := newCatalogue([][]stanza{
		offers("libpq 17 | clib", "libxml 2 | clib (>= 2.40)", "tree 2", "clib 2.42-1 | gccbase (= 15)", "gccbase 15", "python3.99 3.99.2-1", "libgomp 15 | gccbase (= 15)"),
		offers("libpq 18 | clib"),
	})
	pins, err := extendPackages(moved, "synth", s, wants(t, "libpq", "libxml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"libpq=17 for libpq: root", "libxml=2 for libxml: root"}, shownSystem(pins)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(s.Ground(), Selection{Packages: pins}.Ground()); diff != "" {
		t.Errorf("the base moved:\n%s", diff)
	}
	_, err = extendPackages(moved, "synth", s, wants(t, "libgomp"))
	if err == nil || !strings.Contains(err.Error(), "libgomp 15 needs gccbase (= 15), which it does not have: lithe.lock has version 14; `lithe lock --upgrade`") {
		t.Errorf("a package for a newer base: %v", err)
	}
	_, err = extendPackages(moved, "synth", s, wants(t, "clib=2.42-1"))
	if err == nil || !strings.Contains(err.Error(), "the base of lithe.lock has version 2.41-1") {
		t.Errorf("another version of a package of the base: %v", err)
	}
}

func TestSystemPins(t *testing.T) {
	s := Selection{Packages: []Pin{{Name: "clib", Part: KindBase}, {Name: "aa", Part: KindSystem, For: []string{"aa"}}, {Name: "bb", Part: KindSystem, For: []string{"aa", "bb"}}}}
	if got := s.SystemPins(wants(t, "bb")); len(got) != 1 || got[0].Name != "bb" {
		t.Errorf("bb brings %v", got)
	}
	if got := s.SystemPins(nil); got != nil {
		t.Errorf("nothing brings %v", got)
	}
}

// TestAssembleSystem: what base and interpreter are does not depend on system packages; what those need of the base's
// pruned files comes back.
func TestAssembleSystem(t *testing.T) {
	suites := syntheticSuites()
	needs := string(tinyelf.Object{Soname: "libpq.so.5", Needed: []tinyelf.Need{{Library: "libtic.so.6"}}}.Bytes())
	suites[0].Packages = append(suites[0].Packages,
		debmirror.Package{Name: "terminals", Version: "1", Files: []debmirror.File{
			{Path: "lib/x86_64-linux-gnu/libtic.so.6.5", Content: "spare"}, {Path: "lib/x86_64-linux-gnu/libtic.so.6", Symlink: "libtic.so.6.5"}}},
		debmirror.Package{Name: "libpq5", Version: "17", Depends: "clib", Files: []debmirror.File{
			{Path: "lib/x86_64-linux-gnu/libpq.so.5", Content: needs}, {Path: "usr/share/man/man1/pq.1", Content: "x"}, {Path: "bin/pq", Content: "#!", Mode: 0o755}},
			Scripts: map[string]string{"postinst": "#!/bin/sh\nln -s ../../lib/x /lib/x86_64-linux-gnu/libx.so\ncp /bin/pq /etc/pq\n"}})
	suites[0].Packages[1].Depends += ", terminals"
	m := debmirror.New(t, suites...)
	c, _ := client(t)
	opt := options(m)
	opt.System = wants(t, "libpq5")
	pins := mustResolve(t, c, opt)
	with, err := assemble(context.Background(), c, synthetic, pins, amd64, opt, serialized(nil))
	if err != nil {
		t.Fatal(err)
	}
	checkSystemPaths(t, with.Parts[2])
	opt.System = nil
	without, err := assemble(context.Background(), c, synthetic, pins, amd64, opt, serialized(nil))
	if err != nil {
		t.Fatal(err)
	}
	with.Parts = with.Parts[:2]
	if diff := cmp.Diff(listing(t, without), listing(t, with)); diff != "" {
		t.Errorf("system packages change the base:\n%s", diff)
	}
}

func checkSystemPaths(t *testing.T, p Part) {
	t.Helper()
	var got []string
	for _, e := range p.Entries {
		if e.Type != entry.Dir {
			got = append(got, strings.TrimSpace(e.Path+" "+e.Link))
		}
	}
	want := []string{"etc/ld.so.cache", "etc/pq", "usr/bin/pq", "usr/lib/x86_64-linux-gnu/libpq.so.5",
		"usr/lib/x86_64-linux-gnu/libtic.so.6 libtic.so.6.5", "usr/lib/x86_64-linux-gnu/libtic.so.6.5", "usr/lib/x86_64-linux-gnu/libx.so ../../lib/x",
		"var/lib/dpkg/status.d/libpq5", "var/lib/dpkg/status.d/libpq5.md5sums"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAlternatives(t *testing.T) {
	image := newImageFiles([]entry.Entry{entry.NewFile("usr/bin/mawk", nil, true), entry.NewFile("usr/bin/gawk", nil, true), entry.NewFile("usr/bin/fixed", nil, true)})
	var got []string
	for _, e := range chosen([]maintscript.Alternative{
		{Link: "/usr/bin/awk", Name: "awk", Path: "/usr/bin/mawk", Priority: 5},
		{Link: "/usr/bin/awk", Name: "awk", Path: "/usr/bin/gawk", Priority: 10, Slaves: []maintscript.Alternative{{Link: "/usr/share/man/awk.1", Name: "awk.1", Path: "/gone"},
			{Link: "/bin/nawk", Name: "nawk", Path: "/bin/gawk"}}},
		{Link: "/usr/bin/awk", Name: "awk", Path: "/usr/bin/absent", Priority: 50},
		{Link: "/usr/bin/fixed", Name: "fixed", Path: "/usr/bin/gawk"},
	}, image) {
		got = append(got, e.Path+" -> "+e.Link)
	}
	want := []string{"etc/alternatives/awk -> /usr/bin/gawk", "usr/bin/awk -> /etc/alternatives/awk", "etc/alternatives/nawk -> /bin/gawk", "usr/bin/nawk -> /etc/alternatives/nawk"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAccounts(t *testing.T) {
	files := accountFiles{passwd, group}.with([]maintscript.User{{Name: "one", Home: "/nonexistent", Shell: "/bin/false"}, {Name: "tss", ID: 999, Group: "crypto", Home: "/", Shell: "/bin/false"},
		{Name: "web", Group: "nogroup", Home: "/", Shell: "/bin/false"}}, []string{"audio"})
	var text []string
	for _, f := range files {
		data, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, strings.TrimPrefix(strings.TrimPrefix(string(data), passwd), group))
	}
	want := []string{"one:x:996:996::/nonexistent:/bin/false\ntss:x:999:997::/:/bin/false\nweb:x:995:65534::/:/bin/false\n", "audio:x:998:\ncrypto:x:997:\none:x:996:\n"}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestImageFiles(t *testing.T) {
	f := newImageFiles([]entry.Entry{entry.NewFile("usr/lib/x/a", []byte("a"), false), entry.NewSymlink("etc/link", "/lib/x"), entry.NewSymlink("etc/loop", "loop"),
		entry.NewSymlink("var/up", "../etc/link/a"), entry.NewFile(statusDir+"/libc6", nil, false)})
	for path, want := range map[string]string{"/lib/x/a": "usr/lib/x/a", "/etc/link/a": "usr/lib/x/a", "/var/up": "usr/lib/x/a", "/lib": "usr/lib", "/etc/loop": "", "/etc/link/b": "", "/": ""} {
		if e, ok := f.Lookup(path, true); ok != (want != "") && path != "/" || e.Path != want {
			t.Errorf("%s is %q, %v", path, e.Path, ok)
		}
	}
	if !f.Installed("libc6") || f.Installed("libc7") || strings.Join(f.Names("/etc"), " ") != "link loop" {
		t.Error("packages or names are wrong")
	}
}
