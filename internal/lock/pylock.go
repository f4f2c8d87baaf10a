package lock

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// pylock.toml lists what to install with the marker under which each package is meant; nothing is resolved or walked. The
// markers know which extras and groups are asked for. Where the standard leaves a choice we do as packaging.pylock does.
// See https://packaging.python.org/en/latest/specifications/pylock-toml/.
var pylockFormat = format{name: "pylock", file: "pylock.toml", also: []string{"pylock.*.toml"},
	lock: "uv export --format pylock.toml -o pylock.toml", parse: parsePylock}

// pylockReader reads one pylock.toml.
type pylockReader struct {
	*source
	lock *Lock
}

// parsePylock reads a whole pylock.toml. The version comes first, since another major one may mean anything by the rest.
func parsePylock(s *source) *Lock {
	r := &pylockReader{source: s, lock: &Lock{Flat: true, Strict: true}}
	top := s.lock
	if !r.readVersion(top) {
		return r.lock
	}
	for _, key := range []string{"created-by", "packages"} {
		if !top.Has(key) {
			r.bad(top.Pos, "%s has no %s", r.path, key)
		}
	}
	r.lock.RequiresPython, r.lock.RequiresPythonPos = r.specifiers(top, "requires-python"), top.KeyPos("requires-python")
	r.lock.Environments = r.markerList(top, "environments")
	root := r.root(top)
	for _, v := range r.array(top, "packages") {
		if t, ok := v.AsTable(); ok {
			r.readPackage(&root, t)
		} else {
			r.bad(v.Pos, "a package is a table, not a %s", v.Kind())
		}
	}
	r.explain(top)
	r.lock.Root = len(r.lock.Packages)
	r.lock.Members = []int{r.lock.Root}
	r.lock.Packages = append(r.lock.Packages, root)
	if len(s.problems) == 0 {
		has := func(groups []Group) func(string) bool { return func(n string) bool { return named(groups, n) != nil } }
		s.checkStatic(r.lock, staticParts{has(root.Extras), has(root.Groups)})
	}
	return r.lock
}

// readVersion refuses another major version and warns of a newer minor one, as the standard asks.
func (r *pylockReader) readVersion(top *toml.Table) bool {
	written := top.String("lock-version")
	v, err := version.Parse(written)
	switch {
	case err != nil:
		r.bad(top.KeyPos("lock-version"), "lock-version %q is no version", written)
		return false
	case v.Major() != 1:
		r.report(&diag.Error{Pos: top.KeyPos("lock-version"), Code: "lock-version",
			What: "lithe reads lock-version 1 of pylock.toml, and this file has " + written, Hint: "look for a newer lithe, or lock again"})
		return false
	case v.Minor() > 0:
		r.warn(top.KeyPos("lock-version"), "lock-version", "lock-version %s of pylock.toml is newer than this lithe", written)
	}
	return true
}

// array returns the elements of an array, and reports another type.
func (r *pylockReader) array(t *toml.Table, key string) []*toml.Value {
	v := t.Value(key)
	if v != nil && v.Kind() != "array" {
		r.bad(v.Pos, "%s is a %s, not an array", key, v.Kind())
	}
	return v.Array()
}

// specifiers reads a constraint on Python.
func (s *source) specifiers(t *toml.Table, key string) Constraint {
	c, err := parseSpecifiers(t.String(key))
	if err != nil {
		s.bad(t.KeyPos(key), "%s: %s", key, err)
	}
	return c
}

