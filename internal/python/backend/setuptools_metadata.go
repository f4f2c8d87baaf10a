package backend

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// setupMetadata is what setuptools writes to METADATA, from either kind of configuration.
type setupMetadata struct {
	summary             string
	headers             map[string]string // of single lines, by field
	expression, license string
	urls                []pair
	keywords            []string
	platforms           []string
	classifiers         []string
	python              string
	contentType         string
	description         string
	requires            []dependency
	extras              []setupExtra
	groups              []group
}

// setupExtra is an extra with its requirements.
type setupExtra struct {
	name string
	deps []dependency
}

// projectMetadata takes the metadata from [project].
func (s *setuptools) projectMetadata(p *project) setupMetadata {
	m := setupMetadata{summary: p.description, headers: map[string]string{}, license: p.licenseText, urls: p.urls,
		python: p.requiresPython}
	for field, people := range map[string][]person{"Author": p.authors, "Maintainer": p.maintainers} {
		names, emails := hatchPeople(people)
		if names != "" {
			m.headers[field] = names
		}
		if emails != "" {
			m.headers[field+"-email"] = emails
		}
	}
	for _, k := range p.keywords {
		m.keywords = append(m.keywords, k.s)
	}
	for _, c := range p.classifiers {
		m.classifiers = append(m.classifiers, c.s)
	}
	for _, d := range p.dependencies {
		m.requires = append(m.requires, d.dependency)
	}
	for _, e := range p.extras {
		x := setupExtra{name: e.name}
		for _, d := range e.deps {
			x.deps = append(x.deps, d.dependency)
		}
		m.extras = append(m.extras, x)
	}
	m.groups = append(append(m.groups, p.entryPoints...), group{"console_scripts", p.scripts}, group{"gui_scripts", p.guiScripts})
	s.projectLicense(p, &m)
	s.projectReadme(p, &m)
	return m
}

// projectLicense reads the licence.
func (s *setuptools) projectLicense(p *project, m *setupMetadata) {
	if p.license.s != "" {
		expression, ok := canonicalExpression(p.license.s)
		if !ok {
			s.refusef(p.license.pos, "project.license is %q, of which it does not know every identifier", p.license.s)
		}
		m.expression = expression
	}
	if p.licenseFile != "" {
		m.license = s.textOf(p.licenseFile, p.table.KeyPos("license"))
	}
}

