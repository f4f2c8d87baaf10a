package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Branch is one line of the tree of a selection: a package below one that requires it.
type Branch struct {
	Depth   int      // 0 for what requires others and is itself no distribution of an index: the project
	Last    bool     // of those below the same package
	Name    string   // of the package
	Version string   // "" for a project that is not selected
	Because []Reason // of the requirement above it only; one package may require another by two extras
	Seen    bool     // it stands further up with all below it; or further down and at the left, where the tree would be too deep
}

// maxTreeDepth is how deep a tree is drawn; those of real projects have ten levels.
const maxTreeDepth = 100

// Tree returns the selection as a tree, depth first and sorted by name: below each package those that it requires. A
// package stands wherever it is required, and what it requires below its first place only.
func Tree(packages []Package) []Branch {
	t := tree{byName: map[string]*Package{}, below: map[string]map[string][]Reason{}, seen: map[string]bool{}}
	for i := range packages {
		p := &packages[i]
		t.byName[p.Name] = p
		for _, r := range p.Because {
			if t.below[r.By] == nil {
				t.below[r.By] = map[string][]Reason{}
			}
			t.below[r.By][p.Name] = append(t.below[r.By][p.Name], r)
		}
	}
	for _, root := range t.roots() {
		t.add(Branch{Name: root})
	}
	for ; len(t.later) > 0; t.later = t.later[1:] {
		if name := t.later[0]; !t.seen[name] {
			t.add(Branch{Name: name})
		}
	}
	return t.out
}

// tree is a tree under way.
type tree struct {
	byName map[string]*Package
	below  map[string]map[string][]Reason // by the one that requires, then the one that is required
	seen   map[string]bool
	later  []string // that stand too deep for what is below them
	out    []Branch
}

// roots are those who require and are required by nobody who was selected.
func (t *tree) roots() []string {
	var roots []string
	for by := range t.below {
		if p := t.byName[by]; p == nil || len(p.Because) == 0 {
			roots = append(roots, by)
		}
	}
	for name, p := range t.byName {
		if len(p.Because) == 0 && t.below[name] == nil {
			roots = append(roots, name)
		}
	}
	return slices.Sorted(slices.Values(roots))
}

// add writes a package and what is below it.
func (t *tree) add(b Branch) {
	if p := t.byName[b.Name]; p != nil {
		b.Version = p.Version
	}
	below := t.below[b.Name]
	deep := b.Depth == maxTreeDepth && len(below) > 0
	b.Seen = (t.seen[b.Name] || deep) && len(below) > 0
	t.out = append(t.out, b)
	if t.seen[b.Name] {
		return
	}
	if deep {
		t.later = append(t.later, b.Name)
		return
	}
	t.seen[b.Name] = true
	names := slices.Sorted(maps.Keys(below))
	for i, name := range names {
		t.add(Branch{Depth: b.Depth + 1, Last: i == len(names)-1, Name: name, Because: distinct(below[name])})
	}
}

// distinct returns the reasons without those that read the same, in the order in which they stand in the lock.
func distinct(reasons []Reason) []Reason {
	type read struct {
		Reason
		text string
	}
	sorted := make([]read, len(reasons))
	for i, r := range reasons {
		sorted[i] = read{r, r.String()}
	}
	slices.SortStableFunc(sorted, func(a, b read) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), strings.Compare(a.text, b.text))
	})
	sorted = slices.CompactFunc(sorted, func(a, b read) bool { return a.text == b.text })
	out := make([]Reason, len(sorted))
	for i, r := range sorted {
		out[i] = r.Reason
	}
	return out
}

// Required says of a package who requires it, as explain's JSON has it.
type Required struct {
	Name string     `json:"name"`
	By   []Requirer `json:"by"` // empty for the project itself
}

// Requirer is one that requires a package.
type Requirer struct {
	Name   string        `json:"name"`
	Extra  string        `json:"extra,omitempty"` // of Name
	Group  string        `json:"group,omitempty"` // of Name
	Marker string        `json:"marker"`          // "" where it always does
	Pos    diag.Position `json:"position"`
}

// RequiredBy returns for each package who requires it, under which marker, in the order of the packages.
func RequiredBy(packages []Package) []Required {
	out := make([]Required, len(packages))
	for i, p := range packages {
		out[i] = Required{Name: p.Name, By: []Requirer{}}
		for _, r := range distinct(p.Because) {
			out[i].By = append(out[i].By, Requirer{Name: r.By, Extra: r.Extra, Group: r.Group, Marker: r.Marker.String(), Pos: r.Pos})
		}
	}
	return out
}
