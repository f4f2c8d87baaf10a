package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// largeTarget is what the tests of this file select for.
var largeTarget = Target{Name: Prod, Platform: Platform{"linux", "amd64"}, Python: "3.13.5", Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}}

// numbered returns names, each with its number.
func numbered(stem string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(stem, i)
	}
	return out
}

// TestManyExtras has an edge that asks for very many extras.
func TestManyExtras(t *testing.T) {
	for n, want := range map[int]string{maxActive: "", 60_000: "more than 2000 extras of a are asked for"} {
		l := &lock.Lock{Path: "x.lock", Packages: []lock.Package{
			{Name: "root", Source: lock.Source{Kind: lock.Virtual}, Dependencies: []lock.Dependency{{Name: "a", To: []int{1}, Extras: numbered("e", n)}}},
			{Name: "a", Source: lock.Source{Kind: lock.Directory, Path: "a"}},
		}}
		if _, err := Select(l, largeTarget); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d: have %v, want %q", n, err, want)
		}
	}
}

// TestManyVersions has edges to as many versions of a name as a lock may have, each without another one of them.
func TestManyVersions(t *testing.T) {
	const versions, edges = 1000, 3000
	l := &lock.Lock{Path: "x.lock", Packages: []lock.Package{{Name: "root", Source: lock.Source{Kind: lock.Virtual}}}}
	for i := range versions {
		l.Packages = append(l.Packages, lock.Package{Name: "a", Version: fmt.Sprint(i), Source: lock.Source{Kind: lock.Directory, Path: "a"}})
	}
	root := &l.Packages[0]
	for i := range edges {
		var to []int
		for v := 1; v <= versions; v++ {
			if v == versions || v%100 != i%100 {
				to = append(to, v)
			}
		}
		root.Dependencies = append(root.Dependencies, lock.Dependency{Name: "a", To: to})
	}
	got, err := Select(l, largeTarget)
	if err != nil || len(got) != 1 || got[0].Version != fmt.Sprint(versions-1) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestManyNames asks for groups that there are not, where there are very many others.
func TestManyNames(t *testing.T) {
	l := &lock.Lock{Path: "x.lock", Packages: []lock.Package{{Name: "root", Source: lock.Source{Kind: lock.Virtual}}}}
	for _, name := range numbered("g", 20_000) {
		l.Packages[0].Groups = append(l.Packages[0].Groups, lock.Group{Name: name})
	}
	target := largeTarget
	target.Groups = numbered("h", 10_000)
	_, err := Select(l, target)
	if err == nil || !strings.Contains(err.Error(), "there are g0, g1, g10, ") || !strings.Contains(err.Error(), " and 19900 more") || len(err.Error()) > 10_000*1000 {
		t.Errorf("%.500v", err)
	}
}

// TestProveEnds has metadata by which a package asks for very many extras of itself.
func TestProveEnds(t *testing.T) {
	requires := []string{"a[" + strings.Join(numbered("e", 40_000), ",") + "]"}
	for _, name := range numbered("b", 1000) {
		requires = append(requires, name+"; extra == 'x'")
	}
	_, err := Prove(&lock.Lock{Path: "r.txt", Root: -1}, largeTarget, []Package{{Name: "a", Version: "1"}}, map[string]Requirements{"a": {RequiresDist: requires}})
	if err == nil || !strings.Contains(err.Error(), "a 1: of it, and of packages before it, too many extras are asked for") {
		t.Error(err)
	}
}

// TestDeepTree draws a chain of very many packages, which would have lines of as many columns.
func TestDeepTree(t *testing.T) {
	var packages []Package
	for i, name := range numbered("p", 20_000) {
		p := Package{Name: name}
		if i > 0 {
			p.Because = []Reason{{By: packages[i-1].Name}}
		}
		packages = append(packages, p)
	}
	packages[0].Because = []Reason{{By: "root"}}
	below, widest := map[string]int{}, 0
	for _, b := range Tree(packages) {
		widest = max(widest, b.Depth)
		if !b.Seen {
			below[b.Name]++
		}
	}
	if widest != maxTreeDepth || len(below) != len(packages)+1 || below["p19999"] != 1 {
		t.Errorf("%d levels, %d packages", widest, len(below))
	}
}
