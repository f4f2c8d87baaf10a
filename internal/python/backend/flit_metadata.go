package backend

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// flitMetadata is what flit writes, from either of its two tables.
type flitMetadata struct {
	summary, homePage, keywords, requiresPython, license string
	author, authorEmail, maintainer, maintainerEmail     string
	hasSummary, hasKeywords                              bool
	description, contentType                             string
	hasDescription                                       bool
	expression                                           string
	urls                                                 []string
	requires                                             []string
	extras                                               []string
	groups                                               []group
}

// projectMetadata takes the metadata from [project].
func (f *flit) projectMetadata() flitMetadata {
	p, t := f.project, f.project.table
	m := flitMetadata{summary: p.description, hasSummary: t.Has("description"), requiresPython: p.requiresPython,
		keywords: joinTexts(p.keywords, ","), hasKeywords: t.Has("keywords")}
	m.author, m.authorEmail = hatchPeople(p.authors)
	m.maintainer, m.maintainerEmail = hatchPeople(p.maintainers)
	if p.license.s != "" {
		expression, ok := canonicalExpression(p.license.s)
		if !ok {
			f.refusef(p.license.pos, "project.license is %q, of which it does not know every identifier", p.license.s)
		}
		m.expression = expression
	}
	for _, u := range sortedPairs(p.urls) {
		m.urls = append(m.urls, u.key+", "+u.value)
	}
	for _, d := range p.dependencies {
		m.requires = append(m.requires, d.text)
	}
	extras := map[string][]string{}
	for _, e := range p.extras {
		for _, d := range e.deps {
			extras[name.Normalize(e.name)] = append(extras[name.Normalize(e.name)], d.text)
		}
		m.extras = append(m.extras, name.Normalize(e.name))
	}
	m.addExtras(extras)
	m.groups = append(m.groups, p.entryPoints...)
	if t.Has("scripts") {
		m.groups = append(m.groups, group{"console_scripts", p.scripts})
	}
	if t.Has("gui-scripts") {
		m.groups = append(m.groups, group{"gui_scripts", p.guiScripts})
	}
	f.addDescription(&m)
	return m
}

// addExtras sorts the extras and adds their requirements.
func (m *flitMetadata) addExtras(deps map[string][]string) {
	slices.Sort(m.extras)
	m.extras = slices.Compact(m.extras)
	for _, e := range m.extras {
		for _, d := range deps[e] {
			if head, marker, ok := strings.Cut(d, ";"); ok {
				m.requires = append(m.requires, fmt.Sprintf(`%s ; extra == "%s" and (%s)`, head, e, marker))
			} else {
				m.requires = append(m.requires, fmt.Sprintf(`%s ; extra == "%s"`, d, e))
			}
		}
	}
}

