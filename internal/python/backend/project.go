package backend

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/syntax"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// project is the [project] table, checked as far as all backends agree.
// See https://packaging.python.org/en/latest/specifications/pyproject-toml/#declaring-project-metadata-the-project-table.
type project struct {
	table *toml.Table

	name           string // as written
	version        version.Version
	versionText    string // as written
	refusedVersion bool   // it is dynamic, which is a problem already
	description    string
	readme         readme
	requiresPython string
	licenseText    string // license.text, or a plain string before it is known to be an expression
	licenseFile    string // license.file
	license        text   // license as a string
	licenseFiles   []text // nil when the key is absent
	authors        []person
	maintainers    []person
	keywords       []text
	classifiers    []text
	urls           []pair
	scripts        []pair
	guiScripts     []pair
	entryPoints    []group
	dependencies   []requirement
	extras         []extra
}

// readme is project.readme: a file or a text.
type readme struct {
	file, text, contentType string
	set, inline             bool
	pos                     diag.Position
}

// person is an author or a maintainer.
type person struct{ name, email string }

// group is a table of entry points.
type group struct {
	name    string
	entries []pair
}

// requirement is a dependency with its place.
type requirement struct {
	dependency
	pos  diag.Position
	text string // as written
}

// extra is a list of optional dependencies.
type extra struct {
	name string // as written
	deps []requirement
}

// projectKeys are the keys of the specification that we handle. import-names and import-namespaces (PEP 794) are not
// among them.
var projectKeys = []string{"name", "version", "description", "readme", "requires-python", "license", "license-files",
	"authors", "maintainers", "keywords", "classifiers", "urls", "scripts", "gui-scripts", "entry-points",
	"dependencies", "optional-dependencies", "dynamic"}

// readProject reads the [project] table. dynamic lists what may stand in project.dynamic, since the backend has it
// from another static place.
func (b *build) readProject(dynamic ...string) *project {
	t := b.doc.Table("project")
	p := &project{table: t}
	b.only(t, "project", projectKeys...)
	for _, d := range b.strs(t, "project", "dynamic") {
		if !slices.Contains(dynamic, d.s) {
			b.refusef(d.pos, "project.dynamic lists %q", d.s)
			p.refusedVersion = p.refusedVersion || d.s == "version"
		}
	}
	p.name = b.str(t, "project", "name")
	p.versionText = strings.TrimSpace(b.str(t, "project", "version"))
	p.description = b.str(t, "project", "description")
	p.requiresPython = b.str(t, "project", "requires-python")
	if _, err := version.ParseSpecifiers(p.requiresPython); err != nil {
		b.problemf(t.KeyPos("requires-python"), "project.requires-python: %v", err)
	}
	p.readme = b.readReadme(t)
	b.readLicense(t, p)
	p.authors, p.maintainers = b.people(t, "authors"), b.people(t, "maintainers")
	p.keywords, p.classifiers = b.strs(t, "project", "keywords"), b.strs(t, "project", "classifiers")
	p.urls = b.pairs(t, "project", "urls")
	p.scripts, p.guiScripts = b.pairs(t, "project", "scripts"), b.pairs(t, "project", "gui-scripts")
	for _, key := range t.Table("entry-points").Keys() {
		p.entryPoints = append(p.entryPoints, group{key, b.pairs(t.Table("entry-points"), "project.entry-points", key)})
	}
	p.dependencies = b.requirements(t, "project", "dependencies")
	for _, key := range t.Table("optional-dependencies").Keys() {
		deps := b.requirements(t.Table("optional-dependencies"), "project.optional-dependencies", key)
		if b.short(t.Table("optional-dependencies"), key) && !name.Valid(key) {
			b.problemf(t.Table("optional-dependencies").KeyPos(key), "%q is not the name of an extra", key)
		}
		p.extras = append(p.extras, extra{key, deps})
	}
	return p
}

// validName reports what can be the name of a project or an extra.
func validName(s string) bool { return name.Valid(s) && len(s) <= maxName }

// short reports a key that is not too long for a name that stands in many lines.
func (b *build) short(t *toml.Table, key string) bool {
	if len(key) > maxName {
		b.problemf(t.KeyPos(key), "the name %.80q has more than %d bytes", key, maxName)
	}
	return len(key) <= maxName
}

// identity checks name and version, which may come from elsewhere.
func (b *build) identity(p *project, namePos, versionPos diag.Position) {
	if !validName(p.name) {
		b.problemf(namePos, "%.300q is not the name of a project", p.name)
	}
	v, err := version.Parse(p.versionText)
	switch {
	case err == nil:
		p.version = v
	case p.versionText != "":
		b.problemf(versionPos, "%v", err)
	case !p.refusedVersion:
		b.problemf(versionPos, "the project has no version")
	}
}

