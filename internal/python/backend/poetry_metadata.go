package backend

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
)

// addMetadata adds .dist-info, in the order of paths.
func (p *poetry) addMetadata(info string) {
	licenses := p.licenseFiles()
	p.addBytes(info+"/METADATA", p.metadata(licenses), false)
	tag := "py3-none-any"
	if !p.hasPython || p.python.overlaps(version.MustParse("2.0"), version.MustParse("3.0")) {
		tag = "py2.py3-none-any"
	}
	p.addBytes(info+"/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: "+p.kind.generator+
		"\nRoot-Is-Purelib: true\nTag: "+tag+"\n"), false)
	if text := p.entryPoints(); text != "" {
		p.addBytes(info+"/entry_points.txt", []byte(text), false)
	}
	for _, f := range licenses {
		p.addFile(info+"/licenses/"+f.path, f.path)
	}
	p.finish(info)
}

// metadata writes METADATA in poetry-core's order of fields.
func (p *poetry) metadata(licenses []node) []byte {
	var b strings.Builder
	add := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	project := p.project
	fmt.Fprintf(&b, "Metadata-Version: 2.4\nName: %s\nVersion: %s\n", project.name, project.version)
	summary, pos := p.either("description", project.description)
	p.oneLine(pos, "the description", summary)
	fmt.Fprintf(&b, "Summary: %s\n", summary)
	classifier := p.addLicense(add)
	slices.SortFunc(licenses, func(x, y node) int { return strings.Compare(x.path, y.path) })
	for _, f := range licenses {
		add("License-File", f.path)
	}
	add("Keywords", joinTexts(p.texts("keywords", project.keywords), ","))
	p.addPerson(add, "Author", "authors", project.authors)
	p.addPerson(add, "Maintainer", "maintainers", project.maintainers)
	if project.requiresPython != "" {
		add("Requires-Python", project.requiresPython)
	} else if p.hasPython {
		add("Requires-Python", p.python.requiresPython())
	}
	for _, c := range p.classifiers(classifier) {
		add("Classifier", c)
	}
	p.addRequirements(add)
	for _, url := range p.urls() {
		add("Project-URL", url.key+", "+url.value)
	}
	p.addReadme(&b)
	return []byte(b.String())
}

// either returns [project]'s value, or [tool.poetry]'s where that has none.
func (p *poetry) either(key, value string) (string, diag.Position) {
	if value != "" {
		return value, p.project.table.KeyPos(key)
	}
	return p.str(p.tool, "tool.poetry", key), p.tool.KeyPos(key)
}

// texts is either for lists.
func (p *poetry) texts(key string, list []text) []text {
	if len(list) > 0 {
		return list
	}
	return p.strs(p.tool, "tool.poetry", key)
}

// addLicense adds License or License-Expression, and returns the classifier that the old form brings.
func (p *poetry) addLicense(add func(key, value string)) (classifier string) {
	project := p.project
	if project.license.s != "" {
		expression, ok := canonicalExpression(project.license.s)
		if !ok {
			p.refusef(project.license.pos, "project.license is %q, of which it does not know every identifier", project.license.s)
		}
		add("License-Expression", expression)
		return ""
	}
	old, pos := project.licenseText, project.table.KeyPos("license")
	if project.licenseFile != "" {
		old = universalNewlines(p.readText(project.licenseFile, pos))
	}
	if old == "" {
		old, pos = p.str(p.tool, "tool.poetry", "license"), p.tool.KeyPos("license")
	}
	if old == "" {
		return ""
	}
	l, ok := findLicence(old)
	if !ok && len(old) < 64 {
		p.refusef(pos, "the license is %q, which it does not know", old)
	} else if !ok {
		// No identifier is that long: poetry-core takes the text for the name of a licence.
		l = licence{id: old, classifier: "Other/Proprietary License"}
	}
	indent := strings.Repeat(" ", len("License: "))
	add("License", strings.TrimSpace(indent+strings.ReplaceAll(strings.TrimSuffix(l.id, "\n"), "\n", "\n"+indent)))
	return "License :: " + l.classifier
}