// addDescription reads the description.
func (f *flit) addDescription(m *flitMetadata) {
	r := f.project.readme
	if !r.set {
		return
	}
	m.hasDescription, m.contentType, m.description = true, r.contentType, r.text
	if !r.inline {
		m.description = universalNewlines(f.readText(r.file, r.pos))
	}
	if m.contentType == "" {
		m.contentType = map[string]string{".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}[strings.ToLower(path.Ext(r.file))]
	}
}

// legacyMetadata reads [tool.flit.metadata], which flit_core 3 still takes.
func (f *flit) legacyMetadata() {
	t, where := f.settings.Table("metadata"), "tool.flit.metadata"
	f.only(t, where, "module", "author", "author-email", "maintainer", "maintainer-email", "home-page", "license", "keywords",
		"requires-python", "dist-name", "description-file", "classifiers", "requires", "requires-extra", "urls")
	f.module = f.str(t, where, "module")
	f.project.name = f.module
	if t.Has("dist-name") {
		f.project.name = f.str(t, where, "dist-name")
	}
	f.project.classifiers = f.strs(t, where, "classifiers")
	f.dynamic = []string{"version", "description"}
	m := &f.meta
	m.author, m.authorEmail = f.str(t, where, "author"), f.str(t, where, "author-email")
	m.maintainer, m.maintainerEmail = f.str(t, where, "maintainer"), f.str(t, where, "maintainer-email")
	m.homePage, m.license, m.requiresPython = f.str(t, where, "home-page"), f.str(t, where, "license"), f.str(t, where, "requires-python")
	m.keywords, m.hasKeywords = f.str(t, where, "keywords"), t.Has("keywords")
	for _, u := range sortedPairs(f.pairs(t, where, "urls")) {
		m.urls = append(m.urls, u.key+", "+u.value)
	}
	for _, d := range f.requirements(t, where, "requires") {
		m.requires = append(m.requires, d.text)
	}
	extras := map[string][]string{}
	for _, e := range t.Table("requires-extra").Keys() {
		f.short(t.Table("requires-extra"), e)
		for _, d := range f.requirements(t.Table("requires-extra"), where+".requires-extra", e) {
			extras[name.Normalize(e)] = append(extras[name.Normalize(e)], d.text)
		}
		m.extras = append(m.extras, name.Normalize(e))
	}
	m.addExtras(extras)
	f.legacyEntryPoints(f.settings.Table("entrypoints"), "")
	if f.settings.Has("scripts") {
		m.groups = append(m.groups, group{"console_scripts", f.pairs(f.settings, "tool.flit", "scripts")})
	}
	if t.Has("description-file") {
		f.project.readme = readme{file: f.str(t, where, "description-file"), set: true, pos: t.KeyPos("description-file")}
		f.addDescription(m)
	}
}

// legacyEntryPoints reads groups, whose dots make tables in tables.
func (f *flit) legacyEntryPoints(t *toml.Table, prefix string) {
	if len(prefix) > maxName {
		f.problemf(t.Pos, "%.300q cannot be a group of entry points", prefix)
		return
	}
	g := group{name: prefix}
	for _, key := range t.Keys() {
		if inner, ok := t.Value(key).AsTable(); ok {
			f.legacyEntryPoints(inner, strings.TrimPrefix(prefix+"."+key, "."))
			continue
		}
		g.entries = append(g.entries, pair{key, f.str(t, "tool.flit.entrypoints", key), t.KeyPos(key)})
	}
	if len(g.entries) > 0 {
		f.meta.groups = append(f.meta.groups, g)
	}
}

// entryPoints writes entry_points.txt, "" when there are none.
func (m *flitMetadata) entryPoints() string {
	var b strings.Builder
	for _, g := range slices.SortedFunc(slices.Values(m.groups), func(a, b group) int { return strings.Compare(a.name, b.name) }) {
		fmt.Fprintf(&b, "[%s]\n", g.name)
		for _, e := range sortedPairs(g.entries) {
			fmt.Fprintf(&b, "%s=%s\n", e.key, e.value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// metadata writes METADATA in flit's order of fields.
func (f *flit) metadata(licences []string) []byte {
	m := f.meta
	var b strings.Builder
	add := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, value) }
	optional := func(key, value string, has bool) {
		if has {
			add(key, strings.Join(splitLines(value), "\n        "))
		}
	}
	add("Metadata-Version", map[bool]string{true: "2.5", false: "2.4"}[f.new])
	add("Name", f.project.name)
	add("Version", f.project.version.String())
	optional("Summary", m.summary, m.hasSummary)
	optional("Home-page", m.homePage, m.homePage != "")
	optional("Keywords", m.keywords, m.hasKeywords)
	optional("Author", m.author, m.author != "")
	optional("Author-email", m.authorEmail, m.authorEmail != "")
	optional("Maintainer", m.maintainer, m.maintainer != "")
	optional("Maintainer-email", m.maintainerEmail, m.maintainerEmail != "")
	optional("Requires-Python", m.requiresPython, f.project.table.Has("requires-python"))
	optional("Description-Content-Type", m.contentType, m.contentType != "")
	if m.expression != "" {
		add("License-Expression", m.expression)
	} else if m.license != "" {
		add("License", m.license)
	}
	for _, c := range f.project.classifiers {
		add("Classifier", c.s)
	}
	for _, file := range licences {
		add("License-File", file)
	}
	for _, d := range m.requires {
		add("Requires-Dist", f.normalExtras(d))
	}
	for _, u := range m.urls {
		add("Project-URL", u)
	}
	for _, e := range m.extras {
		add("Provides-Extra", e)
	}
	f.addImportNames(add)
	if m.hasDescription {
		b.WriteString("\n" + m.description + "\n")
	}
	return []byte(b.String())
}

// addImportNames adds what release 4 says of the module (PEP 794).
func (f *flit) addImportNames(add func(key, value string)) {
	if !f.new {
		return
	}
	add("Import-Name", f.module)
	for i, c := range f.module {
		if c == '.' {
			add("Import-Namespace", f.module[:i])
		}
	}
}
