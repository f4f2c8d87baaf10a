package lock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// Whether a uv.lock is fresh.
//
// uv keeps no hash; it compares what each project asks for with what its lock says that it asked for. We do the same
// for what stands in pyproject.toml as it is. A project's own version may differ: it is not part of what is locked.

// asked is one requirement of a pyproject.toml, locked one of [package.metadata].
type asked struct {
	requirement.Requirement
	name  string
	extra string // of the project, that asks
	pos   diag.Position
}

type locked struct {
	name       string
	extras     []string
	specifiers version.Specifiers
	marker     marker.Marker
	table      *toml.Table
	used       bool
}

// checkFresh compares each project of the workspace, then what the workspace itself says. A member whose folder leads
// outside is not opened; selection refuses it anyway.
func (r *uvReader) checkFresh() {
	same := newComparer(r.lock.RequiresPython)
	var requires []Constraint
	for _, i := range r.lock.Members {
		p := &r.lock.Packages[i]
		project := r.memberProject(p)
		if project == nil {
			if !Outside(p.Source.Path) {
				r.stale(p.Pos, "%s is a member in %s, but %s has no %s", p.Name, r.path, p.Source.Path, projectFile)
			}
			continue
		}
		c, err := parseSpecifiers(project.Table("project").String("requires-python"))
		if err == nil && c != nil {
			requires = append(requires, c)
		}
		r.checkMember(p, r.tables[i], project, same)
	}
	if r.lock.RequiresPython != nil && requires != nil && !samePythons(r.lock.RequiresPython, requires) {
		r.stale(r.project.Table("project").KeyPos("requires-python"), "requires-python in %s and in %s differ: %s has %q",
			projectFile, r.path, r.path, r.lock.RequiresPython)
	}
	r.checkManifest(same)
}

// checkScript compares what the metadata of a script asks for.
func (r *uvReader) checkScript() {
	same := newComparer(r.lock.RequiresPython)
	c, err := parseSpecifiers(r.project.String("requires-python"))
	if err == nil && c != nil && r.lock.RequiresPython != nil && !samePythons(r.lock.RequiresPython, []Constraint{c}) {
		r.stale(r.project.KeyPos("requires-python"), "requires-python in %s and in %s differ: %s has %q", r.script, r.path, r.path, r.lock.RequiresPython)
	}
	manifest := r.source.lock.Table("manifest")
	r.match(r.askedIn(r.project.Value("dependencies").Array(), ""), r.lockedIn(manifest.Value("requirements")), sourcesOf(r.project), same)
	r.checkManifest(same)
}

// asker is the file that says what is wanted.
func (r *uvReader) asker() string { return cmp.Or(r.script, projectFile) }

// stale reports a difference between the lock and the project.
func (r *uvReader) stale(pos diag.Position, format string, args ...any) {
	if len(r.lock.Stale) < maxProblems {
		r.lock.Stale.Add(&diag.Error{Pos: pos, Code: "stale-lock", What: fmt.Sprintf(format, args...), Hint: "run `" + r.format.lock + "`"})
	}
}

// checkMember compares the requirements of one project: its own with its extras, and those of its groups. A project
// without [project], or with requirements that its backend computes, says nothing that could be compared.
func (r *uvReader) checkMember(p *Package, t, project *toml.Table, same *comparer) {
	sources := sourcesOf(project)
	metadata, groups := t.Table("metadata"), r.askedGroups(project)
	if metadata == nil {
		r.checkBare(p, project, groups, same)
		return
	}
	if static := project.Table("project"); static != nil && !computed(static) {
		want := r.askedIn(static.Value("dependencies").Array(), "")
		extras := static.Table("optional-dependencies")
		for _, key := range extras.Keys() {
			want = append(want, r.askedIn(extras.Value(key).Array(), name.Normalize(key))...)
		}
		r.match(want, r.lockedIn(metadata.Value("requires-dist")), sources, same)
	}
	dev := metadata.Table("requires-dev")
	lockedGroups := map[string]*toml.Value{} // whose keys may be written in another form
	for _, key := range slices.Backward(dev.Keys()) {
		lockedGroups[name.Normalize(key)] = dev.Value(key)
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		r.match(groups[group], r.lockedIn(lockedGroups[group]), sources, same)
	}
	for _, key := range dev.Keys() {
		if _, ok := groups[name.Normalize(key)]; !ok {
			r.stale(dev.KeyPos(key), "%s has the group %s, which %s has no longer", r.path, key, r.asker())
		}
	}
}

