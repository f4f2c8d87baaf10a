package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/resolver"
	"github.com/lithe-build/lithe/internal/python/version"
)

// index is a source in which a line is a file: "a 1.0 b>=2 c[x]; python_version > '3'", with the flags "sdist", "yanked" and
// "py>=3.14" in parentheses behind the version. Requirements are separated by commas with a space.
type index struct {
	files map[string][]resolver.Candidate
	needs map[string][]requirement.Requirement
	asked int
}

func newIndex(t *testing.T, lines ...string) *index {
	t.Helper()
	x := &index{map[string][]resolver.Candidate{}, map[string][]requirement.Requirement{}, 0}
	for _, line := range lines {
		parts := strings.SplitN(line, " ", 3)
		number, flags, _ := strings.Cut(parts[1], "(")
		c := resolver.Candidate{Version: version.MustParse(number), File: parts[0] + "-" + number, Wheel: true}
		for _, flag := range strings.Split(strings.TrimSuffix(flags, ")"), "|") {
			switch {
			case flag == "sdist":
				c.Wheel = false
			case flag == "yanked":
				c.Yanked = true
			case strings.HasPrefix(flag, "py"):
				var err error
				if c.RequiresPython, err = version.ParseSpecifiers(flag[2:]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(parts) == 3 {
			x.needs[c.File] = parsed(t, strings.Split(parts[2], ", ")...)
		}
		x.files[parts[0]] = append(x.files[parts[0]], c)
	}
	return x
}

func parsed(t *testing.T, texts ...string) (all []requirement.Requirement) {
	t.Helper()
	for _, text := range texts {
		r, err := requirement.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func (x *index) Candidates(_ context.Context, project string) ([]resolver.Candidate, error) {
	return x.files[project], nil
}

func (x *index) Requires(_ context.Context, _ string, c resolver.Candidate) ([]requirement.Requirement, error) {
	x.asked++
	return x.needs[c.File], nil
}

func resolve(t *testing.T, x *index, constraints []string, requirements ...string) (string, error) {
	t.Helper()
	pins, err := resolver.Resolve(t.Context(), x, resolver.Input{Requirements: parsed(t, requirements...), Constraints: parsed(t, constraints...),
		Environment: marker.CPython("3.13.5", "x86_64"), Python: version.MustParse("3.13.5")})
	var out []string
	for _, p := range pins {
		out = append(out, p.Name+" "+p.Version.String())
	}
	return strings.Join(out, ", "), err
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		what        string
		files       []string
		requires    []string
		constraints []string
		want        string
	}{
		{"the newest", []string{"a 1.0", "a 1.10", "a 1.9"}, []string{"a"}, nil, "a 1.10"},
		{"a specifier", []string{"a 1.0", "a 2.0"}, []string{"A<2"}, nil, "a 1.0"},
		{"no pre-release", []string{"a 1.0", "a 2.0rc1"}, []string{"a"}, nil, "a 1.0"},
		{"a pre-release by name", []string{"a 1.0", "a 2.0rc1"}, []string{"a>=2.0rc1"}, nil, "a 2.0rc1"},
		{"a pre-release where there is nothing else", []string{"a 2.0rc1"}, []string{"a"}, nil, "a 2.0rc1"},
		{"a wheel before a newer source", []string{"a 1.0", "a 2.0(sdist)"}, []string{"a"}, nil, "a 1.0"},
		{"a source where it must be", []string{"a 1.0", "a 2.0(sdist)"}, []string{"a>1"}, nil, "a 2.0"},
		{"another Python", []string{"a 1.0", "a 2.0(py>=3.14)"}, []string{"a"}, nil, "a 1.0"},
		{"yanked", []string{"a 1.0", "a 2.0(yanked)"}, []string{"a"}, nil, "a 1.0"},
		{"yanked, by name", []string{"a 1.0", "a 2.0(yanked)"}, []string{"a==2.0"}, nil, "a 2.0"},
		{"a dependency", []string{"a 1.0 b>=1", "b 1.0", "b 0.9"}, []string{"a"}, nil, "a 1.0, b 1.0"},
		{"a marker that holds not", []string{"a 1.0 b; python_version < '3.11'", "b 1.0"}, []string{"a"}, nil, "a 1.0"},
		{"an extra", []string{"a 1.0 b; extra == 'x'", "b 1.0"}, []string{"a[X]"}, nil, "a 1.0, b 1.0"},
		{"an extra of one that is chosen", []string{"a 1.0 b; extra == 'x'", "b 1.0", "c 1.0 a[x]"}, []string{"a", "c"}, nil, "a 1.0, b 1.0, c 1.0"},
		{"back from a dead end", []string{"a 2.0 b<1", "a 1.0 b", "b 1.0", "c 1.0 b>=1"}, []string{"a", "c"}, nil, "a 1.0, b 1.0, c 1.0"},
		{"a circle", []string{"a 1.0 b", "b 1.0 a"}, []string{"a"}, nil, "a 1.0, b 1.0"},
		{"a constraint", []string{"a 1.0", "a 2.0", "z 1.0"}, []string{"a"}, []string{"a<2", "z<1"}, "a 1.0"},
	} {
		got, err := resolve(t, newIndex(t, tt.files...), tt.constraints, tt.requires...)
		if err != nil || got != tt.want {
			t.Errorf("%s: have %q, %v; want %q", tt.what, got, err, tt.want)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	for _, tt := range []struct {
		files, requires []string
		want            string
	}{
		{nil, []string{"a"}, "no version of a fits: wanted is a; the index has no file of it for this target"},
		{[]string{"a 1.0"}, []string{"a>1", "a<3"}, "no version of a fits: wanted is a>1 and a<3; of 1 versions for this target the newest is 1.0"},
		{[]string{"a 1.0 b<1", "b 1.0"}, []string{"a"}, "no version of b fits: wanted is b<1 (by a 1.0); of 1 versions for this target the newest is 1.0"},
	} {
		_, err := resolve(t, newIndex(t, tt.files...), nil, tt.requires...)
		if none := (*resolver.NoSolution)(nil); !errors.As(err, &none) || err.Error() != tt.want {
			t.Errorf("have %v, want %s", err, tt.want)
		}
	}
	if _, err := resolve(t, newIndex(t), nil, "a @ https://example.org/a.whl"); err == nil || !strings.Contains(err.Error(), "address") {
		t.Errorf("have %v", err)
	}
}

// TestResolveEnds gives many versions that all fail: the search ends, and no file is asked twice.
func TestResolveEnds(t *testing.T) {
	var files []string
	for i := range 200 {
		files = append(files, fmt.Sprintf("a %d.0 z>=1", i), fmt.Sprintf("b %d.0 z>=1", i))
	}
	x := newIndex(t, append(files, "z 0.1")...)
	_, err := resolve(t, x, nil, "a", "b")
	if err == nil || x.asked > 400 {
		t.Errorf("asked for %d files: %v", x.asked, err)
	}
}
