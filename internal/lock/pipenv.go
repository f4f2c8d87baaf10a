package lock

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// Pipfile.lock lists what each category installs: a version with the hashes of all its files, not their names, and the
// marker under which it is meant. There is no graph. "default" is for production; "develop" is what --dev adds.
// See https://pipenv.pypa.io/en/latest/pipfile.html and https://github.com/pypa/pipfile.
var pipenvFormat = format{name: "pipenv", file: "Pipfile.lock", also: []string{"Pipfile*.lock"}, lock: "pipenv lock", decode: decodePipfile,
	parse: parsePipenv}

const (
	pipfile = "Pipfile"
	// pipfileSpec is the only form of the file that pipenv writes.
	pipfileSpec = 6
	// pipenvMain and pipenvDev are the categories that pipenv knows itself.
	pipenvMain, pipenvDev = "default", "develop"
)

// pipenvReader reads one Pipfile.lock.
type pipenvReader struct {
	*source
	lock    *Lock
	sources map[string]string // addresses of indexes by name
	first   string            // the index of packages that name none
	main    map[string]Dependency
	byName  map[string][]int // packages
}

// decodePipfile reads the lock, which is JSON. The project's name, if it has one, stands in a pyproject.toml.
func decodePipfile(s *source) (err error) {
	if s.lock, err = parseJSON(s.path, s.data); err != nil {
		return diag.List{asProblem(err)}
	}
	s.project, err = s.readProject(".")
	return err
}

// parsePipenv reads a whole Pipfile.lock.
func parsePipenv(s *source) *Lock {
	r := &pipenvReader{source: s, lock: &Lock{Flat: true}, sources: map[string]string{}, main: map[string]Dependency{}, byName: map[string][]int{}}
	meta := s.lock.Table("_meta")
	if spec, _ := meta.Int("pipfile-spec"); spec != pipfileSpec {
		pos := s.lock.Pos
		if meta != nil {
			pos = meta.KeyPos("pipfile-spec")
		}
		s.report(&diag.Error{Pos: pos, Code: "lock-version",
			What: "lithe reads pipfile-spec 6 of Pipfile.lock, and this file has " + cmp.Or(versionText(meta.Value("pipfile-spec")), "none"),
			Hint: "run `pipenv lock` with a Pipenv of today"})
		return r.lock
	}
	r.readSources(meta)
	root := r.root()
	categories := slices.DeleteFunc(s.lock.Keys(), func(key string) bool { return key == "_meta" || key == pipenvMain })
	if len(categories) > maxGroups {
		r.bad(s.lock.Pos, "more than %d categories", maxGroups)
		return r.lock
	}
	for _, category := range append([]string{pipenvMain}, categories...) {
		if !s.lock.Has(category) {
			continue
		}
		entries, ok := s.lock.Value(category).AsTable()
		if !ok {
			r.bad(s.lock.KeyPos(category), "%s is a %s, not a table of packages", category, s.lock.Value(category).Kind())
			continue
		}
		r.readCategory(&root, category, entries)
	}
	r.checkGroups(&root)
	r.lock.Root = len(r.lock.Packages)
	r.lock.Members = []int{r.lock.Root}
	r.lock.Packages = append(r.lock.Packages, root)
	if len(s.problems) == 0 {
		r.checkFresh(meta.Table("hash"))
	}
	return r.lock
}

// readSources reads the indexes. pipenv asks the first for what names none.
func (r *pipenvReader) readSources(meta *toml.Table) {
	for i, t := range meta.Tables("sources") {
		if verify, ok := t.Bool("verify_ssl"); ok && !verify {
			r.warn(t.KeyPos("verify_ssl"), "verify-ssl", "verify_ssl = false is not followed: lithe checks the certificate of %s all the same", quoted(t.String("name")))
		}
		address := r.knowIndex(t.String("name"), t.String("url"), t.KeyPos("url"))
		r.sources[t.String("name")] = address
		if i == 0 {
			r.first = address
		}
	}
}

// root is the project, which the file does not list.
func (r *pipenvReader) root() Package {
	project := r.project.Table("project")
	r.lock.RequiresPython, r.lock.RequiresPythonPos = r.projectPython()
	return Package{Name: name.Normalize(project.String("name")), Version: project.String("version"), Pos: diag.Position{File: r.path, Line: 1},
		Source: Source{Kind: Virtual, Path: "."}}
}

// readCategory makes edges to the packages of a category.
func (r *pipenvReader) readCategory(root *Package, category string, entries *toml.Table) {
	if category != pipenvMain {
		if g := r.rootGroup(root, name.Normalize(category)); g != nil {
			g.Default = category == pipenvDev
		}
	}
	for _, key := range entries.Keys() {
		d, ok := r.readEntry(key, entries.KeyPos(key), entries.Value(key))
		switch {
		case !ok:
		case category == pipenvMain:
			r.main[d.Name] = d
			root.Dependencies = append(root.Dependencies, d)
		case r.overridden(d):
		default:
			r.addTo(root, name.Normalize(category), d)
		}
	}
}

// overridden tells whether the category for production has the package, too, and another version of it or under another
// marker: that is then what pipenv takes for all categories. See generate_requirements in pipenv/routines/requirements.py.
func (r *pipenvReader) overridden(d Dependency) bool {
	main, ok := r.main[d.Name]
	return ok && (main.To[0] != d.To[0] || !main.Marker.Equal(d.Marker))
}

