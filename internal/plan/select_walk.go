package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/version"
)

// walker goes along the edges that hold for a target. Two things are known only after a walk: which extras are
// active, on which uv's markers for conflicts depend, and which of several versions of a package all edges admit, in
// formats where edges carry constraints. So it walks again, with what it learned, until nothing new comes.
type walker struct {
	lock     *lock.Lock
	target   Target
	env      marker.Environment
	python   version.Version
	problems diag.List

	// learned, kept from one walk to the next
	active []string                   // uv's names for active projects, extras and groups
	extras map[int][]string           // active extras of packages
	asked  map[node]bool              // the same, to look one up
	narrow map[string][]int           // versions of a name that all edges of the last walk admit
	chosen map[lock.ConflictItem]bool // what conflicts speak of, and whether it is active

	// of one walk
	queue   []node
	seen    map[node]bool
	admit   map[string][]int // versions of a name that all edges so far admit
	met     map[string][]int // versions of a name that edges led to
	reasons map[int][]Reason
	missing diag.List // edges that lead nowhere
	grown   bool
	meant   map[int]bool // packages that are meant for the target at all, as far as it was asked
	marks   map[int]int  // packages that the last edges admit, by the number of the edge
	edges   int
}

// node is a package, or one of its extras.
type node struct {
	pkg   int
	extra string
}

// maxWalks ends a lock file that was made not to settle. Real ones need two or three walks.
const maxWalks = 64

// maxActive is how many extras of one package, or of those that conflicts speak of, are active: as many as package lock lets a
// package have. Markers are held against all of them.
const maxActive = 2000

// tooMany reports the first list that is too long, and whether this one is.
func (w *walker) tooMany(active []string, of string) bool {
	if len(active) < maxActive {
		return false
	}
	if len(w.problems) == 0 {
		w.problems.Add(&diag.Error{Pos: diag.Position{File: w.lock.Path}, Code: "lock",
			What: fmt.Sprintf("more than %d extras %s are asked for", maxActive, of), Hint: "write the lock file again"})
	}
	return true
}

// run walks until a walk teaches nothing new, and leaves the last one's result. What a walk learned of extras stays
// for the next even if its reason fell away, as in uv's first pass; versions are narrowed anew from walk to walk.
func (w *walker) run() {
	w.active, w.extras, w.asked, w.chosen = nil, map[int][]string{}, map[node]bool{}, map[lock.ConflictItem]bool{}
	for _, set := range w.lock.Conflicts {
		for _, item := range set {
			w.chosen[item] = false
		}
	}
	roots := w.roots()
	w.checkNames(roots)
	if len(w.problems) > 0 {
		return
	}
	w.activateRoots(roots)
	for range maxWalks {
		if w.walk(roots); len(w.problems) > 0 {
			return
		}
		if !w.grown && !w.changed() {
			w.finish()
			return
		}
	}
	w.problems.Add(&diag.Error{Pos: diag.Position{File: w.lock.Path}, Code: "lock",
		What: "the versions and extras of the file depend on each other in a circle", Hint: "write the lock file again"})
}

// roots returns the projects that are built: the member asked for, all of them, or the one of the lock's folder. A
// workspace whose folder holds no project means all of its members.
func (w *walker) roots() []int {
	switch {
	case w.target.Package != "":
		for _, i := range w.lock.Members {
			if w.lock.Packages[i].Name == w.target.Package {
				return []int{i}
			}
		}
		w.problems.Add(&diag.Error{Pos: diag.Position{File: w.lock.Path}, Code: "unknown-package",
			What: fmt.Sprintf("the workspace has no member %q", w.target.Package),
			Hint: "members are " + strings.Join(w.memberNames(), ", ")})
		return nil
	case w.lock.Root >= 0 && !w.target.AllPackages:
		return []int{w.lock.Root}
	default:
		return w.lock.Members
	}
}

