package lock

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// rootPackage is the project that the requirements are of.
func (r *requirementsReader) rootPackage() Package {
	project := r.project.Table("project")
	root := Package{Name: name.Normalize(project.String("name")), Version: project.String("version"),
		Pos: diag.Position{File: r.path, Line: 1}, Source: Source{Kind: Virtual, Path: "."}}
	r.lock.RequiresPython, r.lock.RequiresPythonPos = r.projectPython()
	return root
}

// projectPython is requires-python of pyproject.toml, for formats that have none. What cannot be read is the project
// stage's to report.
func (s *source) projectPython() (Constraint, diag.Position) {
	project := s.project.Table("project")
	c, err := parseSpecifiers(project.String("requires-python"))
	if err != nil {
		return nil, diag.Position{}
	}
	return c, project.KeyPos("requires-python")
}

// checkHashes reports a file that is no lock at all in one sentence, since a problem for each line would help nobody.
func (r *requirementsReader) checkHashes() {
	var without []*entry
	for i := range r.entries {
		e := &r.entries[i]
		r.limit(e)
		if len(e.hashes) == 0 && e.local == "" && e.URL == "" {
			without = append(without, e)
		}
	}
	if r.unhashed || len(without) < 2 || len(without) < len(r.entries) {
		return
	}
	for _, e := range without {
		e.broken = true
	}
	r.report(&diag.Error{Pos: without[0].pos, Code: "hash-missing",
		What: fmt.Sprintf("%s has no hashes: %s and %d more could be any file", r.path, without[0].text, len(without)-1),
		Hint: pinHint})
}

// hashHint is for files and addresses, which nothing but a hash in the file vouches for.
const hashHint = "write hashes with `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`"

// pinHint is for pins of an index, which can do without.
const pinHint = hashHint + ", or set `allow-unhashed = true`: lithe.lock then keeps the hashes that the index has now"

// limit applies constraints of the same name: what they ask for, and hashes where the requirement has none.
func (r *requirementsReader) limit(e *entry) {
	if e.Name == "" {
		return
	}
	e.Specifiers = slices.Clip(e.Specifiers)
	for _, c := range r.constraints[name.Normalize(e.Name)] {
		if !c.Marker.IsZero() && !c.Marker.Equal(e.Marker) {
			continue
		}
		if !r.look(c.pos, 1+10*len(c.Specifiers)+len(c.hashes)+len(e.hashes)) {
			return
		}
		e.Specifiers = append(e.Specifiers, c.Specifiers...)
		switch {
		case len(e.hashes) == 0:
			e.hashes = c.hashes
		case len(c.hashes) > 0:
			e.hashes = slices.DeleteFunc(slices.Clone(e.hashes), func(h string) bool {
				_, ok := slices.BinarySearch(c.hashes, h)
				return !ok
			})
			if len(e.hashes) == 0 {
				r.bad(e.pos, "%s has no hash in common with %s", e.text, c.pos)
			}
		}
	}
}

// addEntry makes a package of a requirement, and the edge to it.
func (r *requirementsReader) addEntry(root *Package, e *entry) {
	p := Package{Name: name.Normalize(e.Name), Pos: e.pos}
	p.Source.Pos = e.pos
	ok := false
	switch {
	case e.local != "":
		ok = r.addLocal(&p, e)
	case strings.Contains(e.text, "${") && e.URL == "":
		r.report(&diag.Error{Pos: e.pos, Code: "variable", What: quoted(e.text) + " depends on an environment variable",
			Hint: "variables may stand in addresses of indexes and files only"})
	case e.URL != "":
		ok = r.addAddress(&p, e)
	default:
		ok = r.addPinned(&p, e)
	}
	if !ok {
		return
	}
	to, ok := r.addPackage(r.byName, r.lock, &p)
	if !ok {
		return
	}
	root.Dependencies = append(root.Dependencies, Dependency{Name: p.Name, Extras: names(e.Extras), Marker: e.Marker, To: []int{to}, Pos: e.pos})
}

