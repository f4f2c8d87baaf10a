package lock

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/toml"
)

// pdmSections are the requirements of the project by group, as PDM knows groups: the main one, extras, and the others.
type pdmSections struct {
	extras []string
	groups []string
	keys   []string         // of the extras, as written
	at     map[string][]int // keys by extra
}

// root makes the project, which the file does not list.
func (r *pdmReader) root(metadata *toml.Table) Package {
	project := r.project.Table("project")
	root := Package{Name: name.Normalize(project.String("name")), Version: project.String("version"),
		Pos: diag.Position{File: r.path, Line: 1}, Source: Source{Kind: Virtual, Path: "."}}
	r.readSections()
	root.Extras = withGroups(nil, r.sections.extras)
	r.extraAt = map[string]int{}
	for i, extra := range root.Extras {
		r.extraAt[extra.Name] = i
	}
	for _, group := range r.sections.groups {
		if g := r.rootGroup(&root, group); g != nil {
			g.Default = true
		}
	}
	for _, group := range names(metadata.Strings("groups")) {
		if _, extra := r.extraAt[group]; group != pdmMain && !extra {
			r.rootGroup(&root, group)
		}
	}
	if r.lock.Flat {
		r.flatEdges(&root)
	} else {
		r.projectEdges(&root)
	}
	r.checkGroups(&root)
	return root
}

// readSections reads the names of extras and groups from pyproject.toml.
func (r *pdmReader) readSections() {
	s := &r.sections
	s.keys, s.at = r.project.Table("project", "optional-dependencies").Keys(), map[string][]int{}
	for i, key := range s.keys {
		extra := name.Normalize(key)
		s.extras = append(s.extras, extra)
		s.at[extra] = append(s.at[extra], i)
	}
	known := map[string]bool{}
	for _, t := range []*toml.Table{r.project.Table("dependency-groups"), r.project.Table("tool", "pdm", "dev-dependencies")} {
		for _, key := range t.Keys() {
			if group := name.Normalize(key); !known[group] {
				known[group] = true
				s.groups = append(s.groups, group)
			}
		}
	}
}

// flatEdges makes an edge to each package for each of its groups.
func (r *pdmReader) flatEdges(root *Package) {
	for i, t := range r.tables {
		groups := names(t.Strings("groups"))
		if len(groups) == 0 {
			groups = []string{pdmMain}
		}
		for _, group := range groups {
			r.addEdge(root, group, Dependency{Name: r.lock.Packages[r.at[i]].Name, Marker: r.marker(t, "marker"), To: []int{r.at[i]}, Pos: t.KeyPos("name")})
		}
	}
}

// addEdge adds an edge to the main group, an extra or another group.
func (r *pdmReader) addEdge(root *Package, group string, d Dependency) {
	i, extra := r.extraAt[group]
	switch {
	case group == pdmMain:
		root.Dependencies = append(root.Dependencies, d)
	case extra:
		root.Extras[i].Dependencies = append(root.Extras[i].Dependencies, d)
	default:
		r.addTo(root, group, d)
	}
}

// projectEdges follows pyproject.toml, for locks whose packages do not say what they are for.
func (r *pdmReader) projectEdges(root *Package) {
	project := r.project.Table("project")
	r.list(root, pdmMain, project.Value("dependencies").Array(), map[string]bool{})
	extras := project.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		r.list(root, name.Normalize(key), extras.Value(key).Array(), map[string]bool{name.Normalize(key): true})
	}
	groups := r.groupsOf(r.project, false)
	for _, key := range groups.table.Keys() {
		r.group(root, name.Normalize(key), groups, key)
	}
	legacy := r.project.Table("tool", "pdm", "dev-dependencies")
	for _, key := range legacy.Keys() {
		r.list(root, name.Normalize(key), legacy.Value(key).Array(), map[string]bool{})
	}
}

// group reads a group of [dependency-groups] with those that it includes.
func (r *pdmReader) group(root *Package, into string, groups *groupWalk, key string) {
	circle := groups.read(key, func(list []*toml.Value) { r.list(root, into, list, map[string]bool{}) })
	if circle != "" {
		r.bad(groups.table.KeyPos(circle), "the dependency group %s includes itself", into)
	}
}

// list makes edges of an array of requirements. One of the project itself means the requirements of its extras.
// Those that are in are known, so that a circle ends.
func (r *pdmReader) list(root *Package, group string, list []*toml.Value, in map[string]bool) {
	for _, v := range list {
		text, ok := v.Str()
		if !ok {
			continue
		}
		if r.spent++; r.spent >= maxIncluded {
			if r.spent == maxIncluded {
				r.report(tooMany(v.Pos))
			}
			return
		}
		if rest, ok := strings.CutPrefix(text, "-e "); ok { // a folder of the project, as PDM writes it
			r.folder(root, group, v, rest)
			continue
		}
		d, ok := r.edge(v, text)
		switch {
		case !ok:
		case d.Name == root.Name && len(d.To) == 0:
			r.own(root, group, d.Extras, in)
		default:
			r.addEdge(root, group, d)
		}
	}
}

// own adds what extras of the project ask for, in the order in which the project has them.
func (r *pdmReader) own(root *Package, group string, extras []string, in map[string]bool) {
	optional := r.project.Table("project", "optional-dependencies")
	var asked []int
	for _, extra := range extras {
		asked = append(asked, r.sections.at[extra]...)
	}
	slices.Sort(asked)
	for _, i := range asked {
		if extra := name.Normalize(r.sections.keys[i]); !in[extra] {
			in[extra] = true
			r.list(root, group, optional.Value(r.sections.keys[i]).Array(), in)
		}
	}
}

// folder makes an edge to the locked package of an editable requirement, which is known by its name alone.
func (r *pdmReader) folder(root *Package, group string, v *toml.Value, address string) {
	project := name.Normalize(fragmentOf(address, "egg"))
	if to := r.byName[project]; len(to) > 0 {
		r.addEdge(root, group, Dependency{Name: project, To: to, Pos: v.Pos})
		return
	}
	r.bad(v.Pos, "%s asks for %s, which is not in %s", projectFile, quoted(address), r.path)
}

// edge reads a requirement.
func (r *pdmReader) edge(v *toml.Value, text string) (Dependency, bool) {
	q, err := requirement.Parse(text)
	if err != nil {
		r.bad(v.Pos, "%s", err)
		return Dependency{}, false
	}
	d := Dependency{Name: name.Normalize(q.Name), Marker: q.Marker, Pos: v.Pos}
	if !r.look(v.Pos, len(r.byName[d.Name])) {
		return Dependency{}, false
	}
	for _, i := range r.byName[d.Name] {
		if v := r.versions[i]; v.IsZero() || q.URL != "" || q.Specifiers.Contains(v, true) {
			d.To = append(d.To, i)
		}
	}
	d.Extras = r.extrasOf(d.To, names(q.Extras))
	return d, true
}

// extrasOf names the extras as the entry has them that is for all together, where there is one.
func (r *pdmReader) extrasOf(to []int, extras []string) []string {
	if len(extras) < 2 || len(to) == 0 {
		return extras
	}
	if key := extraKey(extras); r.lock.Packages[to[0]].Extra(key) != nil {
		return []string{key}
	}
	return extras
}
