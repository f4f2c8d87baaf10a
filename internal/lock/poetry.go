package lock

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// poetry.lock has had three generations. Since 2.1 each package says for which groups and under which markers it is
// meant, and no walk is needed. Before, the way leads from pyproject.toml along the dependencies; and in 1.x the
// hashes stand apart from the packages. See https://python-poetry.org/docs/basic-usage/#committing-your-poetrylock-file.
var poetryFormat = format{name: "poetry", file: "poetry.lock", lock: "poetry lock", parse: parsePoetry}

// poetryReader reads one poetry.lock.
type poetryReader struct {
	*source
	lock   *Lock
	tables []*toml.Table    // of the packages
	byName map[string][]int // packages, the newest version first
	files  *toml.Table      // [metadata.files] of 1.x

	versions []version.Version // of the packages; zero for what is no version
	listed   int               // by extras so far
}

// parsePoetry reads a whole poetry.lock. The version comes first, as it decides which generation the file is of; edges
// come after all packages and after these were put in order, since an edge prefers the newest version that fits.
func parsePoetry(s *source) *Lock {
	r := &poetryReader{source: s, lock: &Lock{}, byName: map[string][]int{}, tables: s.lock.Tables("package")}
	metadata := s.lock.Table("metadata")
	if !r.readVersion(metadata) {
		return r.lock
	}
	r.files = metadata.Table("files")
	r.lock.RequiresPython = r.constraint(metadata, "python-versions")
	r.lock.RequiresPythonPos = metadata.KeyPos("python-versions")
	for _, t := range r.tables {
		r.readPackage(t)
	}
	r.versions = newestFirst(r.lock.Packages, r.byName)
	for i, t := range r.tables {
		r.readEdges(&r.lock.Packages[i], t)
		r.checkGroups(&r.lock.Packages[i])
	}
	r.addRoot()
	s.nameIndexes(s.project.Table("tool", "poetry").Tables("source"))
	if len(s.problems) == 0 {
		r.checkFresh(metadata)
	}
	return r.lock
}

// readVersion refuses what this reader cannot know, and tells whether the file is flat.
func (r *poetryReader) readVersion(metadata *toml.Table) bool {
	written := metadata.String("lock-version")
	v, err := version.Parse(written)
	switch {
	case metadata == nil:
		r.bad(r.source.lock.Pos, "%s has no [metadata]", r.path)
		return false
	case err != nil:
		r.bad(metadata.KeyPos("lock-version"), "lock-version %q is no version", written)
		return false
	case v.Major() < 1 || v.Major() > 2:
		r.report(&diag.Error{Pos: metadata.KeyPos("lock-version"), Code: "lock-version",
			What: "lithe reads lock-version 1 and 2 of poetry.lock, and this file has " + written,
			Hint: "look for a newer lithe, or run `poetry lock`"})
		return false
	case v.Major() == 2 && v.Minor() > 1:
		r.warn(metadata.KeyPos("lock-version"), "lock-version", "lock-version %s of poetry.lock is newer than this lithe", written)
	}
	r.lock.Flat = v.Compare(version.MustParse("2.1")) >= 0
	return true
}

// readPackage reads all of a package but its edges. The Pythons of a package are taken from the file, though only
// generations before 2.1 decide by them: there two versions of a name may differ in nothing else.
func (r *poetryReader) readPackage(t *toml.Table) {
	p := Package{Name: r.name(t), Version: t.String("version"), Pos: t.KeyPos("name")}
	p.RequiresPython = r.constraint(t, "python-versions")
	r.readSource(&p, t.Table("source"))
	r.readFiles(&p, t)
	r.enter(r.byName, len(r.lock.Packages), &p, func(i int) bool { return samePackage(r.lock.Packages[i], p) })
	r.lock.Packages = append(r.lock.Packages, p)
}

// samePackage compares version and source of two packages of one name.
func samePackage(a, b Package) bool {
	a.Source.Pos = b.Source.Pos
	return a.Version == b.Version && a.Source == b.Source
}

// readSource reads where a package comes from. No source means PyPI, or the first index that the project configures;
// "legacy" is what Poetry calls any other index.
func (r *poetryReader) readSource(p *Package, t *toml.Table) {
	p.Source.Kind = Registry
	if t == nil {
		return
	}
	p.Source.Pos = t.Pos
	address := t.String("url")
	switch kind := t.String("type"); kind {
	case "legacy":
		p.Source.URL, p.Source.Index = address, t.String("reference")
	case "git":
		p.Source.Kind, p.Source.URL, p.Source.Subdirectory = Git, address, t.String("subdirectory")
		p.Source.Reference = t.String("reference")
		if p.Source.Commit = t.String("resolved_reference"); p.Source.Commit == "" {
			p.Source.Commit = p.Source.Reference // before Poetry 1.1.9 the commit stood there
		}
		r.checkGit(p)
	case "url":
		p.Source.Kind, p.Source.URL, p.Source.Subdirectory = URL, address, t.String("subdirectory")
		if what := unsafeURL(address); what != "" {
			r.tampered(p.Source.Pos, "%s: the address %q %s", p.Name, address, what)
		}
	case "file":
		p.Source.Kind, p.Source.Path = Archive, cleanPath(address)
	case "directory":
		p.Source.Kind, p.Source.Path, p.Source.Subdirectory = Directory, cleanPath(address), t.String("subdirectory")
	default:
		r.bad(t.KeyPos("type"), "%s has a source of the type %q, which lithe does not know", p.Name, kind)
	}
}

