package base

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vendor, second = "https://apt.example.org/debian", "http://second.example.org"

// from makes stanzas of a source; late ones are those of a suite that is not automatic.
func from(archive string, late bool, lines ...string) []stanza {
	all := offers(lines...)
	for i := range all {
		all[i].archive, all[i].late, all[i].Path = archive, late, archive+all[i].Version
	}
	return all
}

// withSources is what readCatalogue makes of a suite and sources.
func withSources(main []stanza, sources ...[]stanza) *catalogue {
	c := newCatalogue(slices.Concat([][]stanza{main}, sources))
	c.debian = newCatalogue([][]stanza{main})
	return c
}

// TestSourceChoice holds which version of a package is taken, and that no source has a say in what all stands on.
func TestSourceChoice(t *testing.T) {
	for _, test := range []struct {
		name    string
		wants   []string
		debian  []string
		vendor  []string
		second  []string
		late    []string
		want    []string // name=version of a source's "*", with "<" and Debian's version where that has one
		problem string
	}{
		{name: "only there", wants: []string{"driver"}, vendor: []string{"driver 1 | libdriver", "libdriver 1"}, want: []string{"driver=1*", "libdriver=1*"}},
		{name: "the highest", wants: []string{"libpq"}, debian: []string{"libpq 17"}, vendor: []string{"libpq 18"}, second: []string{"libpq 19"}, want: []string{"libpq=19*<17"}},
		{name: "of equal ones Debian's", wants: []string{"libpq"}, debian: []string{"libpq 17"}, vendor: []string{"libpq 17"}, want: []string{"libpq=17"}},
		{name: "of equal ones the first", wants: []string{"libpq=18"}, debian: []string{"libpq 17"}, vendor: []string{"libpq 18"},
			second: []string{"libpq 18", "libpq 19"}, want: []string{"libpq=18*<17"}},
		{name: "Debian's by its version", wants: []string{"libpq=17"}, debian: []string{"libpq 17"}, vendor: []string{"libpq 18"}, want: []string{"libpq=17"}},
		{name: "a dependency too", wants: []string{"app"}, debian: []string{"app 1 | libpq", "libpq 17"}, vendor: []string{"libpq 18"}, want: []string{"app=1", "libpq=18*<17"}},
		{name: "another version where the highest does not do", wants: []string{"app"}, debian: []string{"app 1 | libpq (<< 18)", "libpq 16"},
			vendor: []string{"libpq 17", "libpq 18"}, want: []string{"app=1", "libpq=17*<16"}},
		{name: "Debian's provider first", wants: []string{"app"}, debian: []string{"app 1 | mta", "postfix 1 | | mta"}, vendor: []string{"aaa 9 | | mta"},
			want: []string{"app=1", "postfix=1"}},
		{name: "base and interpreter", wants: []string{"driver"}, vendor: []string{"driver 1 | clib", "clib 9", "python3.99 9", "tree 9", "extra 1 | | clib"},
			want: []string{"driver=1*"}},
		{name: "base by its version", wants: []string{"clib=9"}, vendor: []string{"clib 9"}, problem: "clib 9 of " + vendor + " is asked for, and clib of base and interpreter is Debian's"},
		{name: "a newer base", wants: []string{"driver"}, vendor: []string{"driver 1 | clib (>= 9)", "clib 9"},
			problem: "driver 1 needs clib (>= 9), which it does not have: that of Debian stays, version 2.41-1; base and interpreter come from Debian alone"},
		{name: "for another suite", wants: []string{"driver"}, vendor: []string{"driver 1 | libicu99"}, problem: "there is no such package; the source may be meant for another suite"},
		{name: "not automatic", wants: []string{"libpq", "only"}, debian: []string{"libpq 17"}, late: []string{"libpq 18", "only 1"}, want: []string{"libpq=17", "only=1*"}},
		{name: "not automatic, by its version", wants: []string{"libpq=18"}, debian: []string{"libpq 17", "liba 1"}, late: []string{"libpq 18 | liba (>= 2)", "liba 2", "liba 3"},
			want: []string{"liba=3*<1", "libpq=18*<17"}},
		{name: "automatic before not automatic", wants: []string{"libpq"}, vendor: []string{"libpq 1"}, late: []string{"libpq 18"}, want: []string{"libpq=1*"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := withSources(offers(append(test.debian, synthBase...)...), from(vendor, false, test.vendor...), from(second, false, test.second...),
				from("http://late.example.org", true, test.late...))
			pins, err := selectPackages(c, synthetic, amd64, wants(t, test.wants...))
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("error %v, want %q", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shownSources(t, pins)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func shownSources(t *testing.T, pins []Pin) (shown []string) {
	t.Helper()
	for _, p := range pins {
		if p.Part != KindSystem && p.Part != KindBuilder {
			if p.Archive != archiveMain || p.InsteadOf != "" {
				t.Errorf("%s of the part %s is of %s", p.Name, p.Part, p.Archive)
			}
			continue
		}
		text := p.Name + "=" + p.Version
		if isSource(p.Archive) {
			text += "*"
		}
		if p.InsteadOf != "" {
			text += "<" + p.InsteadOf
		}
		shown = append(shown, text)
	}
	return shown
}

// TestSourcesOfLockedPackages holds that what is locked stays, and that a source that is gone takes its packages along.
func TestSourcesOfLockedPackages(t *testing.T) {
	main := offers(append([]string{"libpq 17", "other 1"}, synthBase...)...)
	locked, err := selectPackages(withSources(main, from(vendor, false, "libpq 18")), synthetic, amd64, wants(t, "libpq"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		vendor []string
		want   string
	}{
		"a newer one there": {[]string{"libpq 18", "libpq 19", "clib 9", "python3.99 9"}, "libpq=18*<17"},
		"it is gone":        {[]string{"libpq 19"}, "libpq=19*<17"},
		"no source":         {nil, "libpq=17"},
	} {
		t.Run(name, func(t *testing.T) {
			pins, err := extendPackages(withSources(main, from(vendor, false, test.vendor...)), "synth", Selection{Platform: amd64, Packages: locked},
				wants(t, "libpq", "other"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want, "other=1"}, shownSources(t, pins)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestSourcesOfBuilder holds that the compiler is Debian's, and what the project builds with may be of a source.
func TestSourcesOfBuilder(t *testing.T) {
	var main []string
	for _, name := range builderRoots {
		main = append(main, name+" 1")
	}
	main = append(main, "python3.99 3.99.1-1", "python3.99-dev 3.99.1-1")
	c := withSources(offers(main...), from(vendor, false, "gcc 99", "python3.99-dev 99", "libx-dev 1 | gcc, libx", "libx 1"))
	pins, err := selectBuilder(c, synthetic, Selection{Platform: amd64}, wants(t, "libx-dev"))
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for _, shown := range shownSources(t, pins) {
		if strings.Contains(shown, "*") {
			theirs = append(theirs, shown)
		}
	}
	if diff := cmp.Diff([]string{"libx=1*", "libx-dev=1*"}, theirs); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err = selectBuilder(c, synthetic, Selection{Platform: amd64}, wants(t, "gcc=99")); err == nil || !strings.Contains(err.Error(), "is Debian's, in version 1") {
		t.Error(err)
	}
}

func TestSourcesDiffer(t *testing.T) {
	source := func(url, suite, key string, components ...string) Source {
		return Source{URL: url, Suite: suite, Key: key, Components: components}
	}
	locked := &Pins{Sources: pinSources([]Source{source(vendor, "stable", "k", "main"), source(second, "./", "")}, nil)}
	for _, test := range []struct {
		want    string
		sources []Source
	}{
		{"", []Source{source(vendor, "stable", "k", "main"), source(second, "./", "")}},
		{"in another order", []Source{source(second, "./", ""), source(vendor, "stable", "k", "main")}},
		{"with another key", []Source{source(vendor, "stable", "l", "main"), source(second, "./", "")}},
		{"with components main", []Source{source(vendor, "stable", "k", "main", "more"), source(second, "./", "")}},
		{"does not have the source " + vendor + " unstable main", []Source{source(vendor, "unstable", "k", "main"), source(second, "./", "")}},
		{"that the project does not name: " + second + " ./", []Source{source(vendor, "stable", "k", "main")}},
	} {
		err := locked.SourcesDiffer(test.sources)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.What, test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}

func TestSourcePaths(t *testing.T) {
	for suite, want := range map[string]string{
		"trixie": vendor + "/dists/trixie/InRelease", "trixie/updates": vendor + "/dists/trixie/updates/InRelease", "./": vendor + "/InRelease", "/": vendor + "/InRelease",
		"x86_64/": vendor + "/x86_64/InRelease", "a/b/": vendor + "/a/b/InRelease",
	} {
		if s := (&Source{URL: vendor, Suite: suite}); s.where("InRelease") != want {
			t.Errorf("%s: %s", suite, s.where("InRelease"))
		}
	}
	opt := Options{Mirror: "http://mirror/debian/", SecurityMirror: "http://mirror/security"}
	for archive, want := range map[string]string{archiveMain: "http://mirror/debian", "http://deb.debian.org/debian": "http://mirror/debian",
		"https://deb.debian.org/debian-security": "http://mirror/security", vendor: vendor} {
		if got := opt.mirror(archive); got != want {
			t.Errorf("%s: %s", archive, got)
		}
	}
}