// licenseFiles returns the files of project.license-files, or those that are licences by their name.
func (p *poetry) licenseFiles() []node {
	found := map[string]bool{}
	patterns := p.project.licenseFiles
	optional := patterns == nil
	if optional {
		patterns = []text{{s: "COPYING*"}, {s: "LICEN[SC]E*"}, {s: "AUTHORS*"}, {s: "NOTICE*"}, {s: "LICENSES/**/*"}}
		if p.project.licenseFile != "" {
			patterns = append(patterns, text{s: p.project.licenseFile})
		}
	}
	for _, pattern := range patterns {
		nodes, err := p.tree.glob("", pattern.s)
		p.fail(pattern.pos, err)
		nodes = slices.DeleteFunc(nodes, func(n node) bool { return n.dir })
		if len(nodes) == 0 && !optional {
			p.problemf(pattern.pos, "project.license-files: nothing matches %q", pattern.s)
		}
		for _, n := range nodes {
			found[n.path] = true
		}
	}
	var out []node
	for f := range found {
		out = append(out, node{path: f})
	}
	slices.SortFunc(out, func(a, b node) int { return comparePaths(a.path, b.path) })
	return out
}

var poetryPerson = lazyregexp.New(`^([^<>]+?)(?: <(.+?)>)?$`)

// addPerson adds the first author or maintainer; poetry-core leaves out the others.
func (p *poetry) addPerson(add func(key, value string), field, key string, list []person) {
	who := ""
	pos := p.project.table.KeyPos(key)
	switch {
	case len(list) > 0 && list[0].name != "" && list[0].email != "":
		who = list[0].name + " <" + list[0].email + ">"
	case len(list) > 0:
		who = list[0].name + list[0].email
	default:
		if texts := p.strs(p.tool, "tool.poetry", key); len(texts) > 0 {
			who, pos = texts[0].s, texts[0].pos
		}
	}
	if who == "" {
		return
	}
	m := poetryPerson.FindStringSubmatch(who)
	if m == nil || strings.ContainsFunc(who, func(r rune) bool { return unicode.Is(unicode.Mn, r) }) {
		// Combining characters would have to be composed (NFC).
		p.refusef(pos, "%s is %q", key, who)
		return
	}
	add(field, m[1])
	add(field+"-email", m[2])
}

// poetryPythons are the minor versions that poetry-core has classifiers for.
var poetryPythons = []string{"2", "2.7", "3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13",
	"3.14", "3.15"}

// classifiers returns [project]'s, or those of [tool.poetry] together with what Python versions and licence bring.
func (p *poetry) classifiers(license string) []string {
	var own []string
	if len(p.project.classifiers) > 0 {
		for _, c := range p.project.classifiers {
			own = append(own, c.s)
		}
		return own
	}
	for _, c := range p.strs(p.tool, "tool.poetry", "classifiers") {
		own = append(own, c.s)
	}
	if license != "" {
		own = append(own, license)
	}
	const prefix = "Programming Language :: Python"
	var pythons []string
	for _, v := range poetryPythons {
		if p.supports(v) {
			pythons = append(pythons, prefix+" :: "+v)
		}
	}
	slices.Sort(own)
	own = slices.DeleteFunc(slices.Compact(own), func(c string) bool { return slices.Contains(pythons, c) })
	at := slices.IndexFunc(own, func(c string) bool { return c > prefix })
	if at < 0 {
		at = len(own)
	}
	return slices.Insert(own, at, pythons...)
}

