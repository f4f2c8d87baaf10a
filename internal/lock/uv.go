package lock

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// uv.lock is a table of packages, each with its edges. It was made for uv alone and has no specification, so what is
// read here follows crates/uv-resolver/src/lock of uv itself. It names each package with its source, and each edge with the version and source it means wherever the name
// alone would not do. Markers are simplified under what leads to them, so they mean something only on a walk from
// the project. See https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile.
var uvFormat = format{name: "uv", file: "uv.lock", lock: "uv lock", parse: parseUV}

const (
	// uvVersion is the only one there is; another may mean anything.
	uvVersion = 1
	// uvRevision is the newest known; later ones add what older readers may leave out.
	uvRevision = 5
)

// uvReader reads one uv.lock.
type uvReader struct {
	*source
	lock   *Lock
	tables []*toml.Table    // of the packages
	byName map[string][]int // packages
	keys   []string         // sources of the packages, as text to compare

	projects map[string]*toml.Table // pyproject.toml of members, by path
}

// parseUV reads a whole uv.lock. The version comes before all else, since another one may mean anything by the rest;
// edges come after all packages, since they name packages that may stand further down. Freshness is only worth a
// look in a file without problems.
func parseUV(s *source) *Lock {
	r := &uvReader{source: s, lock: &Lock{Root: -1, Script: s.script}, byName: map[string][]int{}}
	top := s.lock
	if v, _ := top.Int("version"); v != uvVersion {
		s.report(&diag.Error{Pos: top.KeyPos("version"), Code: "lock-version",
			What: "lithe reads version 1 of uv.lock only, and this file has " + cmp.Or(versionText(top.Value("version")), "no version"),
			Hint: "look for a newer lithe, or run `" + s.format.lock + "`"})
		return r.lock
	}
	if revision, _ := top.Int("revision"); revision > uvRevision {
		s.warn(top.KeyPos("revision"), "lock-version", "revision %s of uv.lock is newer than this lithe", versionText(top.Value("revision")))
	}
	r.readHead(top)
	r.tables = append(top.Tables("package"), top.Tables("distribution")...)
	for _, t := range r.tables {
		r.readPackage(t)
	}
	for i, t := range r.tables {
		r.readEdges(&r.lock.Packages[i], t)
	}
	r.readWorkspace(top.Table("manifest"))
	r.nameUVIndexes()
	switch {
	case len(s.problems) > 0:
	case s.script != "":
		r.checkScript()
	default:
		r.checkFresh()
	}
	return r.lock
}

// versionText returns a number or text as written, "" for anything else.
func versionText(v *toml.Value) string {
	switch data := v.Any().(type) {
	case string:
		return data
	case int64:
		return itoa(data)
	}
	return ""
}

// readHead reads what holds for the whole file: which Pythons and platforms it was resolved for, without which no
// marker in it means anything, and which extras and groups exclude each other.
func (r *uvReader) readHead(top *toml.Table) {
	var err error
	if r.lock.RequiresPython, err = parseSpecifiers(top.String("requires-python")); err != nil {
		r.bad(top.KeyPos("requires-python"), "requires-python: %s", err)
	}
	r.lock.RequiresPythonPos = top.KeyPos("requires-python")
	r.lock.Environments = r.markerList(top, "supported-markers")
	for _, set := range top.Value("conflicts").Array() {
		var items []ConflictItem
		for _, v := range set.Array() {
			if t, ok := v.AsTable(); ok {
				items = append(items, ConflictItem{name.Normalize(t.String("package")),
					name.Normalize(t.String("extra")), name.Normalize(t.String("group"))})
			}
		}
		r.lock.Conflicts = append(r.lock.Conflicts, items)
	}
}

// readPackage reads all of a package but its edges.
func (r *uvReader) readPackage(t *toml.Table) {
	p := Package{Name: r.name(t), Version: t.String("version"), Pos: t.KeyPos("name")}
	p.Markers = r.markerList(t, "resolution-markers")
	key := r.readSource(&p, t)
	r.enter(r.byName, len(r.lock.Packages), &p, func(i int) bool {
		return r.lock.Packages[i].Version == p.Version && r.keys[i] == key
	})
	wheels := t.Value("wheels").Array()
	p.Files = slices.Grow(p.Files, len(wheels)+1)
	for _, v := range wheels {
		r.readFile(&p, v)
	}
	if v := t.Value("sdist"); v != nil {
		r.readFile(&p, v)
	}
	r.keys = append(r.keys, key)
	r.lock.Packages = append(r.lock.Packages, p)
}

// uvSources are the keys of a source, and what each means.
var uvSources = []struct {
	key  string
	kind SourceKind
}{
	{"registry", Registry}, {"git", Git}, {"url", URL}, {"path", Archive}, {"directory", Directory},
	{"editable", Editable}, {"virtual", Virtual},
}

// readSource reads where the package comes from, and returns the source as text that is equal for equal sources.
func (r *uvReader) readSource(p *Package, t *toml.Table) (key string) {
	source := t.Table("source")
	p.Source.Pos = t.KeyPos("source")
	for _, s := range uvSources {
		text := source.String(s.key)
		if !source.Has(s.key) {
			continue
		}
		p.Source.Kind = s.kind
		switch s.kind {
		case Git:
			r.readGit(p, text)
		case URL:
			p.Source.URL, p.Source.Subdirectory = text, source.String("subdirectory")
			if what := unsafeURL(text); what != "" {
				r.tampered(p.Source.Pos, "%s: the address %q %s", p.Name, text, what)
			}
		case Registry:
			r.readRegistry(p, text)
		default:
			p.Source.Path = cleanPath(text)
		}
		return sourceKey(source)
	}
	r.bad(p.Pos, "%s has no source that lithe knows", p.Name)
	return ""
}