// readFiles reads the files of a package from where its generation has them.
func (r *poetryReader) readFiles(p *Package, t *toml.Table) {
	if t.Has("files") {
		files := t.Value("files").Array()
		p.Files = slices.Grow(p.Files, len(files))
		for _, v := range files {
			r.readFile(p, v)
		}
		return
	}
	// [metadata.files] has one list for all versions of a name, so a file of another version is no mistake there.
	list := r.files.Value(t.String("name"))
	if list == nil {
		list = r.files.Value(p.Name)
	}
	for _, v := range list.Array() {
		entry, _ := v.AsTable()
		if file := entry.String("file"); len(list.Array()) > 1 && unsafeName(file) == "" && r.otherVersion(p, file) {
			continue
		}
		r.readFile(p, v)
	}
}

// otherVersion tells whether a file belongs to another locked version of the package.
func (r *poetryReader) otherVersion(p *Package, file string) bool {
	probe := &source{format: r.format}
	probe.addFile(&Package{Name: p.Name, Version: p.Version}, File{Name: file})
	return len(probe.problems) > 0 && strings.Contains(probe.problems[0].What, "is locked at")
}

// readFile reads one file. Of a package that is one file on disk, only that file counts, whatever else the index had.
func (r *poetryReader) readFile(p *Package, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		r.bad(v.Pos, "a file of %s is a table, not a %s", p.Name, v.Kind())
		return
	}
	f := File{Name: t.String("file"), Hash: t.String("hash"), URL: t.String("url"), Pos: v.Pos}
	switch {
	case p.Source.Kind == URL && f.URL == "":
		f.URL = p.Source.URL
	case p.Source.Kind == Archive:
		f.Path = p.Source.Path
		if f.Name != path.Base(f.Path) {
			return
		}
	}
	r.addFile(p, f)
}

// readEdges reads what a package depends on, be it locked or the project. An optional dependency belongs to the extras
// that name it; one that no extra names is never installed. The entry "python", which only a project has, is no
// dependency but the requirement on the interpreter.
func (r *poetryReader) readEdges(p *Package, t *toml.Table) {
	dependencies := t.Table("dependencies")
	optional := map[string][]Dependency{}
	for _, key := range dependencies.Keys() {
		if name.Normalize(key) == "python" {
			continue
		}
		for _, e := range r.edges(key, dependencies.Value(key)) {
			if e.optional {
				optional[e.Name] = append(optional[e.Name], e.Dependency)
				continue
			}
			p.Dependencies = append(p.Dependencies, e.Dependency)
		}
	}
	r.readExtras(p, t.Table("extras"), optional)
}

// maxListed is how many requirements the extras of all packages list, with those of extras that they refer to. Large files have
// some ten thousand.
const maxListed = 1_000_000

// readExtras reads what extras add.
func (r *poetryReader) readExtras(p *Package, extras *toml.Table, optional map[string][]Dependency) {
	keys := extras.Keys()
	if len(keys) > maxGroups {
		r.bad(p.Pos, "%s has more than %d extras or groups", p.Name, maxGroups)
		return
	}
	for _, key := range keys {
		extra := Group{Name: name.Normalize(key)}
		for _, wanted := range r.extraNames(p, extras, key) {
			if r.listed += len(optional[wanted]); r.listed <= maxListed {
				extra.Dependencies = append(extra.Dependencies, optional[wanted]...)
			}
		}
		p.Extras = append(p.Extras, extra)
	}
}

// extraNames returns the names that an extra lists, with those of other extras of the package that it refers to.
func (r *poetryReader) extraNames(p *Package, extras *toml.Table, key string) []string {
	var out []string
	done, seen := map[string]bool{}, map[string]bool{p.Name: true}
	for todo := []string{key}; len(todo) > 0; todo = todo[1:] {
		extra := todo[0]
		if done[extra] {
			continue
		}
		done[extra] = true
		list := extras.Strings(extra)
		if r.listed += 1 + len(list); r.listed > maxListed {
			r.bad(extras.KeyPos(key), "the extras of all packages list more than %d requirements", maxListed)
			return nil
		}
		for _, text := range list {
			listed, inner := looseRequirement(text)
			if !seen[listed] {
				out = append(out, listed)
			}
			seen[listed] = true
			if listed == p.Name {
				todo = append(todo, inner...)
			}
		}
	}
	return out
}

// looseRequirement reads name and extras of "name[extra] (>=1) ; marker", which is not always valid PEP 508.
func looseRequirement(text string) (string, []string) {
	end := strings.IndexAny(text, " [(<>=!~;@")
	if end < 0 {
		return name.Normalize(text), nil
	}
	listed, rest := name.Normalize(text[:end]), strings.TrimSpace(text[end:])
	inner, ok := strings.CutPrefix(rest, "[")
	if !ok {
		return listed, nil
	}
	inner, _, _ = strings.Cut(inner, "]")
	var extras []string
	for extra := range strings.SplitSeq(inner, ",") {
		extras = append(extras, strings.TrimSpace(extra))
	}
	return listed, extras
}

// groupMarker returns the marker under which the package is meant for a group: one for all, or a table by group.
func (r *poetryReader) groupMarker(t *toml.Table, group string) marker.Marker {
	byGroup, ok := t.Value("markers").AsTable()
	if !ok {
		return r.marker(t, "markers")
	}
	return r.marker(byGroup, group)
}