// computed tells whether only the build backend knows the requirements of a project.
func computed(project *toml.Table) bool {
	dynamic := project.Strings("dynamic")
	return slices.Contains(dynamic, "dependencies") || slices.Contains(dynamic, "optional-dependencies")
}

// checkManifest compares what the workspace says beside its projects.
func (r *uvReader) checkManifest(same *comparer) {
	manifest, uv, sources := r.source.lock.Table("manifest"), r.project.Table("tool", "uv"), sourcesOf(r.project)
	for _, keys := range [][2]string{
		{"constraint-dependencies", "constraints"}, {"override-dependencies", "overrides"},
		{"build-constraint-dependencies", "build-constraints"},
	} {
		r.match(r.askedIn(uv.Value(keys[0]).Array(), ""), r.lockedIn(manifest.Value(keys[1])), sources, same)
	}
}

// askedIn parses an array of requirements. What cannot be parsed is the project stage's to report.
func (r *uvReader) askedIn(list []*toml.Value, extra string) []asked {
	var out []asked
	for _, v := range list {
		text, _ := v.Str()
		if q, err := requirement.Parse(text); err == nil {
			out = append(out, asked{q, name.Normalize(q.Name), extra, v.Pos})
		}
	}
	return out
}

// askedGroups returns the dependency groups with what they include, and the legacy list of uv as part of "dev".
func (r *uvReader) askedGroups(project *toml.Table) map[string][]asked {
	out := map[string][]asked{}
	groups := r.groupsOf(project, false)
	for _, key := range groups.table.Keys() {
		into := name.Normalize(key)
		groups.read(key, func(list []*toml.Value) { out[into] = append(out[into], r.askedIn(list, "")...) }) // a circle is the project stage's to report
	}
	if legacy := project.Table("tool", "uv").Value("dev-dependencies"); legacy != nil {
		out["dev"] = append(out["dev"], r.askedIn(legacy.Array(), "")...)
	}
	return out
}

// lockedIn parses an array of requirements in uv's notation.
func (r *uvReader) lockedIn(list *toml.Value) []*locked {
	var out []*locked
	for _, v := range list.Array() {
		t, ok := v.AsTable()
		if !ok {
			continue
		}
		specifiers, err := version.ParseSpecifiers(t.String("specifier"))
		if err != nil {
			r.bad(v.Pos, "%s", err)
		}
		out = append(out, &locked{name: name.Normalize(t.String("name")), extras: sorted(names(t.Strings("extras"))),
			specifiers: specifiers, marker: r.marker(t, "marker"), table: t})
	}
	return out
}

// maxRequirements is how many requirements one list holds; each is compared with each.
const maxRequirements = 5000