// root is the project, which the file does not list. Groups that are installed by default belong to every target: a tool
// that puts the project's own dependencies into a group says so by them.
func (r *pylockReader) root(top *toml.Table) Package {
	project := r.project.Table("project")
	root := Package{Name: name.Normalize(project.String("name")), Version: project.String("version"), Pos: top.Pos,
		Source: Source{Kind: Virtual, Path: "."}}
	for _, key := range []string{"extras", "dependency-groups", "default-groups"} {
		if len(top.Value(key).Array()) > maxGroups {
			r.bad(top.KeyPos(key), "more than %d groups or extras", maxGroups)
			return root
		}
	}
	for _, v := range r.array(top, "extras") {
		root.Extras = append(root.Extras, Group{Name: r.normalized(v, "extras")})
	}
	for _, v := range r.array(top, "dependency-groups") {
		root.Groups = append(root.Groups, Group{Name: r.normalized(v, "dependency-groups")})
	}
	for _, v := range r.array(top, "default-groups") {
		n := r.normalized(v, "default-groups")
		root.Groups = withGroup(root.Groups, n)
		if g := root.Group(n); g != nil { // none where the name is a problem already
			g.Default, g.Always = true, true
		}
	}
	r.checkGroups(&root)
	return root
}

// normalized reads a name, which the standard wants in normal form.
func (r *pylockReader) normalized(v *toml.Value, what string) string {
	written, ok := v.Str()
	if !ok || !name.Valid(written) || !name.IsNormalized(written) {
		r.bad(v.Pos, "%s: %q is no name in normal form", what, written)
	}
	return written
}

// pylockSources are the keys of sources that exclude each other and all files.
var pylockSources = []string{"vcs", "directory", "archive"}

// readPackage reads a package and makes the project's edge to it.
func (r *pylockReader) readPackage(root *Package, t *toml.Table) {
	p := Package{Name: r.name(t), Version: t.String("version"), Pos: t.KeyPos("name")}
	if p.Name != "" && p.Name != t.String("name") {
		r.bad(p.Pos, "%q is no name in normal form, which is %q", t.String("name"), p.Name)
	}
	p.RequiresPython = r.specifiers(t, "requires-python")
	p.Source.Pos = p.Pos
	var kinds []string
	for _, key := range pylockSources {
		if t.Has(key) {
			kinds = append(kinds, key)
		}
	}
	files := t.Has("sdist") || len(r.array(t, "wheels")) > 0
	switch {
	case len(kinds) > 1 || len(kinds) == 1 && files:
		r.bad(p.Pos, "%s has more than one source: only one of vcs, directory, archive, or sdist and wheels can be", p.Name)
	case len(kinds) == 0 && !files:
		r.bad(p.Pos, "%s has no source: neither vcs, directory, archive, sdist nor wheels", p.Name)
	case len(kinds) == 0:
		r.readFiles(&p, t)
	default:
		r.readDirect(&p, kinds[0], t.Table(kinds[0]), t.KeyPos(kinds[0]))
	}
	r.checkIdentities(t)
	to := len(r.lock.Packages)
	r.lock.Packages = append(r.lock.Packages, p)
	root.Dependencies = append(root.Dependencies, Dependency{Name: p.Name, Marker: r.marker(t, "marker"), To: []int{to}, Pos: p.Pos})
}

// readFiles reads the files of an index.
func (r *pylockReader) readFiles(p *Package, t *toml.Table) {
	p.Source.Kind, p.Source.URL = Registry, t.String("index")
	if v := t.Value("sdist"); v != nil {
		r.readFile(p, v)
	}
	for _, v := range t.Value("wheels").Array() {
		r.readFile(p, v)
	}
}

// readFile reads one file. Its name stands in `name`, else at the end of the path, else of the address.
func (r *pylockReader) readFile(p *Package, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		r.bad(v.Pos, "a file of %s is a table, not a %s", p.Name, v.Kind())
		return
	}
	f := r.fileOf(p, t, v.Pos)
	f.Name = cmp.Or(t.String("name"), f.Name)
	r.addFile(p, f)
}

