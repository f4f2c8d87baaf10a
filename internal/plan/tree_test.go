package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/python/marker"
)

// draw writes a tree as text, one dash for each depth.
func draw(branches []Branch) string {
	var out strings.Builder
	for _, b := range branches {
		out.WriteString(strings.Repeat("-", b.Depth) + b.Name)
		if b.Version != "" {
			out.WriteString(" " + b.Version)
		}
		for _, r := range b.Because {
			out.WriteString(" <" + r.String() + ">")
		}
		if b.Seen {
			out.WriteString(" *")
		}
		out.WriteString("\n")
	}
	return out.String()
}

func TestTree(t *testing.T) {
	windows, err := marker.Parse("sys_platform == 'win32'")
	if err != nil {
		t.Fatal(err)
	}
	by := func(names ...string) (out []Reason) {
		for _, n := range names {
			out = append(out, Reason{By: n})
		}
		return out
	}
	for name, c := range map[string]struct {
		packages []Package
		want     string
	}{
		"nothing": {nil, ""},
		"a package that two require stands below both, what it requires once": {
			[]Package{{Name: "a", Version: "1", Because: by("app")}, {Name: "b", Version: "2", Because: by("app")},
				{Name: "c", Version: "3", Because: by("a", "b")}, {Name: "d", Version: "4", Because: by("c")}},
			"app\n-a 1 <app>\n--c 3 <a>\n---d 4 <c>\n-b 2 <app>\n--c 3 <b> *\n",
		},
		"a circle ends": {
			[]Package{{Name: "a", Version: "1", Because: by("app", "b")}, {Name: "b", Version: "2", Because: by("a")}},
			"app\n-a 1 <app>\n--b 2 <a>\n---a 1 <b> *\n",
		},
		"the project is selected itself": {
			[]Package{{Name: "app", Version: "0.1"}, {Name: "a", Version: "1", Because: by("app")}},
			"app 0.1\n-a 1 <app>\n",
		},
		"a project without dependencies": {[]Package{{Name: "app", Version: "0.1"}}, "app 0.1\n"},
		"reasons of the same edge that read the same are one": {
			[]Package{{Name: "a", Version: "1", Because: []Reason{{By: "app", Extra: "x"}, {By: "app"}, {By: "app"}, {By: "app", Group: "dev", Marker: windows}}}},
			"app\n-a 1 <app> <app, group dev if sys_platform == \"win32\"> <app[x]>\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, draw(Tree(c.packages))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTreeLast holds what a drawing needs: where the line of a depth ends.
func TestTreeLast(t *testing.T) {
	got := Tree([]Package{{Name: "a", Because: []Reason{{By: "app"}}}, {Name: "b", Because: []Reason{{By: "a"}}},
		{Name: "c", Because: []Reason{{By: "app"}}}})
	want := []bool{false, false, true, true}
	for i, b := range got {
		if b.Last != want[i] {
			t.Errorf("%s: last is %v", b.Name, b.Last)
		}
	}
}