// readEntry reads one package. A version alone may stand for the table.
func (r *pipenvReader) readEntry(key string, pos diag.Position, v *toml.Value) (Dependency, bool) {
	t, ok := v.AsTable()
	text, isText := v.Str()
	if !ok && !isText || !name.Valid(key) {
		r.bad(pos, "%s is no package with a version", quoted(key))
		return Dependency{}, false
	}
	p := Package{Name: name.Normalize(key), Pos: pos}
	p.Source.Pos = pos
	before := len(r.problems)
	r.readSource(&p, t)
	if p.Source.Kind == Registry {
		r.readVersion(&p, cmp.Or(text, t.String("version")), t)
	}
	d := Dependency{Name: p.Name, Extras: names(t.Strings("extras")), Marker: r.entryMarker(t), Pos: pos}
	if len(r.problems) > before {
		return d, false
	}
	to, added := r.addPackage(r.byName, r.lock, &p)
	d.To = []int{to}
	return d, added
}

// readVersion reads the version and hashes of a package of an index.
func (r *pipenvReader) readVersion(p *Package, written string, t *toml.Table) {
	release, ok := strings.CutPrefix(written, "==")
	if !ok || strings.ContainsAny(release, "*,") || release == "" {
		r.bad(p.Pos, "%s is locked at %q, which is no version", p.Name, written)
		return
	}
	p.Version = strings.TrimSpace(strings.TrimPrefix(release, "="))
	for _, v := range t.Value("hashes").Array() {
		hash, _ := v.Str()
		if hash = strings.ToLower(hash); strings.HasPrefix(hash, "sha256:") {
			p.Hashes = append(p.Hashes, hash)
		}
	}
	slices.Sort(p.Hashes)
	p.Hashes = slices.Compact(p.Hashes)
}

// readSource reads where a package comes from: an index by its name, a repository, or a file or folder.
func (r *pipenvReader) readSource(p *Package, t *toml.Table) {
	p.Source.Kind, p.Source.URL = Registry, r.first
	if index := t.String("index"); index != "" {
		address, ok := r.sources[index]
		if !ok {
			r.bad(t.KeyPos("index"), "%s is from the index %s, which is not among the sources", p.Name, quoted(index))
		}
		p.Source.URL, p.Source.Index = address, index
	}
	for _, key := range []string{"hg", "svn", "bzr"} {
		if t.Has(key) {
			r.report(&diag.Error{Pos: p.Pos, Code: "unsupported-vcs", What: p.Name + " comes from " + key + ", and lithe reads git only",
				Hint: "lock a release of it that an index has"})
		}
	}
	switch {
	case t.Has("git"):
		p.Source = Source{Kind: Git, URL: strings.TrimPrefix(t.String("git"), "git+"), Commit: t.String("ref"), Subdirectory: t.String("subdirectory"), Pos: p.Pos}
		r.checkGit(p)
	case t.Has("path") || t.Has("file"):
		r.readLocal(p, t)
	}
}

// readLocal reads a file by its address or path, or a folder.
func (r *pipenvReader) readLocal(p *Package, t *toml.Table) {
	written := cmp.Or(t.String("path"), t.String("file"))
	p.Source = Source{Subdirectory: t.String("subdirectory"), Pos: p.Pos}
	hash := ""
	if hashes := t.Strings("hashes"); len(hashes) == 1 {
		hash = strings.ToLower(hashes[0])
	}
	file := path.Base(cleanPath(written))
	switch address := addressOf(written); {
	case address != "" && !strings.HasPrefix(address, "file:"):
		p.Source.Kind, p.Source.URL = URL, written
		if what := unsafeURL(withoutVariables(written)); what != "" {
			r.tampered(p.Pos, "%s: the address %q %s", p.Name, written, what)
		}
		_, p.Version = fileProject(urlFile(written))
		r.addFile(p, File{Name: urlFile(written), URL: written, Hash: hash, Pos: p.Pos})
	case strings.HasSuffix(file, ".whl") || sdistSuffix(file) != "":
		p.Source.Kind, p.Source.Path = Archive, cleanPath(strings.TrimPrefix(written, "file://"))
		_, p.Version = fileProject(file)
		r.addFile(p, File{Name: file, Path: p.Source.Path, Hash: hash, Pos: p.Pos})
	default:
		p.Source.Kind, p.Source.Path = Directory, cleanPath(strings.TrimPrefix(written, "file://"))
		if editable, _ := t.Bool("editable"); editable {
			p.Source.Kind = Editable
		}
	}
}

// pipenvMarkers are the names of markers that may be keys of their own: {os_name = "== 'nt'"}.
var pipenvMarkers = []string{"os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
	"platform_system", "platform_version", "python_version", "python_full_version", "implementation_name", "implementation_version"}

// entryMarker joins all that stands in the entry.
func (r *pipenvReader) entryMarker(t *toml.Table) marker.Marker {
	m := r.marker(t, "markers").And(r.marker(t, "os_markers"))
	for _, key := range pipenvMarkers {
		if v := t.Value(key); v != nil {
			text, _ := v.Str()
			m = m.And(r.markerOf(&toml.Value{Pos: v.Pos, Data: key + " " + text}))
		}
	}
	return m
}