// memberNames returns the names of the workspace's members, for a hint.
func (w *walker) memberNames() []string {
	var names []string
	for _, i := range w.lock.Members {
		names = append(names, w.lock.Packages[i].Name)
	}
	slices.Sort(names)
	return names
}

// wantsGroup tells whether a group is part of the target.
func (w *walker) wantsGroup(g lock.Group) bool {
	return g.Always || w.target.AllGroups || w.target.Name == Dev && g.Default || slices.Contains(w.target.Groups, g.Name)
}

// wantsExtra tells whether an extra of a project is part of the target.
func (w *walker) wantsExtra(g lock.Group) bool {
	return w.target.AllExtras || slices.Contains(w.target.Extras, g.Name)
}

// inherited returns the groups of the workspace's root that a member is built with: those asked for by name, as far as
// the member has none of that name itself.
func (w *walker) inherited() []lock.Group {
	if w.target.Package == "" || w.lock.Root < 0 || w.lock.Packages[w.lock.Root].Name == w.target.Package {
		return nil
	}
	var out []lock.Group
	for _, g := range w.lock.Packages[w.lock.Root].Groups {
		own := slices.ContainsFunc(w.lock.Members, func(i int) bool {
			return w.lock.Packages[i].Name == w.target.Package && w.lock.Packages[i].Group(g.Name) != nil
		})
		if !own {
			g.Default = false
			out = append(out, g)
		}
	}
	return out
}

// workspaceGroups returns the groups that belong to no project; the members' own come with them.
func (w *walker) workspaceGroups() []lock.Group {
	if w.target.Package != "" {
		return nil
	}
	return w.lock.Groups
}

// checkNames reports groups and extras that no project of the target has.
func (w *walker) checkNames(roots []int) {
	var groups, extras []string
	for _, g := range slices.Concat(w.workspaceGroups(), w.inherited()) {
		groups = append(groups, g.Name)
	}
	for _, i := range roots {
		for _, g := range w.lock.Packages[i].Groups {
			groups = append(groups, g.Name)
		}
		for _, g := range w.lock.Packages[i].Extras {
			extras = append(extras, g.Name)
		}
	}
	w.checkKnown("group", w.target.Groups, groups)
	w.checkKnown("extra", w.target.Extras, extras)
}

// maxNamed is how many names a hint lists.
const maxNamed = 100

// checkKnown reports names that are not known, with those that are: most are spelling mistakes.
func (w *walker) checkKnown(what string, asked, known []string) {
	slices.Sort(known)
	known = slices.Compact(known)
	hint := "there is none"
	if len(known) > 0 {
		hint = "there are " + strings.Join(known[:min(len(known), maxNamed)], ", ")
	}
	if more := len(known) - maxNamed; more > 0 {
		hint = fmt.Sprintf("%s and %d more", hint, more)
	}
	for _, a := range asked {
		if _, ok := slices.BinarySearch(known, a); ok {
			continue
		}
		w.problems.Add(&diag.Error{Pos: diag.Position{File: w.lock.Path}, Code: "unknown-" + what,
			What: fmt.Sprintf("the project has no %s %q", what, a), Hint: hint})
	}
}

// walk goes once through the graph, breadth first from the projects, so that the first reason for a package is the
// one nearest to the project.
func (w *walker) walk(roots []int) {
	w.queue, w.seen = w.queue[:0], make(map[node]bool, len(w.lock.Packages))
	w.admit, w.met, w.reasons = map[string][]int{}, map[string][]int{}, map[int][]Reason{}
	w.grown, w.missing, w.meant, w.marks = false, nil, map[int]bool{}, map[int]int{}
	for _, i := range roots {
		w.visit(node{i, ""})
		for _, g := range w.lock.Packages[i].Extras {
			if w.wantsExtra(g) {
				w.visit(node{i, g.Name})
			}
		}
		w.groupEdges(i, cmp.Or(w.lock.Packages[i].Name, "the project"), w.lock.Packages[i].Groups)
	}
	if w.target.Package == "" {
		for _, d := range w.lock.Requirements {
			w.follow(d, -1, Reason{By: cmp.Or(w.lock.Script, "the workspace")})
		}
	}
	w.groupEdges(-1, "the workspace", w.workspaceGroups())
	if inherited := w.inherited(); len(inherited) > 0 {
		w.groupEdges(w.lock.Root, w.lock.Packages[w.lock.Root].Name, inherited)
	}
	for len(w.queue) > 0 {
		n := w.queue[0]
		w.queue = w.queue[1:]
		w.expand(n)
	}
}

