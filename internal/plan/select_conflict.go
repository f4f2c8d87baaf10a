package plan

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
)

// uv lets a project declare that extras, groups or members conflict, and then locks a version for each side. Which
// edge is for which side stands in its marker, as an extra whose name is made of lengths and names.

// These are the names that uv gives them; lengths are in bytes, so that no two items share a name.

func extraName(pkg, extra string) string { return fmt.Sprintf("extra-%d-%s-%s", len(pkg), pkg, extra) }
func groupName(pkg, group string) string { return fmt.Sprintf("group-%d-%s-%s", len(pkg), pkg, group) }
func projectName(pkg string) string      { return fmt.Sprintf("project-%d-%s", len(pkg), pkg) }

// activateRoots makes active what the target asks for.
func (w *walker) activateRoots(roots []int) {
	for _, i := range roots {
		p := &w.lock.Packages[i]
		w.markActive(lock.ConflictItem{Package: p.Name}, projectName(p.Name))
		for _, g := range p.Extras {
			if w.wantsExtra(g) {
				w.activate(i, g.Name)
			}
		}
		w.activateGroups(p.Name, p.Groups)
	}
	if inherited := w.inherited(); len(inherited) > 0 {
		w.activateGroups(w.lock.Packages[w.lock.Root].Name, inherited)
	}
}

// activateGroups makes the groups that are wanted active.
func (w *walker) activateGroups(owner string, groups []lock.Group) {
	for _, g := range groups {
		if w.wantsGroup(g) {
			w.markActive(lock.ConflictItem{Package: owner, Group: g.Name}, groupName(owner, g.Name))
			w.env.DependencyGroups = append(w.env.DependencyGroups, g.Name)
		}
	}
}

// activate makes an extra of a package active.
func (w *walker) activate(i int, extra string) {
	name := w.lock.Packages[i].Name
	if n := (node{i, extra}); !w.asked[n] && !w.tooMany(w.extras[i], "of "+name) {
		w.extras[i] = append(w.extras[i], extra)
		w.asked[n], w.grown = true, true
	}
	w.markActive(lock.ConflictItem{Package: name, Extra: extra}, extraName(name, extra))
}

// markActive remembers an item under uv's name, if conflicts speak of it.
func (w *walker) markActive(item lock.ConflictItem, name string) {
	if active, known := w.chosen[item]; active || !known {
		return
	}
	if w.chosen[item] = true; !w.tooMany(w.active, "that conflict") {
		w.active = append(w.active, name)
	}
	w.grown = true
}

// checkConflicts reports sets of which more than one item is active, and whether there are any.
func (w *walker) checkConflicts() (found bool) {
	for _, set := range w.lock.Conflicts {
		var both []string
		for _, item := range set {
			if w.chosen[item] {
				both = append(both, describeItem(item))
			}
		}
		if len(both) > 1 {
			w.problems.Add(&diag.Error{Pos: diag.Position{File: w.lock.Path}, Code: "conflict",
				What: strings.Join(both, " and ") + " are declared to conflict", Hint: "choose one of them"})
			found = true
		}
	}
	return found
}

// describeItem names an item in a message.
func describeItem(item lock.ConflictItem) string {
	switch {
	case item.Extra != "":
		return fmt.Sprintf("%s[%s]", item.Package, item.Extra)
	case item.Group != "":
		return fmt.Sprintf("the group %s of %s", item.Group, item.Package)
	default:
		return item.Package
	}
}