// addPackage adds a package to those of its name and returns its place, or that of the one that is the same. Formats that
// list what is installed may list it several times, under several markers.
func (s *source) addPackage(byName map[string][]int, l *Lock, p *Package) (at int, ok bool) {
	for _, i := range byName[p.Name] {
		if o := &l.Packages[i]; o.Version == p.Version && sameSource(o.Source, p.Source) && slices.Equal(o.Hashes, p.Hashes) {
			return i, true
		}
	}
	if len(byName[p.Name]) == maxVersions {
		s.bad(p.Pos, "%s is in the file more than %d times", p.Name, maxVersions)
		return 0, false
	}
	byName[p.Name] = append(byName[p.Name], len(l.Packages))
	l.Packages = append(l.Packages, *p)
	return len(l.Packages) - 1, true
}

// sameSource compares but for the place in the file.
func sameSource(a, b Source) bool {
	a.Pos = b.Pos
	return a == b
}

// addPinned fills in a package of an index.
func (r *requirementsReader) addPinned(p *Package, e *entry) bool {
	var ok bool
	if p.Version, ok = pinned(e); !ok {
		r.report(&diag.Error{Pos: e.pos, Code: "unpinned", What: quoted(e.text) + " is no exact version: a lock pins each project with ==",
			Hint: "lock with `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`"})
		return false
	}
	p.Source.Kind, p.Source.URL = Registry, r.indexes[0]
	p.NoWheels, p.NoSdists = r.noBinary.has(p.Name, r.onlyBinary), r.onlyBinary.has(p.Name, r.noBinary)
	if len(e.hashes) == 0 {
		p.Unhashed = r.unhashed
		r.lock.Unhashed = r.lock.Unhashed || r.unhashed
		if !r.unhashed {
			r.noHash(e, pinHint)
		}
		return r.unhashed
	}
	if p.Hashes = slices.DeleteFunc(slices.Clone(e.hashes), func(h string) bool { return !strings.HasPrefix(h, "sha256:") }); len(p.Hashes) == 0 {
		r.report(&diag.Error{Pos: e.pos, Code: "hash-weak", What: e.text + " has no sha256 hash, by which package indexes tell files", Hint: hashHint})
		return false
	}
	return true
}

// noHash reports a requirement without a hash, unless the one that it has is reported already.
func (r *requirementsReader) noHash(e *entry, hint string) {
	if !e.broken {
		r.report(&diag.Error{Pos: e.pos, Code: "hash-missing", What: e.text + " has no hash", Hint: hint})
	}
}

// pinned returns the one version that the specifiers admit, as it is written.
func pinned(e *entry) (string, bool) {
	found := ""
	for _, s := range e.Specifiers {
		if s.Operator() == "===" || s.Operator() == "==" && !s.Wildcard() {
			found = s.Text()
		}
	}
	v, err := version.Parse(found)
	if found == "" || err == nil && !e.Specifiers.Contains(v, true) {
		return "", false
	}
	return found, true
}

// addAddress fills in a package from an address: a commit of a Git repository, or one file.
func (r *requirementsReader) addAddress(p *Package, e *entry) bool {
	before := len(r.problems)
	scheme, _, _ := strings.Cut(e.URL, "+")
	switch {
	case strings.HasPrefix(e.URL, "file:"):
		e.local = cleanPath(strings.TrimPrefix(strings.TrimPrefix(e.URL, "file://"), "file:"))
		return r.addLocal(p, e)
	case scheme == "git":
		p.Source.Kind, p.Source.URL, p.Source.Subdirectory = Git, requirementAddress(e.URL), fragmentOf(e.URL, "subdirectory")
		p.Source.Commit = revisionOf(e.URL)
		r.checkGit(p)
	case scheme == "hg" || scheme == "svn" || scheme == "bzr":
		r.report(&diag.Error{Pos: e.pos, Code: "unsupported-vcs", What: fmt.Sprintf("%s comes from %s, and lithe reads Git only", p.Name, scheme),
			Hint: "lock a release of it that an index has"})
	default:
		r.addOneFile(p, e)
	}
	return len(r.problems) == before
}

