package lock

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// pdm.lock says of each package, under the strategy inherit_metadata, for which groups and under which marker it is meant;
// without it the way leads from pyproject.toml along the dependencies. A package with extras has an entry of its own
// beside the one without. See https://pdm-project.org/en/latest/usage/lockfile/ and pdm/project/lockfile of PDM itself.
var pdmFormat = format{name: "pdm", file: "pdm.lock", lock: "pdm lock", parse: parsePDM}

const (
	// pdmMajor and pdmMinor are the newest known lock_version; PDM refuses files of later ones, too.
	pdmMajor, pdmMinor = 4, 5
	// pdmMain is what PDM calls the project's own dependencies.
	pdmMain = "default"
)

// pdmReader reads one pdm.lock.
type pdmReader struct {
	*source
	lock     *Lock
	tables   []*toml.Table
	at       []int            // the package of each table
	byKey    map[string]int   // packages by name, version and source
	byName   map[string][]int // the newest version first
	versions []version.Version
	files    *toml.Table // [metadata.files], where files stood before 4.4
	index    string      // for packages that no source claims
	claims   pdmClaims
	sections pdmSections
	extraAt  map[string]int // extras of the project
	spent    int            // requirements of the project that were read
}

// pdmClaims are the sources that name the packages they are for, in their order.
type pdmClaims struct {
	sources []pdmSource
	exact   map[string]int // by what is no pattern
	globs   []pdmGlob
}

type pdmSource struct{ name, url string }

type pdmGlob struct {
	pattern string
	source  int
}

// maxGlobs is how many patterns of names there may be: each package is compared with each.
const maxGlobs = 100