// distInfo is the stem of the names of .dist-info and .data.
func (p *project) stem() string {
	return strings.ReplaceAll(name.Normalize(p.name), "-", "_") + "-" + p.version.String()
}

// readReadme reads project.readme, a path or a table.
func (b *build) readReadme(t *toml.Table) readme {
	v := t.Value("readme")
	if v == nil {
		return readme{}
	}
	r := readme{set: true, pos: v.Pos}
	inner, ok := v.AsTable()
	if !ok {
		r.file = b.str(t, "project", "readme")
		return r
	}
	b.only(inner, "project.readme", "file", "text", "content-type")
	r.file, r.text = b.str(inner, "project.readme", "file"), b.str(inner, "project.readme", "text")
	r.contentType = b.str(inner, "project.readme", "content-type")
	r.inline = inner.Has("text")
	if r.contentType == "" || r.inline == inner.Has("file") {
		b.problemf(v.Pos, "project.readme needs content-type, and either file or text")
	}
	return r
}

// readLicense reads project.license: an expression (PEP 639), or the table of older projects.
func (b *build) readLicense(t *toml.Table, p *project) {
	p.licenseFiles = b.strs(t, "project", "license-files")
	v := t.Value("license")
	if v == nil {
		return
	}
	inner, ok := v.AsTable()
	if !ok {
		p.license = text{b.str(t, "project", "license"), v.Pos}
		return
	}
	b.only(inner, "project.license", "file", "text")
	p.licenseFile, p.licenseText = b.str(inner, "project.license", "file"), b.str(inner, "project.license", "text")
	if (p.licenseFile == "") == (p.licenseText == "") {
		b.problemf(v.Pos, "project.license needs either file or text")
	}
	if t.Has("license-files") && b.kind.name != "hatchling" { // which does not mind, against PEP 639
		b.problemf(v.Pos, "project.license must be a string beside project.license-files")
	}
}

// plainEmail is an address that no backend has to quote.
var plainEmail = lazyregexp.New(`^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$`)

// people reads authors or maintainers. Addresses that the email package would quote are refused.
func (b *build) people(t *toml.Table, key string) []person {
	var out []person
	where := "project." + key
	for i, v := range t.Value(key).Array() {
		inner, ok := v.AsTable()
		if !ok {
			b.problemf(v.Pos, "%s[%d] is not a table", where, i)
			continue
		}
		b.only(inner, where, "name", "email")
		who := person{b.str(inner, where, "name"), b.str(inner, where, "email")}
		switch {
		case who == person{}:
			b.problemf(v.Pos, "%s[%d] has neither name nor email", where, i)
		case who.email != "" && !plainEmail.MatchString(who.email):
			b.refusef(v.Pos, "%s[%d] has the address %q", where, i, who.email)
		case strings.ContainsAny(who.name, "\r\n"):
			b.refusef(v.Pos, "%s[%d] has a name of several lines", where, i)
		}
		out = append(out, who)
	}
	return out
}

// pdmLocal begins the address of a folder in PDM's files.
const pdmLocal = "file:///${PROJECT_ROOT}/"

// requirements reads dependencies. Those by URL are refused: each backend has rules of its own for them.
func (b *build) requirements(t *toml.Table, name, key string) []requirement {
	var out []requirement
	for _, s := range b.strs(t, name, key) {
		d, err := parseDependency(s.s)
		switch {
		case err != nil:
			b.refusef(s.pos, "%s.%s has a requirement that it does not understand (%v)", name, key, err)
		case strings.HasPrefix(d.url, pdmLocal) && b.kind.name == "pdm-backend":
			d.url = "" // pdm-backend writes where that is on this machine, which would be no pure function
			out = append(out, requirement{d, s.pos, d.name})
		case d.url != "":
			b.refusef(s.pos, "%s.%s has %s by URL", name, key, d.name)
		default:
			out = append(out, requirement{d, s.pos, s.s})
		}
	}
	return out
}

// readText returns a text file of the project; the error is at the key that names it.
func (b *build) readText(file string, pos diag.Position) string {
	data, err := b.tree.read(file)
	b.fail(pos, err)
	return string(data)
}

// maxModule is how much of Python's text is read as such, in bytes: each word of it takes some hundred.
const maxModule = 4 << 20

// readModule reads a module. A larger one than any that a person wrote is none that lithe understands.
func readModule(text string) syntax.Module {
	if len(text) > maxModule {
		return syntax.Module{}
	}
	return syntax.Read(text)
}

// universalNewlines does what Python's text mode does to ends of lines.
func universalNewlines(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// oneLine reports a value that would break the header of METADATA into two.
func (b *build) oneLine(pos diag.Position, what, s string) {
	if strings.ContainsAny(s, "\r\n") {
		b.refusef(pos, "%s has several lines", what)
	}
}
