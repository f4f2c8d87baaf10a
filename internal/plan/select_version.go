package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
)

// pick returns the package that an edge leads to: the best that this edge and, as far as is known, all others admit.
// An edge of uv.lock names one package, and then there is nothing to choose; edges of older poetry.lock carry
// constraints that several locked versions may satisfy.
func (w *walker) pick(d lock.Dependency) (int, bool) {
	to := d.To
	if len(to) > 1 {
		to = slices.DeleteFunc(slices.Clone(to), func(i int) bool { return !w.admits(i) })
	}
	if len(to) == 0 {
		return 0, false
	}
	w.admit[d.Name] = w.intersect(d.Name, to)
	best := to[0]
	if narrow := w.narrow[d.Name]; len(narrow) > 0 {
		best = narrow[0]
	}
	if !slices.Contains(w.met[d.Name], best) {
		w.met[d.Name] = append(w.met[d.Name], best)
	}
	return best, true
}

// admits tells whether a version is meant for the target at all.
func (w *walker) admits(i int) bool {
	is, ok := w.meant[i]
	if !ok {
		p := &w.lock.Packages[i]
		is = p.RequiresPython.Contains(w.python, true) && (len(p.Markers) == 0 || anyHolds(p.Markers, w.env))
		w.meant[i] = is
	}
	return is
}

// intersect returns what both the versions known for a name and these are, in order; all of these for a new name.
func (w *walker) intersect(name string, with []int) []int {
	before, ok := w.admit[name]
	if !ok || slices.Equal(before, with) {
		return with
	}
	w.edges++
	for _, i := range with {
		w.marks[i] = w.edges
	}
	return slices.DeleteFunc(slices.Clone(before), func(i int) bool { return w.marks[i] != w.edges })
}

// changed tells whether the versions that all edges admit are others than the walk supposed.
func (w *walker) changed() bool {
	changed := false
	for name, admitted := range w.admit {
		before := w.narrow[name]
		switch {
		case len(admitted) == 0 || len(before) > 0 && before[0] == admitted[0]:
		case len(before) == 0 && len(w.met[name]) == 1 && w.met[name][0] == admitted[0]:
		default:
			changed = true
		}
	}
	w.narrow = w.admit
	return changed
}

// finish reports conflicts, and names for which no one version satisfies all edges.
func (w *walker) finish() {
	w.problems = append(w.problems, w.missing...)
	if !w.checkConflicts() { // the sides of a conflict have versions of their own, so that it explains those names
		w.reportAmbiguous()
	}
	if w.lock.Flat {
		w.explainFlat()
	}
}

// reportAmbiguous reports names for which no one version satisfies all edges.
func (w *walker) reportAmbiguous() {
	for _, name := range slices.Sorted(maps.Keys(w.admit)) {
		if len(w.admit[name]) > 0 {
			continue
		}
		var versions []string
		for _, i := range w.met[name] {
			versions = append(versions, w.lock.Packages[i].Version)
		}
		w.problems.Add(&diag.Error{Pos: w.lock.Packages[w.met[name][0]].Pos, Code: "ambiguous",
			What: fmt.Sprintf("%s is needed in versions that exclude each other (%s) for %s", name, strings.Join(versions, ", "), w.target.describe()),
			Hint: "write the lock file again, or choose fewer groups and extras"})
	}
}

// explainFlat adds the edges between packages of a flat lock, which decided nothing, to the reasons.
func (w *walker) explainFlat() {
	chosen := w.selected()
	for _, from := range chosen {
		p := &w.lock.Packages[from]
		if from == w.lock.Root {
			continue
		}
		for _, d := range p.Dependencies {
			for _, to := range d.To {
				if w.seen[node{to, ""}] && w.holds(d, from) {
					w.reasons[to] = append(w.reasons[to], Reason{By: p.Name, Marker: d.Marker, Pos: d.Pos})
				}
			}
		}
	}
}