// readRegistry tells an index by its address from a folder of files (uv's flat index), whose path is relative.
func (r *uvReader) readRegistry(p *Package, text string) {
	if strings.Contains(text, "://") {
		p.Source.URL = text
		return
	}
	p.Source.Path = cleanPath(text)
}

// sourceKey writes a source, which is a table of strings, so that equal ones are equal text.
func sourceKey(t *toml.Table) string {
	var parts []string
	for _, key := range t.Keys() {
		parts = append(parts, key+"="+t.String(key))
	}
	slices.Sort(parts)
	return strings.Join(parts, "\x00")
}

// readGit takes apart "URL?rev=…&subdirectory=…#commit".
func (r *uvReader) readGit(p *Package, text string) {
	address, commit, _ := strings.Cut(text, "#")
	address, query, _ := strings.Cut(address, "?")
	p.Source.URL, p.Source.Commit = address, commit
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "rev", "tag", "branch":
			p.Source.Reference = unescape(value)
		case "subdirectory":
			p.Source.Subdirectory = unescape(value)
		}
	}
	r.checkGit(p)
}

// readFile reads an element of wheels, or the sdist. The file name follows from the address where there is one, so
// that an entry cannot claim to be another file than the one that is downloaded; for sources that are one file, the
// address or path stands in the source.
func (r *uvReader) readFile(p *Package, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		r.bad(v.Pos, "a file of %s is a table, not a %s", p.Name, v.Kind())
		return
	}
	f := File{URL: t.String("url"), Hash: t.String("hash"), Pos: v.Pos}
	f.Size, _ = t.Int("size")
	f.Size = max(f.Size, 0)
	switch {
	case f.URL != "":
		f.Name = urlFile(f.URL)
	case t.Has("path"): // relative to the folder that serves as index
		f.Path = path.Join(p.Source.Path, cleanPath(t.String("path")))
		f.Name = path.Base(f.Path)
	case p.Source.Kind == URL:
		f.URL, f.Name = p.Source.URL, cmp.Or(t.String("filename"), urlFile(p.Source.URL))
	case p.Source.Kind == Archive:
		f.Path, f.Name = p.Source.Path, cmp.Or(t.String("filename"), path.Base(p.Source.Path))
	default:
		f.Name = t.String("filename")
	}
	r.addFile(p, f)
}

// readEdges reads what the package, its extras and its groups depend on.
func (r *uvReader) readEdges(p *Package, t *toml.Table) {
	p.Dependencies = r.edges(p.Name, t.Value("dependencies"))
	p.Extras = r.groups(p.Name, t.Table("optional-dependencies"))
	p.Groups = r.groups(p.Name, t.Table("dev-dependencies"))
	p.Groups = append(p.Groups, r.groups(p.Name, t.Table("dependency-groups"))...)
	// What has no dependency has no list, but exists.
	p.Extras = withGroups(p.Extras, t.Table("metadata").Strings("provides-extras"))
	p.Groups = withGroups(p.Groups, t.Table("metadata", "requires-dev").Keys())
	r.checkGroups(p)
}

// withGroup adds an empty group of that name unless there is one.
func withGroup(groups []Group, written string) []Group {
	if n := name.Normalize(written); named(groups, n) == nil {
		groups = append(groups, Group{Name: n})
	}
	return groups
}

// groups reads a table of lists of edges. Names of extras and groups are normalised, as uv compares them.
func (r *uvReader) groups(owner string, t *toml.Table) []Group {
	var out []Group
	for _, key := range t.Keys() {
		out = append(out, Group{Name: name.Normalize(key), Dependencies: r.edges(owner, t.Value(key))})
	}
	return out
}

// edges reads a list of dependencies. Extras of the target are under "extra" here, and under "extras" in metadata.
func (r *uvReader) edges(owner string, list *toml.Value) []Dependency {
	elements := list.Array()
	if len(elements) == 0 {
		return nil
	}
	out := make([]Dependency, 0, len(elements))
	for _, v := range elements {
		t, ok := v.AsTable()
		if !ok {
			r.bad(v.Pos, "a dependency of %s is a table, not a %s", owner, v.Kind())
			continue
		}
		d := Dependency{Name: r.name(t), Marker: r.marker(t, "marker"), Pos: v.Pos}
		d.Extras = names(append(t.Strings("extra"), t.Strings("extras")...))
		d.To = r.target(owner, d.Name, t)
		out = append(out, d)
	}
	return out
}

// target finds the one package that an edge means. uv writes version and source only where the name alone is not
// enough, so a name that is there once needs no comparison, and one that is left ambiguous was not written by uv.
func (r *uvReader) target(owner, to string, t *toml.Table) []int {
	found := r.byName[to]
	if len(found) > 1 {
		if !r.look(t.Pos, len(found)) {
			return nil
		}
		key := sourceKey(t.Table("source"))
		found = slices.DeleteFunc(slices.Clone(found), func(i int) bool {
			return t.Has("version") && t.String("version") != r.lock.Packages[i].Version ||
				t.Has("source") && key != r.keys[i]
		})
	}
	switch len(found) {
	case 1:
		return found
	case 0:
		r.bad(t.KeyPos("name"), "%s depends on %s, which is not in the file", owner, to)
	default:
		r.bad(t.KeyPos("name"), "%s depends on %s, which is in the file several times, and does not say which", owner, to)
	}
	return nil
}