// fileOf reads what files and archives have in common.
func (r *pylockReader) fileOf(p *Package, t *toml.Table, pos diag.Position) File {
	f := File{URL: t.String("url"), Hash: r.hash(t), Pos: pos}
	f.Size, _ = t.Int("size")
	f.Size = max(f.Size, 0)
	if written := t.String("path"); written != "" {
		f.Path = cleanPath(written)
	}
	switch {
	case f.Path != "":
		f.Name = path.Base(f.Path)
	case f.URL != "":
		f.Name = urlFile(f.URL)
	case t.String("name") == "":
		r.bad(pos, "a file of %s has neither name, path nor url", p.Name)
	}
	return f
}

// hash returns the strongest hash of a table of them; "" when there is none, which only matters where the file is wanted.
func (r *pylockReader) hash(t *toml.Table) string {
	hashes := t.Table("hashes")
	keys := append([]string{"sha256", "sha384", "sha512"}, slices.Sorted(slices.Values(hashes.Keys()))...)
	for _, key := range keys {
		if digits := hashes.String(key); digits != "" {
			return strings.ToLower(key) + ":" + strings.ToLower(digits)
		}
	}
	return ""
}

// readDirect reads a source that is no file of an index.
func (r *pylockReader) readDirect(p *Package, kind string, t *toml.Table, pos diag.Position) {
	p.Source.Pos, p.Source.Subdirectory = pos, t.String("subdirectory")
	switch kind {
	case "vcs":
		p.Source.Kind, p.Source.URL, p.Source.Reference = Git, t.String("url"), t.String("requested-revision")
		p.Source.Commit = t.String("commit-id")
		if what := t.String("type"); what != "git" {
			r.report(&diag.Error{Pos: pos, Code: "unsupported-vcs", What: p.Name + " comes from " + quoted(what) + ", and lithe reads git only",
				Hint: "lock a release of it that an index has"})
			return
		}
		r.checkGit(p)
	case "directory":
		p.Source.Kind, p.Source.Path = Directory, cleanPath(t.String("path"))
		if editable, _ := t.Bool("editable"); editable {
			p.Source.Kind = Editable
		}
		if !t.Has("path") {
			r.bad(pos, "the directory of %s has no path", p.Name)
		}
	default:
		r.readArchive(p, t, pos)
	}
}

// readArchive reads a file that no index has. Archives of repositories are called after a branch or tag, so the name is
// made of the package's own.
func (r *pylockReader) readArchive(p *Package, t *toml.Table, pos diag.Position) {
	f := r.fileOf(p, t, pos)
	p.Source.Kind, p.Source.URL = URL, f.URL
	if f.Path != "" {
		p.Source.Kind, p.Source.URL, p.Source.Path = Archive, "", f.Path
	}
	suffix := sdistSuffix(f.Name)
	if suffix != "" && foreign(p, f, suffix) != "" {
		f.Name = p.Name + "-" + cmp.Or(p.Version, "0") + suffix
	}
	r.addFile(p, f)
}

// checkIdentities checks the form of identities that a publisher attests; nobody here asks them.
func (r *pylockReader) checkIdentities(t *toml.Table) {
	for _, identity := range t.Tables("attestation-identities") {
		if identity.String("kind") == "" {
			r.bad(identity.Pos, "an attestation identity has no kind, which is a text")
		}
	}
}

// maxExplained is how many packages of one name an edge that decides nothing leads to.
const maxExplained = 20

// explain adds the edges between packages, which decide nothing, for who wants to know why a package is there.
func (r *pylockReader) explain(top *toml.Table) {
	byName := map[string][]int{}
	for i := range r.lock.Packages {
		if n := r.lock.Packages[i].Name; len(byName[n]) < maxExplained {
			byName[n] = append(byName[n], i)
		}
	}
	at := 0
	for _, v := range top.Value("packages").Array() {
		t, ok := v.AsTable()
		if !ok {
			continue
		}
		p := &r.lock.Packages[at]
		at++
		for _, d := range t.Tables("dependencies") {
			if to := byName[name.Normalize(d.String("name"))]; len(to) > 0 {
				p.Dependencies = append(p.Dependencies, Dependency{Name: name.Normalize(d.String("name")), To: to, Pos: d.Pos})
			}
		}
	}
}
