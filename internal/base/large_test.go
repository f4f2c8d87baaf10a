package base

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/debian/control"
)

// TestManyVersions merges an index that has one package in very many versions, as the archives of some vendors have it, and worse.
func TestManyVersions(t *testing.T) {
	const n = 40_000
	var index []stanza
	for i := range n {
		index = append(index, stanza{Name: "many", Version: fmt.Sprint(i)}, stanza{Name: "many", Version: fmt.Sprint(i), Path: "again"})
	}
	c := newCatalogue([][]stanza{index})
	c.debian = c
	if c.newest["many"].Version != fmt.Sprint(n-1) || len(c.older["many"]) != 2*n-1 || c.version("many", "7").Path != "" || c.version("many", "x") != nil {
		t.Errorf("%+v, %d older ones", c.newest["many"], len(c.older["many"]))
	}
	cl := newClosure(c, "synthetic", "linux/amd64")
	for text, want := range map[string]string{"many (<< 10)": "9", "many (<= 10)": "10", "many (= 10)": "10", "many (>> 10)": fmt.Sprint(n - 1), "many (>= 40000)": "", "many (<< 0)": "", "many": fmt.Sprint(n - 1)} {
		relations, err := control.ParseRelations(text)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, s := range cl.others(relations[0][0]) {
			found = s.Version
		}
		if found != want {
			t.Errorf("%s: %q, not %q", text, found, want)
		}
	}
}

// TestManyProviders ends where a name that very many packages provide is asked for again and again.
func TestManyProviders(t *testing.T) {
	var index []stanza
	for i := range 10_000 {
		index = append(index, stanza{Name: fmt.Sprintf("p%d", i), Version: "1", Provides: "virtual"})
	}
	index = append(index, stanza{Name: "one", Version: "1", Depends: strings.Repeat("virtual (= 1), ", 10_000) + "virtual"})
	cl := newClosure(newCatalogue([][]stanza{index}), "synthetic", "linux/amd64")
	cl.grow(KindBase, []string{"one"})
	if err := cl.problems.Err(); err == nil || len(cl.problems) > maxProblems+1 {
		t.Errorf("%d problems", len(cl.problems))
	}
	cl.followed = maxFollowed
	cl.problems = nil
	cl.require(control.Relation{Name: "virtual"}, nil)
	if err := cl.problems.Err(); err == nil || !strings.Contains(err.Error(), "more relations") || len(cl.problems) != 1 {
		t.Errorf("got %v", err)
	}
}

// TestManyInstalled reads the database of an image with as many packages as there may be, and refuses one with more.
func TestManyInstalled(t *testing.T) {
	var status strings.Builder
	for i := range maxInstalled {
		fmt.Fprintf(&status, "Package: p%d\nVersion: 1\nArchitecture: all\n\n", i)
	}
	g := &imageGround{known: map[string]bool{}}
	if err := g.addPackages([]byte(status.String()), "status", "amd64"); err != nil || len(g.packages) != maxInstalled {
		t.Errorf("%d packages, %v", len(g.packages), err)
	}
	if err := g.addPackages([]byte("Package: more\nVersion: 1\nArchitecture: all\n"), "status", "amd64"); err == nil || !strings.Contains(err.Error(), "packages") {
		t.Errorf("got %v", err)
	}
}
