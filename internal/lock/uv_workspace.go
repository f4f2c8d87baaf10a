package lock

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// maxMembers is how many projects of a workspace are read. The largest known have some hundreds.
const maxMembers = 2000

// itoa writes a number of the file.
func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// unescape decodes a part of a query; what cannot be decoded stays, since it is only compared and shown.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// readWorkspace finds the projects among the packages. A lock of one project does not list members. The root is the
// project of the lock's own folder; a workspace may have none, and then all members are built, as uv does.
func (r *uvReader) readWorkspace(manifest *toml.Table) {
	for i := range r.lock.Packages {
		p := &r.lock.Packages[i]
		if (p.Source.Kind == Editable || p.Source.Kind == Virtual || p.Source.Kind == Directory) && p.Source.Path == "." {
			r.lock.Root = i
			break
		}
	}
	for _, member := range manifest.Strings("members") {
		if found := r.byName[name.Normalize(member)]; len(found) == 1 && len(r.lock.Members) < maxMembers {
			r.lock.Members = append(r.lock.Members, found[0])
			continue
		}
		r.bad(manifest.KeyPos("members"), "the member %s is not in the file once", member)
	}
	if r.lock.Root >= 0 && !slices.Contains(r.lock.Members, r.lock.Root) {
		r.lock.Members = append(r.lock.Members, r.lock.Root)
	}
	r.lock.Requirements = r.loose(manifest.Value("requirements"))
	for _, key := range manifest.Table("dependency-groups").Keys() {
		r.lock.Groups = append(r.lock.Groups, Group{Name: name.Normalize(key),
			Dependencies: r.loose(manifest.Table("dependency-groups").Value(key))})
	}
	if r.script == "" && len(r.lock.Members) == 0 && len(r.lock.Requirements) == 0 && len(r.lock.Groups) == 0 && len(r.problems) == 0 {
		r.bad(r.source.lock.Pos, "the file holds no project")
	}
	r.setDefaults()
}

// loose reads requirements of a workspace that has no project: they name a package, and the forks' markers say which.
func (r *uvReader) loose(list *toml.Value) []Dependency {
	var out []Dependency
	for _, v := range list.Array() {
		t, ok := v.AsTable()
		if !ok {
			r.bad(v.Pos, "a requirement is a table, not a %s", v.Kind())
			continue
		}
		d := Dependency{Name: r.name(t), Marker: r.marker(t, "marker"), Extras: names(t.Strings("extras")), Pos: v.Pos}
		if d.To = r.byName[d.Name]; len(d.To) == 0 {
			r.bad(v.Pos, "%s is required, but not in the file", d.Name)
		}
		out = append(out, d)
	}
	return out
}

// setDefaults marks the groups that uv chooses by itself: those of tool.uv.default-groups, else "dev". A member's own
// pyproject.toml decides for it.
func (r *uvReader) setDefaults() {
	markDefaults(r.lock.Groups, r.project)
	for _, i := range r.lock.Members {
		p := &r.lock.Packages[i]
		project := r.memberProject(p)
		p.Extras = withGroups(p.Extras, project.Table("project", "optional-dependencies").Keys())
		p.Groups = withGroups(p.Groups, project.Table("dependency-groups").Keys())
		r.checkGroups(p)
		markDefaults(p.Groups, project)
	}
}

// markDefaults marks the groups that are chosen unless somebody says otherwise.
// See https://docs.astral.sh/uv/concepts/projects/dependencies/#default-groups.
func markDefaults(groups []Group, project *toml.Table) {
	uv := project.Table("tool", "uv")
	chosen := []string{"dev"}
	all := uv.String("default-groups") == "all"
	if uv.Has("default-groups") {
		chosen = names(uv.Strings("default-groups"))
	}
	for i := range groups {
		groups[i].Default = all || slices.Contains(chosen, groups[i].Name)
	}
}

// memberProject returns the pyproject.toml of a member; nil when it cannot be read, which is for others to report.
func (r *uvReader) memberProject(p *Package) *toml.Table {
	if p.Source.Path == "." {
		return r.project
	}
	if Outside(p.Source.Path) {
		return nil
	}
	if project, ok := r.projects[p.Source.Path]; ok {
		return project
	}
	project, err := r.readProject(p.Source.Path)
	if err != nil {
		r.report(asProblem(err))
	}
	if r.projects == nil {
		r.projects = map[string]*toml.Table{}
	}
	r.projects[p.Source.Path] = project
	return project
}