// supports reports whether a classifier's Python version is admitted. A minor version counts by its first release
// alone, so that ^3.10.2 has no classifier for 3.10; a major one by any.
func (p *poetry) supports(v string) bool {
	switch {
	case !p.hasPython:
		return true
	case v == "2", v == "3":
		return p.python.overlaps(version.MustParse(v), version.MustParse(raise([]string{v}, 0)))
	default:
		return p.python.admits(version.MustParse(v))
	}
}

// urls returns Project-URLs: the three that have keys of their own, then the others; sorted by first character.
func (p *poetry) urls() []pair {
	known := map[string]string{"homepage": "Homepage", "repository": "Repository", "documentation": "Documentation"}
	special, custom := map[string]string{}, []pair{}
	for _, url := range p.project.urls {
		if key := strings.ToLower(url.key); known[key] != "" {
			special[key] = url.value
		} else {
			custom = append(custom, url)
		}
	}
	if len(p.project.urls) == 0 {
		for key := range known {
			special[key] = p.str(p.tool, "tool.poetry", key)
		}
		custom = p.pairs(p.tool, "tool.poetry", "urls")
	}
	var out []pair
	for _, key := range []string{"homepage", "repository", "documentation"} {
		at := slices.IndexFunc(custom, func(u pair) bool { return u.key == known[key] })
		switch {
		case at >= 0 && special[key] != "":
			out = append(out, custom[at])
			custom = slices.Delete(custom, at, at+1)
		case special[key] != "":
			out = append(out, pair{key: known[key], value: special[key]})
		}
	}
	out = append(out, custom...)
	slices.SortStableFunc(out, func(a, b pair) int { return strings.Compare(a.key[:min(1, len(a.key))], b.key[:min(1, len(b.key))]) })
	return out
}

// addReadme adds the description. Several files, which only [tool.poetry] may name, are joined.
func (p *poetry) addReadme(b *strings.Builder) {
	r := p.project.readme
	files := []text{}
	switch {
	case r.inline:
		fmt.Fprintf(b, "Description-Content-Type: %s\n\n%s\n", r.contentType, r.text)
		return
	case r.set:
		files = append(files, text{r.file, r.pos})
	default:
		if one, ok := p.tool.Value("readme").Str(); ok {
			files = append(files, text{one, p.tool.KeyPos("readme")})
		} else {
			files = p.strs(p.tool, "tool.poetry", "readme")
		}
	}
	if len(files) == 0 {
		return
	}
	contentType := r.contentType
	if contentType == "" {
		contentType = map[string]string{".rst": "text/x-rst", ".md": "text/markdown", ".markdown": "text/markdown"}[path.Ext(files[0].s)]
	}
	if contentType == "" {
		contentType = "text/plain"
	}
	var bodies []string
	for _, f := range files {
		bodies = append(bodies, universalNewlines(p.readText(f.s, f.pos)))
	}
	fmt.Fprintf(b, "Description-Content-Type: %s\n\n%s\n", contentType, strings.Join(bodies, "\n"))
}

// entryPoints writes entry_points.txt, "" when there are none.
func (p *poetry) entryPoints() string {
	groups := slices.Clone(p.project.entryPoints)
	if len(groups) == 0 {
		plugins := p.tool.Table("plugins")
		for _, key := range plugins.Keys() {
			groups = append(groups, group{key, p.pairs(plugins, "tool.poetry.plugins", key)})
		}
	}
	if len(p.scripts) > 0 {
		groups = append(groups, group{"console_scripts", p.scripts})
	}
	if len(p.project.guiScripts) > 0 {
		groups = append(groups, group{"gui_scripts", p.project.guiScripts})
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, g := range groups {
		var lines []string
		for _, e := range g.entries {
			lines = append(lines, e.key+" = "+e.value)
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "[%s]\n", g.name)
		for _, line := range lines {
			b.WriteString(strings.ReplaceAll(line, " ", "") + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// normalExtras returns names of extras in normal form, sorted, each once.
func normalExtras(list []string) []string {
	var out []string
	for _, e := range list {
		out = append(out, name.Normalize(e))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