// revisionOf returns what stands behind the "@" of "git+https://host/path@revision#egg=x".
func revisionOf(address string) string {
	address, _, _ = strings.Cut(address, "#")
	at := strings.LastIndexByte(address, '@')
	if at <= strings.LastIndexByte(address, '/') {
		return ""
	}
	return address[at+1:]
}

// addOneFile fills in a package that is one file by its address. A hash may stand in the address itself.
func (r *requirementsReader) addOneFile(p *Package, e *entry) {
	for algorithm, length := range strongHashes {
		if digits := fragmentOf(e.URL, algorithm); len(digits) == length && len(e.hashes) == 0 {
			e.hashes = []string{algorithm + ":" + strings.ToLower(digits)}
		}
	}
	address, _, _ := strings.Cut(e.URL, "#")
	f := File{Name: urlFile(address), URL: address, Pos: e.pos}
	p.Source.Kind, p.Source.URL, p.Source.Subdirectory = URL, address, fragmentOf(e.URL, "subdirectory")
	if what := unsafeURL(withoutVariables(address)); what != "" {
		r.tampered(e.pos, "%s: the address %q %s", p.Name, address, what)
		return
	}
	r.oneHash(p, e, &f)
}

// withoutVariables fills variables in with something harmless, to look at the rest of an address.
func withoutVariables(address string) string {
	return variable.ReplaceAllString(address, "x")
}

// oneHash gives a file its hash and adds it.
func (r *requirementsReader) oneHash(p *Package, e *entry, f *File) {
	switch len(e.hashes) {
	case 0:
		r.noHash(e, hashHint)
		return
	case 1:
		f.Hash = e.hashes[0]
	default:
		r.report(&diag.Error{Pos: e.pos, Code: "hash-ambiguous", What: fmt.Sprintf("%s is one file and has %d hashes", e.text, len(e.hashes)),
			Hint: "leave the one that the file has"})
		return
	}
	_, p.Version = fileProject(f.Name)
	r.addFile(p, *f)
	if len(p.Files) == 0 && len(r.problems) == 0 {
		r.bad(e.pos, "%s: %q is neither a wheel nor a source archive", p.Name, f.Name)
	}
}

// fileProject returns the project and version that the name of a wheel or source archive tells.
func fileProject(file string) (project, release string) {
	if w, err := wheeltag.ParseFilename(file); err == nil {
		return name.Normalize(w.Name), w.Version.String()
	}
	stem := strings.TrimSuffix(file, sdistSuffix(file))
	if stem == file {
		return "", ""
	}
	for i := len(stem) - 1; i > 0; i-- {
		if stem[i] != '-' {
			continue
		}
		if v, err := version.Parse(stem[i+1:]); err == nil {
			return name.Normalize(stem[:i]), v.String()
		}
	}
	return "", ""
}

// addLocal fills in a package of the project's own files. A folder tells its name in its pyproject.toml.
func (r *requirementsReader) addLocal(p *Package, e *entry) bool {
	if e.local == "." {
		return false // the project itself
	}
	before := len(r.problems)
	p.Source.Path = e.local
	file := path.Base(e.local)
	if strings.HasSuffix(file, ".whl") || sdistSuffix(file) != "" {
		p.Source.Kind = Archive
		named, _ := fileProject(file)
		p.Name = cmp.Or(p.Name, named)
		r.oneHash(p, e, &File{Name: file, Path: p.Source.Path, Pos: e.pos})
		return len(r.problems) == before
	}
	p.Source.Kind = Directory
	if e.edit {
		p.Source.Kind = Editable
	}
	if p.Name == "" && !Outside(e.local) {
		if project, err := r.projectAt(e.local); err == nil {
			p.Name = name.Normalize(project.Table("project").String("name"))
		}
	}
	p.Name = cmp.Or(p.Name, name.Normalize(file))
	return true
}