// add adds a source with its patterns, and tells whether there are too many.
func (c *pdmClaims) add(s pdmSource, patterns []string) (ok bool) {
	if c.exact == nil {
		c.exact = map[string]int{}
	}
	for _, p := range patterns {
		if strings.ContainsAny(p, `*?[\`) {
			c.globs = append(c.globs, pdmGlob{p, len(c.sources)})
		} else if _, known := c.exact[p]; !known {
			c.exact[p] = len(c.sources)
		}
	}
	c.sources = append(c.sources, s)
	return len(c.globs) <= maxGlobs
}

// find returns the first source that claims a project.
func (c *pdmClaims) find(project string) (s pdmSource, ok bool) {
	best, ok := c.exact[project]
	for _, g := range c.globs[:min(len(c.globs), maxGlobs)] {
		if ok && g.source >= best {
			break
		}
		if matched, err := path.Match(g.pattern, project); err == nil && matched {
			best, ok = g.source, true
		}
	}
	if !ok {
		return s, false
	}
	return c.sources[best], true
}

// parsePDM reads a whole pdm.lock.
func parsePDM(s *source) *Lock {
	r := &pdmReader{source: s, lock: &Lock{}, byKey: map[string]int{}, byName: map[string][]int{}, tables: s.lock.Tables("package")}
	metadata := s.lock.Table("metadata")
	if !r.readVersion(metadata) {
		return r.lock
	}
	strategy := metadata.Strings("strategy")
	r.lock.Flat = slices.Contains(strategy, "inherit_metadata")
	r.files = metadata.Table("files")
	r.readSources()
	r.readTargets(metadata)
	for _, t := range r.tables {
		r.readPackage(t)
	}
	r.versions = newestFirst(r.lock.Packages, r.byName)
	for i, t := range r.tables {
		r.readEdges(&r.lock.Packages[r.at[i]], t)
	}
	root := r.root(metadata)
	r.lock.Root = len(r.lock.Packages)
	r.lock.Members = []int{r.lock.Root}
	r.lock.Packages = append(r.lock.Packages, root)
	if len(s.problems) == 0 {
		r.checkFresh(metadata)
	}
	return r.lock
}

// readVersion refuses what this reader cannot know.
func (r *pdmReader) readVersion(metadata *toml.Table) bool {
	written := metadata.String("lock_version")
	v, err := version.Parse(written)
	switch {
	case metadata == nil:
		r.bad(r.source.lock.Pos, "%s has no [metadata]", r.path)
	case err != nil:
		r.bad(metadata.KeyPos("lock_version"), "lock_version %q is no version", written)
	case v.Major() != pdmMajor || v.Minor() > pdmMinor:
		r.report(&diag.Error{Pos: metadata.KeyPos("lock_version"), Code: "lock-version",
			What: "lithe reads lock_version 4.0 to 4.5 of pdm.lock, and this file has " + written, Hint: "run `pdm lock`, or look for a newer lithe"})
	default:
		return true
	}
	return false
}

// readSources reads the indexes of the project. PDM asks all of them; one called pypi stands for PyPI, and one with
// include_packages is for these.
func (r *pdmReader) readSources() {
	for _, t := range r.project.Table("tool", "pdm").Tables("source") {
		if t.String("url") == "" || t.String("type") == "find_links" {
			continue
		}
		address := r.knowIndex(t.String("name"), t.String("url"), t.KeyPos("url"))
		switch included := t.Strings("include_packages"); {
		case len(included) > 0:
			if !r.claims.add(pdmSource{t.String("name"), address}, included) {
				r.bad(t.KeyPos("include_packages"), "the sources of the project have more than %d patterns", maxGlobs)
			}
		case t.String("name") == "pypi":
			r.index = address
		default:
			r.lock.ExtraIndexes = append(r.lock.ExtraIndexes, address)
		}
	}
}

// indexOf returns the index of a package, and its name where the project says that the package is of it.
func (r *pdmReader) indexOf(project string) (address, label string) {
	if s, ok := r.claims.find(project); ok {
		return s.url, s.name
	}
	return r.index, ""
}

// readTargets reads the Pythons and platforms that the file was resolved for; none means any.
func (r *pdmReader) readTargets(metadata *toml.Table) {
	targets := metadata.Tables("targets")
	r.lock.RequiresPythonPos = metadata.KeyPos("targets")
	any, bound := false, false
	for _, t := range targets {
		c := r.specifiers(t, "requires_python")
		any = any || c == nil
		r.lock.RequiresPython = append(r.lock.RequiresPython, c...)
		m := r.platformOf(t)
		if implementation := t.String("implementation"); implementation != "" {
			m = m.And(r.markerOf(&toml.Value{Pos: t.KeyPos("implementation"), Data: "implementation_name == '" + strings.ReplaceAll(implementation, "'", "") + "'"}))
		}
		bound = bound || !m.IsZero()
		r.lock.Environments = append(r.lock.Environments, m)
	}
	if any {
		r.lock.RequiresPython = nil
	}
	if !bound {
		r.lock.Environments = nil
	}
}

// platformOf writes a platform of PDM ("linux", "manylinux_2_28_x86_64", "macos_12_0_arm64", "windows") as a marker.
func (r *pdmReader) platformOf(t *toml.Table) marker.Marker {
	written := t.String("platform")
	text := ""
	switch {
	case written == "":
		return marker.Marker{}
	case strings.HasPrefix(written, "macos"):
		text = "sys_platform == 'darwin'"
	case strings.HasPrefix(written, "windows"):
		text = "sys_platform == 'win32'"
	default:
		text = "sys_platform == 'linux'"
	}
	for _, machine := range []string{"x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x"} {
		if strings.HasSuffix(written, "_"+machine) {
			text += " and platform_machine == '" + machine + "'"
		}
	}
	return r.markerOf(&toml.Value{Pos: t.KeyPos("platform"), Data: text})
}

// readPackage reads all of a package but its edges. An entry with extras is of the same package as the one without.
func (r *pdmReader) readPackage(t *toml.Table) {
	p := Package{Name: r.name(t), Version: t.String("version"), Pos: t.KeyPos("name")}
	p.RequiresPython = r.specifiers(t, "requires_python")
	if m := r.marker(t, "marker"); !m.IsZero() && !r.lock.Flat {
		p.Markers = []marker.Marker{m}
	}
	r.readSource(&p, t)
	key := strings.Join([]string{p.Name, p.Version, p.Source.URL, p.Source.Path, p.Source.Commit}, "\x00")
	if i, ok := r.byKey[key]; ok {
		r.at = append(r.at, i)
		return
	}
	r.readFiles(&p, t)
	r.byKey[key] = len(r.lock.Packages)
	r.at = append(r.at, len(r.lock.Packages))
	r.enter(r.byName, len(r.lock.Packages), &p, func(int) bool { return false })
	r.lock.Packages = append(r.lock.Packages, p)
}

// readSource reads where a package comes from.
func (r *pdmReader) readSource(p *Package, t *toml.Table) {
	p.Source = Source{Kind: Registry, Pos: p.Pos}
	p.Source.URL, p.Source.Index = r.indexOf(p.Name)
	for _, key := range []string{"hg", "svn", "bzr"} {
		if t.Has(key) {
			r.report(&diag.Error{Pos: p.Pos, Code: "unsupported-vcs", What: p.Name + " comes from " + key + ", and lithe reads git only",
				Hint: "lock a release of it that an index has"})
		}
	}
	address := t.String("url")
	local := cleanPath(t.String("path"))
	if rest, ok := strings.CutPrefix(address, "file:///${PROJECT_ROOT}/"); ok {
		address, local = "", cleanPath(rest)
	}
	editable, _ := t.Bool("editable")
	switch {
	case t.Has("git"):
		p.Source = Source{Kind: Git, URL: t.String("git"), Reference: t.String("ref"), Commit: t.String("revision"),
			Subdirectory: t.String("subdirectory"), Pos: p.Pos}
		r.checkGit(p)
	case address != "":
		p.Source = Source{Kind: URL, URL: address, Subdirectory: t.String("subdirectory"), Pos: p.Pos}
		if what := unsafeURL(withoutVariables(address)); what != "" {
			r.tampered(p.Pos, "%s: the address %q %s", p.Name, address, what)
		}
	case local == "." && !t.Has("path"):
	case strings.HasSuffix(local, ".whl") || sdistSuffix(local) != "":
		p.Source = Source{Kind: Archive, Path: local, Pos: p.Pos}
	case editable:
		p.Source = Source{Kind: Editable, Path: local, Pos: p.Pos}
	default:
		p.Source = Source{Kind: Directory, Path: local, Subdirectory: t.String("subdirectory"), Pos: p.Pos}
	}
}

// readFiles reads the files of a package from where its generation has them.
func (r *pdmReader) readFiles(p *Package, t *toml.Table) {
	list := t.Value("files")
	if list == nil {
		list = r.files.Value(t.String("name") + " " + p.Version)
	}
	if p.Source.Kind == Git || p.Source.Kind == Directory || p.Source.Kind == Editable {
		return
	}
	for _, v := range list.Array() {
		entry, ok := v.AsTable()
		if !ok {
			r.bad(v.Pos, "a file of %s is a table, not a %s", p.Name, v.Kind())
			continue
		}
		f := File{Name: entry.String("file"), URL: entry.String("url"), Hash: entry.String("hash"), Pos: v.Pos}
		if p.Source.Kind == URL && f.URL == "" {
			f.URL = p.Source.URL
		}
		if p.Source.Kind == Archive {
			f.Path, f.Name = p.Source.Path, path.Base(p.Source.Path)
		}
		if f.Name == "" {
			f.Name = urlFile(f.URL)
		}
		r.addFile(p, f)
	}
}

// readEdges reads what an entry depends on. That of an entry with extras belongs to them together.
func (r *pdmReader) readEdges(p *Package, t *toml.Table) {
	var edges []Dependency
	for _, v := range t.Value("dependencies").Array() {
		text, _ := v.Str()
		if d, ok := r.edge(v, text); ok {
			edges = append(edges, d)
		}
	}
	extras := names(t.Strings("extras"))
	if len(extras) == 0 || r.lock.Flat {
		p.Dependencies = append(p.Dependencies, edges...)
		return
	}
	key := extraKey(extras)
	p.Extras = withGroup(p.Extras, key)
	g := p.Extra(key)
	g.Dependencies = append(g.Dependencies, edges...)
	r.checkGroups(p)
}

// extraKey is the name of several extras that one entry has together. No extra has a plus in its name.
func extraKey(extras []string) string {
	return strings.Join(slices.Compact(sorted(extras)), "+")
}