// match pairs what is asked for with what is locked; what is left over on either side makes the lock stale. A
// requirement whose source is in tool.uv.sources has no versions in the lock, and may stand there several times, once
// for each source by marker.
func (r *uvReader) match(want []asked, have []*locked, sources wantedSources, same *comparer) {
	if len(want) > maxRequirements || len(have) > maxRequirements {
		r.bad(r.source.lock.Pos, "a project has more than %d requirements", maxRequirements)
		return
	}
	byName := map[string][]*locked{}
	for _, h := range have {
		byName[h.name] = append(byName[h.name], h)
	}
	asks := map[string]bool{}
	for _, w := range distinct(want) {
		asks[w.name] = true
		if !r.look(w.pos, len(byName[w.name])) {
			return
		}
		found := find(w, byName[w.name], sources, same)
		switch {
		case found == nil:
			r.stale(w.pos, "%s lacks %s, which %s asks for", r.path, w.Requirement.String(), r.asker())
			continue
		case sources.byName[w.name] == nil && w.URL == "" && !sameSpecifiers(w.Specifiers, found.specifiers):
			r.changed(w, found)
		case !sameGit(sources.byName[w.name], found.table):
			r.stale(w.pos, "%s has %s from %s, and %s names another source", r.path, w.name, found.table.String("git"), r.asker())
		}
		found.used = true
	}
	for _, h := range have {
		if !h.used && !(asks[h.name] && sources.byName[h.name] != nil) {
			r.stale(h.table.KeyPos("name"), "%s has %s as a requirement, which %s has no longer", r.path, h.name, r.asker())
		}
	}
}

// changed reports a requirement whose versions changed: the lock is stale if what it chose is no longer admitted.
func (r *uvReader) changed(w asked, found *locked) {
	for _, i := range r.byName[w.name] {
		v, err := version.Parse(r.lock.Packages[i].Version)
		if err == nil && !w.Specifiers.Contains(v, true) {
			r.stale(w.pos, "%s has %s %s, and %s asks for %s", r.path, w.name, v, r.asker(), w.Requirement.String())
			return
		}
	}
	r.warn(w.pos, "stale-lock", "%s was written for %s%s; %s asks for %s, which what is locked satisfies",
		r.path, w.name, found.specifiers, r.asker(), w.Requirement.String())
}

// checkBare serves locks without metadata: each requirement that can apply must have led to an edge.
func (r *uvReader) checkBare(p *Package, project *toml.Table, groups map[string][]asked, same *comparer) {
	if static := project.Table("project"); !computed(static) {
		r.checkEdges(p.Dependencies, r.askedIn(static.Value("dependencies").Array(), ""), same)
		extras := static.Table("optional-dependencies")
		for _, key := range extras.Keys() {
			if extra := p.Extra(name.Normalize(key)); extra != nil {
				r.checkEdges(extra.Dependencies, r.askedIn(extras.Value(key).Array(), ""), same)
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if g := p.Group(group); g != nil {
			r.checkEdges(g.Dependencies, groups[group], same)
		}
	}
}

// checkEdges compares by name and version only: without metadata the lock does not know markers or extras asked for.
func (r *uvReader) checkEdges(edges []Dependency, want []asked, same *comparer) {
	first, sources := map[string]int{}, sourcesOf(r.project)
	for i, d := range slices.Backward(edges) {
		first[d.Name] = i
	}
	for _, w := range want {
		i, ok := first[w.name]
		if !ok && same.possible(w.Marker) {
			r.stale(w.pos, "%s lacks %s, which %s asks for", r.path, w.Requirement.String(), r.asker())
		}
		if ok && w.URL == "" && sources.byName[w.name] == nil {
			r.changedEdge(w, edges[i])
		}
	}
}

// changedEdge reports an edge that leads to a version which the project no longer admits.
func (r *uvReader) changedEdge(w asked, d Dependency) {
	for _, i := range d.To {
		if v, err := version.Parse(r.lock.Packages[i].Version); err == nil && !w.Specifiers.Contains(v, true) {
			r.stale(w.pos, "%s has %s %s, and %s asks for %s", r.path, w.name, v, r.asker(), w.Requirement.String())
		}
	}
}

// distinct leaves out requirements that are written twice, as they are in groups that include each other.
func distinct(want []asked) []asked {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(want), func(w asked) bool {
		key := strings.Join([]string{w.Requirement.String(), w.extra}, "\x00")
		defer func() { seen[key] = true }()
		return seen[key]
	})
}
