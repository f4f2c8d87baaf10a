package wheeltag_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

var trixie = wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}

func TestParseTag(t *testing.T) {
	tests := []struct{ in, want string }{ // want "" is refused
		{"py3-none-any", "py3-none-any"},
		{"py2.py3-none-any", "py2-none-any py3-none-any"},
		{"CP313-cp313-Win_AMD64", "cp313-cp313-win_amd64"},
		{"cp39.cp310-abi3-a.b", "cp39-abi3-a cp39-abi3-b cp310-abi3-a cp310-abi3-b"},
		{"py3-none", ""},
		{"py3-none-any-x", ""},
		{"py3--any", ""},
		{"py3.-none-any", ""},
		{".py3-none-any", ""},
		{"py2..py3-none-any", ""},
		{"3py-none-any", ""},
		{"", ""},
		{strings.Repeat("a.", 40) + "a-" + strings.Repeat("b.", 40) + "b-any", ""},
	}
	for _, tt := range tests {
		tags, err := wheeltag.ParseTag(tt.in)
		if got := strings.Join(texts(tags), " "); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("ParseTag(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestParseLibc(t *testing.T) {
	for in, ok := range map[string]bool{
		"glibc-2.41": true, "musl-1.2": true, "glibc": false, "glibc-2": false, "bionic-1.0": false, "glibc-2.x": false,
		"glibc--1.2": false, "glibc-2.41.0": false, "": false, "glibc-2.999": false,
	} {
		libc, err := wheeltag.ParseLibc(in)
		if (err == nil) != ok || ok && libc.String() != in {
			t.Errorf("ParseLibc(%q) = %v, %v", in, libc, err)
		}
	}
}

func TestRank(t *testing.T) {
	set := wheeltag.Supported(3, 13, "amd64", trixie)
	// Better wheels first; each must be better than the next.
	order := []string{
		"cp313-cp313-manylinux_2_41_x86_64",
		"cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64",
		"cp313-cp313-manylinux2014_x86_64",
		"cp313-cp313-manylinux1_x86_64",
		"cp313-cp313-linux_x86_64",
		"cp39.cp313-abi3-manylinux_2_28_x86_64",
		"cp313-none-manylinux_2_28_x86_64",
		"cp312-abi3-manylinux_2_28_x86_64",
		"cp32-abi3-manylinux_2_28_x86_64",
		"py313-none-manylinux_2_28_x86_64",
		"py3-none-manylinux_2_28_x86_64",
		"cp313-none-any",
		"py2.py3-none-any",
		"py30-none-any",
	}
	last := -1
	for _, s := range order {
		rank, ok := set.Rank(tags(t, s))
		if !ok || rank <= last {
			t.Errorf("%s has rank %d, %v after %d", s, rank, ok, last)
		}
		last = rank
	}
	for _, s := range []string{
		"cp313-cp313-manylinux_2_42_x86_64", "cp313-cp313t-manylinux_2_17_x86_64", "cp313-cp313-musllinux_1_2_x86_64",
		"cp313-cp313-manylinux_2_17_aarch64", "cp312-cp312-manylinux_2_17_x86_64", "cp314-abi3-manylinux_2_17_x86_64",
		"py2-none-any", "cp313-cp313-win_amd64", "cp31-abi3-linux_x86_64",
	} {
		if rank, ok := set.Rank(tags(t, s)); ok {
			t.Errorf("%s is supported with rank %d", s, rank)
		}
	}
}

func TestSupportedElsewhere(t *testing.T) {
	tests := []struct {
		name, arch, libc, first, want, not string
	}{
		{"musl", "amd64", "musl-1.2", "cp313-cp313-musllinux_1_2_x86_64", "cp313-cp313-musllinux_1_0_x86_64", "cp313-cp313-manylinux_2_17_x86_64"},
		{"arm", "arm64", "glibc-2.36", "cp313-cp313-manylinux_2_36_aarch64", "cp313-cp313-manylinux2014_aarch64", "cp313-cp313-manylinux_2_16_aarch64"},
		{"old x86", "386", "glibc-2.36", "cp313-cp313-manylinux_2_36_i686", "cp313-cp313-manylinux1_i686", "cp313-cp313-manylinux_2_4_i686"},
		{"other libc", "amd64", "glibc-1.0", "cp313-cp313-linux_x86_64", "py3-none-any", "cp313-cp313-manylinux1_x86_64"},
		{"unknown machine", "m68k", "glibc-2.36", "cp313-cp313-manylinux_2_36_m68k", "py3-none-any", "cp313-cp313-manylinux1_m68k"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			libc, err := wheeltag.ParseLibc(tt.libc)
			if err != nil {
				t.Fatal(err)
			}
			all := texts(wheeltag.Supported(3, 13, tt.arch, libc).Tags())
			if all[0] != tt.first || !slices.Contains(all, tt.want) || slices.Contains(all, tt.not) {
				t.Errorf("first %s, %s %v, %s %v", all[0], tt.want, slices.Contains(all, tt.want), tt.not, slices.Contains(all, tt.not))
			}
		})
	}
}

func tags(t *testing.T, s string) []wheeltag.Tag {
	t.Helper()
	list, err := wheeltag.ParseTag(s)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestBuildTag(t *testing.T) {
	var previous wheeltag.BuildTag
	for _, s := range []string{"0", "1", "1a", "2", "010", "99999999999999999999"} {
		b, err := wheeltag.ParseBuildTag(s)
		if err != nil || b.Compare(previous) <= 0 || previous.Compare(b) >= 0 {
			t.Errorf("%q is not above %q: %v", s, previous, err)
		}
		previous = b
	}
	for _, s := range []string{"", "a1", "_", "1\n"} {
		if b, err := wheeltag.ParseBuildTag(s); err == nil {
			t.Errorf("ParseBuildTag(%q) = %v", s, b)
		}
	}
}

func TestFilenameLimits(t *testing.T) {
	long := strings.Repeat("a", 2000) + "-1.0-py3-none-any.whl"
	if _, err := wheeltag.ParseFilename(long); err == nil || len(err.Error()) > 200 {
		t.Errorf("a name of 2000 characters: %v", err)
	}
	for _, s := range []string{"a__b-1.0-py3-none-any.whl", "a-x-py3-none-any.whl", "a-1.0-b-py3-none-any.whl", "a-1.0-py3-none-any.zip"} {
		if f, err := wheeltag.ParseFilename(s); err == nil {
			t.Errorf("ParseFilename(%q) = %v", s, f)
		}
	}
}

// print writes a file name as a builder would, to prove that nothing is lost in reading it.
func print(f wheeltag.Filename, compressed string) string {
	s := f.Name + "-" + f.Version.String()
	if !f.Build.IsZero() {
		s += "-" + f.Build.String()
	}
	return s + "-" + compressed + ".whl"
}

func FuzzFilename(f *testing.F) {
	f.Add("numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	f.Add("Foo.bar-1!1.0+l-007x-py2.py3-none-any.whl")
	f.Add("a--1.0-py3-none-any.whl")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := wheeltag.ParseFilename(s)
		if err != nil {
			return
		}
		parts := strings.Split(strings.TrimSuffix(s, ".whl"), "-")
		again, err := wheeltag.ParseFilename(print(got, strings.Join(parts[len(parts)-3:], "-")))
		if err != nil || again.Name != got.Name || !again.Version.Equal(got.Version) ||
			again.Build.Compare(got.Build) != 0 || !slices.Equal(again.Tags, got.Tags) {
			t.Fatalf("%q is %+v, and printed and read again %+v, %v", s, got, again, err)
		}
	})
}

func BenchmarkParseFilename(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = wheeltag.ParseFilename("numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	}
}

func BenchmarkRank(b *testing.B) {
	set := wheeltag.Supported(3, 13, "amd64", trixie)
	f, err := wheeltag.ParseFilename("numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		set.Rank(f.Tags)
	}
}

func BenchmarkSupported(b *testing.B) {
	for b.Loop() {
		wheeltag.Supported(3, 13, "amd64", trixie)
	}
}

// The place that is computed is the one in the list.
func TestRankIsPlaceInTags(t *testing.T) {
	for _, libc := range []wheeltag.Libc{{Family: "glibc", Major: 2, Minor: 41}, {Family: "musl", Major: 1, Minor: 2}} {
		set := wheeltag.Supported(3, 13, "amd64", libc)
		seen := map[wheeltag.Tag]bool{}
		for i, tag := range set.Tags() {
			if rank, ok := set.Rank([]wheeltag.Tag{tag}); !ok || rank != i || seen[tag] {
				t.Errorf("%v: place %d, ranked %d %t, seen %t", tag, i, rank, ok, seen[tag])
			}
			seen[tag] = true
		}
	}
}
