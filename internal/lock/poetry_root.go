package lock

import (
	"cmp"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// mainGroup is what Poetry calls the dependencies that are no group's.
const mainGroup = "main"

// addRoot adds the project, which poetry.lock does not list, as the last package.
func (r *poetryReader) addRoot() {
	project, poetry := r.project.Table("project"), r.project.Table("tool", "poetry")
	root := Package{
		Name:    name.Normalize(cmp.Or(project.String("name"), poetry.String("name"))),
		Version: cmp.Or(project.String("version"), poetry.String("version")),
		Pos:     r.project.Table().KeyPos("project"),
		Source:  Source{Kind: Virtual, Path: "."},
	}
	if r.lock.Flat {
		r.flatEdges(&root)
	} else {
		r.rootEdges(&root)
	}
	r.declareGroups(&root)
	root.Extras = withGroups(root.Extras, r.source.lock.Table("extras").Keys())
	r.checkGroups(&root)
	r.lock.Root = len(r.lock.Packages)
	r.lock.Members = []int{r.lock.Root}
	r.lock.Packages = append(r.lock.Packages, root)
}

// flatEdges serves lock-version 2.1, where the solver has already written down who needs what: it makes an edge to each package for each of its groups.
func (r *poetryReader) flatEdges(root *Package) {
	for i, t := range r.tables {
		groups := t.Strings("groups")
		if len(groups) == 0 {
			r.bad(t.KeyPos("name"), "%s belongs to no group", r.lock.Packages[i].Name)
		}
		for _, group := range groups {
			d := Dependency{Name: r.lock.Packages[i].Name, Marker: r.groupMarker(t, group), To: []int{i}, Pos: t.KeyPos("name")}
			r.addTo(root, name.Normalize(group), d)
		}
	}
}

// addTo adds an edge to a group of the project.
func (s *source) addTo(root *Package, group string, d Dependency) {
	if group == mainGroup {
		root.Dependencies = append(root.Dependencies, d)
	} else if g := s.rootGroup(root, group); g != nil {
		g.Dependencies = append(g.Dependencies, d)
	}
}

// rootEdges reads the dependencies of the project from pyproject.toml, since locks before 2.1 do not have them.
// [project] wins over [tool.poetry], which then only says where packages come from.
func (r *poetryReader) rootEdges(root *Package) {
	project, poetry := r.project.Table("project"), r.project.Table("tool", "poetry")
	if project.Has("dependencies") || project.Has("optional-dependencies") {
		r.projectEdges(root, project)
	} else {
		r.readEdges(root, poetry)
	}
	r.groupEdges(root, "dev", poetry.Table("dev-dependencies"))
	groups := poetry.Table("group")
	for _, key := range groups.Keys() {
		r.groupEdges(root, name.Normalize(key), groups.Table(key, "dependencies"))
	}
	standard := r.groupsOf(r.project, true)
	for _, key := range standard.table.Keys() {
		r.standardGroup(root, name.Normalize(key), standard, key)
	}
}

// projectEdges reads [project], whose extras list requirements.
func (r *poetryReader) projectEdges(root *Package, project *toml.Table) {
	for _, v := range project.Value("dependencies").Array() {
		if e, ok := r.requirementEdge(v); ok {
			root.Dependencies = append(root.Dependencies, e.Dependency)
		}
	}
	extras := project.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		group := Group{Name: name.Normalize(key)}
		for _, v := range extras.Value(key).Array() {
			if e, ok := r.requirementEdge(v); ok {
				group.Dependencies = append(group.Dependencies, e.Dependency)
			}
		}
		root.Extras = append(root.Extras, group)
	}
}

// groupEdges reads a group of [tool.poetry.group], or the dev-dependencies that there were before groups.
func (r *poetryReader) groupEdges(root *Package, group string, dependencies *toml.Table) {
	for _, key := range dependencies.Keys() {
		for _, e := range r.edges(key, dependencies.Value(key)) {
			r.addTo(root, group, e.Dependency)
		}
	}
}

// standardGroup reads a group of [dependency-groups], which may include others.
func (r *poetryReader) standardGroup(root *Package, group string, groups *groupWalk, key string) {
	circle := groups.read(key, func(list []*toml.Value) {
		for _, v := range list {
			if e, ok := r.requirementEdge(v); ok {
				r.addTo(root, group, e.Dependency)
			}
		}
	})
	if circle != "" {
		r.bad(groups.table.KeyPos(circle), "the dependency group %s includes itself", group)
	}
}

// declareGroups adds groups that hold nothing, and marks those that Poetry installs by itself: all but the optional.
func (r *poetryReader) declareGroups(root *Package) {
	groups := r.project.Table("tool", "poetry", "group")
	optional := map[string]bool{}
	for _, key := range groups.Keys() {
		if name.Normalize(key) == mainGroup {
			continue
		}
		r.rootGroup(root, name.Normalize(key))
		if yes, _ := groups.Table(key).Bool("optional"); yes {
			optional[name.Normalize(key)] = true
		}
	}
	for _, key := range r.project.Table("dependency-groups").Keys() {
		r.rootGroup(root, name.Normalize(key))
	}
	for i := range root.Groups {
		root.Groups[i].Default = !optional[root.Groups[i].Name]
	}
}
