package base

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// synthetic is a suite whose names nobody has heard of: the closure comes from the index alone.
var synthetic = suite{name: "synth", python: "3.99", libc: "clib", roots: []string{"tree", "clib"}, beside: withUpdates}

const someHash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// offers makes stanzas of lines "name version [| Depends [| Provides]]".
func offers(lines ...string) []stanza {
	var all []stanza
	for _, line := range lines {
		part := strings.Split(line+"||", "|")
		head := strings.Fields(part[0])
		field := func(i int) string { return strings.ReplaceAll(strings.TrimSpace(part[i]), "/", "|") }
		all = append(all, stanza{Name: head[0], Version: head[1], Architecture: "amd64", Depends: field(1),
			Provides: field(2), Hash: someHash, Size: 1, Path: "pool/" + head[0] + ".deb", archive: archiveMain})
	}
	return all
}

func TestClosure(t *testing.T) {
	base := []string{"tree 1", "clib 2.41-1", "python3.99 3.99.1-1"}
	for _, test := range []struct {
		name    string
		python  string // what python3.99 depends on
		offers  []string
		updates []string
		want    []string // name=version part: reason, without the three above
	}{
		{name: "nothing", want: nil},
		{
			name: "chain", python: "libone", offers: []string{"libone 1 | libtwo (>= 2)", "libtwo 2"},
			want: []string{"libone=1 interpreter: python3.99 depends on libone", "libtwo=2 interpreter: libone depends on libtwo (>= 2)"},
		},
		{
			name: "cycle", python: "a1", offers: []string{"a1 1 | b1", "b1 1 | c1", "c1 1 | a1, python3.99"},
			want: []string{"a1=1 interpreter: python3.99 depends on a1", "b1=1 interpreter: a1 depends on b1", "c1=1 interpreter: b1 depends on c1"},
		},
		{
			name: "the newest of all suites", python: "lib1 (>= 1)", offers: []string{"lib1 1.9"},
			updates: []string{"lib1 1.10", "lib1 1.2"},
			want:    []string{"lib1=1.10 interpreter: python3.99 depends on lib1 (>= 1)"},
		},
		{
			name: "virtual package", python: "editor", offers: []string{"zed 1 | | editor", "ed 1 | | editor"},
			want: []string{"ed=1 interpreter: python3.99 depends on editor"},
		},
		{
			name: "versioned provision", python: "libssl (>= 3)", offers: []string{"old 1 | | libssl (= 2)", "other 1 | | libssl", "t64 1 | | libssl (= 3.1)"},
			want: []string{"t64=1 interpreter: python3.99 depends on libssl (>= 3)"},
		},
		{
			name: "real before virtual", python: "mta", offers: []string{"aaa 1 | | mta", "mta 1"},
			want: []string{"mta=1 interpreter: python3.99 depends on mta"},
		},
		{
			name: "first alternative", python: "one / two", offers: []string{"two 1", "one 1"},
			want: []string{"one=1 interpreter: python3.99 depends on one"},
		},
		{
			name: "second alternative, the first being too old", python: "one (>= 2) / two", offers: []string{"two 1", "one 1"},
			want: []string{"two=1 interpreter: python3.99 depends on two"},
		},
		{
			name: "alternative that is there already", python: "two, one / two", offers: []string{"two 1", "one 1"},
			want: []string{"two=1 interpreter: python3.99 depends on two"},
		},
		{
			name: "virtual package that is there already", python: "zed, editor", offers: []string{"zed 1 | | editor", "ed 1 | | editor"},
			want: []string{"zed=1 interpreter: python3.99 depends on zed"},
		},
		{
			name: "dropped tools", python: "dpkg (>= 99), debconf (>= 0.5) / debconf-2.0, lib1:any",
			offers: []string{"debconf-2.0 1", "lib1 1 | perl-base, absent / awk"},
			want:   []string{"lib1=1 interpreter: python3.99 depends on lib1:any"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			main := offers(append([]string{base[0], base[1], base[2] + " | " + test.python}, test.offers...)...)
			pins, err := selectPackages(newCatalogue([][]stanza{main, offers(test.updates...)}), synthetic, "linux/amd64", nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range pins {
				if p.Reason != "root" {
					got = append(got, p.Name+"="+p.Version+" "+p.Part+": "+p.Reason)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(pins)-len(got) != len(base) {
				t.Errorf("%d roots, want %d", len(pins)-len(got), len(base))
			}
		})
	}
}

func TestClosurePartsAndOrder(t *testing.T) {
	main := offers("tree 1 | shared", "clib 2.41-1", "shared 1", "own 1 | shared, clib (>= 2)", "python3.99 3.99.1 | own")
	pins, err := selectPackages(newCatalogue([][]stanza{main}), synthetic, "linux/amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pins {
		got = append(got, p.Part+" "+p.Name)
	}
	want := []string{"base clib", "interpreter own", "interpreter python3.99", "base shared", "base tree"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestClosureProblems(t *testing.T) {
	for _, test := range []struct {
		name   string
		offers []string
		want   []string // all in one error
	}{
		{"no root", []string{"clib 2.41"}, []string{"no package tree in the index", "no package python3.99"}},
		{
			"several", []string{"tree 1 | gone", "clib 2 | lib1 (>= 3) / lib2", "lib1 2", "x 1 | | lib2x", "python3.99 1 | virtual (>= 2)", "prov 1 | | virtual"},
			[]string{
				"synth for linux/amd64: tree 1 needs gone, which it does not have: there is no such package",
				"clib 2 needs lib1 (>= 3) | lib2, which it does not have: lib1: it has version 2, lib2: there is no such package",
				"python3.99 1 needs virtual (>= 2), which it does not have: it is provided by prov 1 alone",
			},
		},
		{"relation", []string{"tree 1 | lib (?? 3)", "clib 1", "python3.99 1"}, []string{"package tree 1: relation"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := selectPackages(newCatalogue([][]stanza{offers(test.offers...)}), synthetic, "linux/amd64", nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

// FuzzClosure looks for relations that make the closure panic, hang, or depend on anything but the index.
func FuzzClosure(f *testing.F) {
	f.Add("a1 | b1 (>= 2), c1", "editor (= 1)", "a1")
	f.Add("python3.99, tree / clib", "", "editor, lib (<< 2)")
	f.Fuzz(func(t *testing.T, one, provides, two string) {
		main := offers("tree 1", "clib 2.41", "python3.99 3.99.1 | "+one, "a1 1 | "+two+"|"+provides, "b1 2 | "+one)
		c := newCatalogue([][]stanza{main})
		first, err := selectPackages(c, synthetic, "linux/amd64", nil)
		again, errAgain := selectPackages(newCatalogue([][]stanza{main}), synthetic, "linux/amd64", nil)
		if diff := cmp.Diff(first, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Errorf("two results, %v and %v:\n%s", err, errAgain, diff)
		}
	})
}