// groupEdges follows the edges of the groups that are wanted.
func (w *walker) groupEdges(owner int, by string, groups []lock.Group) {
	for _, g := range groups {
		if !w.wantsGroup(g) {
			continue
		}
		for _, d := range g.Dependencies {
			w.follow(d, owner, Reason{By: by, Group: g.Name})
		}
	}
}

// expand follows the edges of a package or extra. In a flat lock only the project's edges count: its tool has worked
// out all others, and put the result into their markers.
func (w *walker) expand(n node) {
	p := &w.lock.Packages[n.pkg]
	if w.lock.Flat && n.pkg != w.lock.Root {
		return
	}
	edges := p.Dependencies
	if n.extra != "" {
		extra := p.Extra(n.extra)
		if extra == nil {
			return // as pip and uv do: an extra that a version does not have adds nothing
		}
		edges = extra.Dependencies
	}
	for _, d := range edges {
		w.follow(d, n.pkg, Reason{By: cmp.Or(p.Name, "the project"), Extra: n.extra})
	}
}

// visit puts a node on the queue the first time it is met.
func (w *walker) visit(n node) {
	if !w.seen[n] {
		w.seen[n] = true
		w.queue = append(w.queue, n)
	}
}

// follow goes along an edge if it holds.
func (w *walker) follow(d lock.Dependency, owner int, why Reason) {
	if !w.holds(d, owner) {
		return
	}
	i, ok := w.pick(d)
	if !ok {
		w.report(d, why)
		return
	}
	if p := &w.lock.Packages[i]; w.lock.Strict && !p.RequiresPython.Contains(w.python, true) {
		w.missing.Add(&diag.Error{Pos: p.Pos, Code: "python-excluded",
			What: fmt.Sprintf("Python %s is not admitted by %s %s: its requires-python is %s", w.target.Python, p.Name, p.Version, p.RequiresPython),
			Hint: "name a Python that is with the key `python`, or lock for this one"})
	}
	why.Marker, why.Pos = d.Marker, d.Pos
	w.reasons[i] = append(w.reasons[i], why)
	w.visit(node{i, ""})
	for _, extra := range d.Extras {
		w.activate(i, extra)
		w.visit(node{i, extra})
	}
}

// report adds an edge that leads nowhere.
func (w *walker) report(d lock.Dependency, why Reason) {
	w.missing.Add(&diag.Error{Pos: d.Pos, Code: "lock",
		What: fmt.Sprintf("%s requires %s, and %s has no version of it that fits", why.By, d.Name, w.lock.Path),
		Hint: "write the lock file again"})
}

// holds evaluates an edge. An extra that the edge itself asks for counts as active.
func (w *walker) holds(d lock.Dependency, owner int) bool {
	if !d.Python.Contains(w.python, true) {
		return false
	}
	if d.Marker.IsZero() {
		return true
	}
	env := w.env
	env.Extras = slices.Concat(w.extras[owner], w.active)
	if len(w.lock.Conflicts) > 0 && len(d.To) == 1 {
		for _, extra := range d.Extras {
			env.Extras = append(env.Extras, extraName(w.lock.Packages[d.To[0]].Name, extra))
		}
	}
	return d.Marker.Eval(env)
}

// selected returns the packages that the last walk reached, in the order of the file.
func (w *walker) selected() []int {
	var out []int
	for n := range w.seen {
		if n.extra == "" {
			out = append(out, n.pkg)
		}
	}
	slices.Sort(out)
	return out
}