// projectReadme reads the description.
func (s *setuptools) projectReadme(p *project, m *setupMetadata) {
	r := p.readme
	if !r.set {
		return
	}
	m.contentType, m.description = r.contentType, r.text
	if !r.inline {
		m.description = s.textOf(r.file, r.pos)
	}
	if ext := strings.ToLower(path.Ext(r.file)); m.contentType == "" && ext != "" {
		m.contentType = map[string]string{".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}[ext]
		if m.contentType == "" {
			s.problemf(r.pos, "project.readme: the type of %q is not known", r.file)
		}
	}
}

// textOf reads a file that the configuration names. For one that is missing, setuptools takes nothing.
func (s *setuptools) textOf(file string, pos diag.Position) string {
	clean, ok := local(file)
	if ok && !s.tree.isFile(clean) {
		return ""
	}
	s.referenced = append(s.referenced, clean)
	return universalNewlines(s.readText(file, pos))
}

// readDynamic reads [tool.setuptools.dynamic]: what stands in files, or is a literal in a module.
func (s *setuptools) readDynamic(t *toml.Table) {
	const where = "tool.setuptools.dynamic"
	listed := s.project.table.Strings("dynamic")
	for _, key := range listed {
		if t.Table(key) == nil && slices.Contains([]string{"version", "readme", "dependencies", "optional-dependencies", "description", "classifiers"}, key) {
			s.dynamicf(s.project.table.KeyPos("dynamic"), "project.dynamic lists %q, and %s does not say where it is from", key, where)
			s.project.refusedVersion = s.project.refusedVersion || key == "version"
		}
	}
	for _, key := range t.Keys() {
		inner := t.Table(key)
		if inner == nil || !slices.Contains(listed, key) {
			continue // without effect
		}
		switch key {
		case "version":
			s.versionPos = inner.Pos
			s.only(inner, where+".version", "attr", "file")
			s.versionAttr = s.str(inner, where+".version", "attr")
			if inner.Has("file") {
				s.project.versionText = strings.TrimSpace(s.files(inner, where+".version"))
			}
		case "readme":
			s.only(inner, where+".readme", "file", "content-type")
			s.meta.description, s.meta.contentType = s.files(inner, where+".readme"), "text/x-rst"
			if inner.Has("content-type") {
				s.meta.contentType = s.str(inner, where+".readme", "content-type")
			}
		case "description":
			s.meta.summary = s.files(inner, where+"."+key)
		case "classifiers":
			s.meta.classifiers = splitLines(s.files(inner, where+"."+key))
		case "dependencies":
			s.meta.requires = s.requirementLines(s.files(inner, where+"."+key), inner.Pos)
		case "optional-dependencies":
			for _, name := range inner.Keys() {
				lines := s.files(inner.Table(name), where+"."+key+"."+name)
				s.meta.extras = append(s.meta.extras, setupExtra{name, s.requirementLines(lines, inner.KeyPos(name))})
			}
		}
	}
}

// files returns the text of the files that a directive names, one after the other.
func (s *setuptools) files(t *toml.Table, where string) string {
	if t == nil || !t.Has("file") {
		s.problemf(s.project.table.KeyPos("dynamic"), "%s names no file", where)
		return ""
	}
	list := []text{{s.str(&toml.Table{}, where, "file"), t.KeyPos("file")}}
	if file, ok := t.Value("file").Str(); ok {
		list[0].s = file
	} else {
		list = s.strs(t, where, "file")
	}
	var out []string
	for _, file := range list {
		out = append(out, s.textOf(file.s, file.pos))
	}
	return strings.Join(out, "\n")
}

// requirementLines reads requirements, one a line. Options of pip are none.
func (s *setuptools) requirementLines(lines string, pos diag.Position) (out []dependency) {
	n := 0
	for line := range strings.SplitSeq(lines, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		if n++; n > maxItems {
			s.problemf(pos, "there are more than %d requirements", maxItems)
			return nil
		}
		d, err := parseDependency(line)
		if err != nil || d.url != "" || strings.HasSuffix(line, `\`) {
			s.refusef(pos, "%q is no plain requirement", line)
			continue
		}
		out = append(out, d)
	}
	return out
}

// metadata writes METADATA in setuptools' order of fields.
func (s *setuptools) metadata(licences []string) []byte {
	m := s.meta
	var b strings.Builder
	add := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, value) }
	add("Metadata-Version", "2.4")
	add("Name", s.project.name)
	add("Version", s.project.version.String())
	if m.summary != "" {
		summary, _, _ := strings.Cut(strings.TrimSpace(m.summary), "\n")
		if !strings.Contains(m.summary, "\n") {
			summary = m.summary
		}
		add("Summary", summary)
	}
	for _, field := range []string{"Home-page", "Download-URL", "Author", "Author-email", "Maintainer", "Maintainer-email"} {
		if value, ok := m.headers[field]; ok {
			add(field, value)
		}
	}
	if m.expression != "" {
		add("License-Expression", m.expression)
	} else if m.license != "" {
		add("License", foldLicense(m.license))
	}
	for _, u := range m.urls {
		add("Project-URL", u.key+", "+u.value)
	}
	if len(m.keywords) > 0 {
		add("Keywords", strings.Join(m.keywords, ","))
	}
	for _, p := range m.platforms {
		add("Platform", p)
	}
	for _, c := range m.classifiers {
		add("Classifier", c)
	}
	python := dependency{}
	if err := python.parseSpecs(m.python); err != nil {
		s.problemf(s.project.table.KeyPos("requires-python"), "%v", err)
	}
	if len(python.specs) > 0 {
		add("Requires-Python", python.hatchSpecs())
	}
	s.addTail(add, licences)
	if m.description != "" {
		b.WriteString("\n" + m.description)
		if !strings.HasSuffix(m.description, "\n") {
			b.WriteByte('\n')
		}
	}
	return []byte(b.String())
}

// addTail adds the fields behind Requires-Python.
func (s *setuptools) addTail(add func(key, value string), licences []string) {
	m := s.meta
	if m.contentType != "" {
		add("Description-Content-Type", m.contentType)
	}
	for _, file := range licences {
		add("License-File", file)
	}
	for _, d := range m.requires {
		add("Requires-Dist", d.packagingText(""))
	}
	seen := map[string]bool{}
	for _, e := range m.extras {
		normal := name.Normalize(e.name)
		if !seen[normal] {
			add("Provides-Extra", normal)
		}
		seen[normal] = true
		for _, d := range e.deps {
			if d.marker != nil && !d.marker.leaf() {
				d.marker = &markerNode{kids: []*markerNode{d.marker, {left: "extra", op: "==", right: `"` + normal + `"`}}, words: []string{"and"}}
				add("Requires-Dist", d.packagingText(""))
				continue
			}
			add("Requires-Dist", d.packagingText(normal))
		}
	}
	// Licence files come from patterns, which setuptools does not count as static (PEP 643), and it forgets one key.
	if _, ok := m.headers["Download-URL"]; ok {
		add("Dynamic", "download-url")
	}
	if len(licences) > 0 {
		add("Dynamic", "license-file")
	}
}

// foldLicense indents further lines as distutils does.
func foldLicense(s string) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines, strings.Repeat(" ", 8))
}

// entryPoints writes entry_points.txt, "" when there are none.
func (m *setupMetadata) entryPoints() string {
	groups := slices.SortedStableFunc(slices.Values(m.groups), func(a, b group) int { return strings.Compare(a.name, b.name) })
	var out []string
	for _, g := range groups {
		if len(g.entries) == 0 {
			continue
		}
		var text strings.Builder
		text.WriteString("[" + g.name + "]\n")
		for _, e := range sortedPairs(g.entries) {
			text.WriteString(strings.TrimSpace(e.key) + " = " + strings.TrimSpace(e.value) + "\n")
		}
		out = append(out, text.String())
	}
	return strings.Join(out, "\n")
}
