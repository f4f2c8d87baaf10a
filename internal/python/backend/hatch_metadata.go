package backend

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
)

// addMetadata adds .dist-info in hatchling's order.
func (h *hatch) addMetadata(info string) {
	licenses := h.licenseFiles()
	h.addBytes(info+"/METADATA", h.metadata(licenses), false)
	var tags strings.Builder
	for _, tag := range h.defaultTag() {
		tags.WriteString("Tag: " + tag + "\n")
	}
	h.addBytes(info+"/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: "+h.kind.generator+
		"\nRoot-Is-Purelib: true\n"+tags.String()), false)
	if text := h.entryPoints(); text != "" {
		h.addBytes(info+"/entry_points.txt", []byte(text), false)
	}
	for _, file := range licenses {
		f, err := h.tree.file(file)
		if err != nil {
			h.fail(diag.Position{File: h.file}, err)
			return
		}
		data, err := h.readAll(f.Content)
		h.fail(diag.Position{File: h.file}, err)
		h.addBytes(info+"/licenses/"+file, data, false)
	}
	for _, f := range h.explicit(h.forced("extra-metadata"), false) {
		h.addFile(info+"/extra_metadata/"+f.target, f.source)
	}
	h.finish(info)
}

// readAll reads what goes into the metadata, with a cap.
func (h *hatch) readAll(c entry.Content) ([]byte, error) {
	r, err := c.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err == nil && len(data) > maxText {
		err = treeErrorf("a file of the metadata is larger than %d bytes", maxText)
	}
	if err == nil {
		err = h.tree.take(len(data))
	}
	return data, err
}

// metadata writes METADATA 2.5 in hatchling's order of fields.
func (h *hatch) metadata(licenseFiles []string) []byte {
	p := h.project
	var b strings.Builder
	add := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	add("Metadata-Version", "2.5")
	add("Name", p.name)
	add("Version", p.versionText)
	add("Summary", strings.Join(splitLines(p.description), " "))
	for _, url := range p.urls {
		add("Project-URL", url.key+", "+url.value)
	}
	names, emails := hatchPeople(p.authors)
	add("Author", names)
	add("Author-email", emails)
	names, emails = hatchPeople(p.maintainers)
	add("Maintainer", names)
	add("Maintainer-email", emails)
	h.addLicense(add, licenseFiles)
	add("Keywords", strings.Join(uniqueTexts(p.keywords), ","))
	for _, c := range hatchClassifiers(p.classifiers) {
		add("Classifier", c)
	}
	python := dependency{}
	if err := python.parseSpecs(p.requiresPython); err != nil {
		h.problemf(p.table.KeyPos("requires-python"), "%v", err)
	}
	add("Requires-Python", python.hatchSpecs())
	h.addRequirements(&b)
	h.addReadme(&b)
	return []byte(b.String())
}

// splitLines is Python's str.splitlines, as far as TOML strings in one line can need it.
func splitLines(s string) []string {
	s = strings.TrimSuffix(universalNewlines(s), "\n")
	return strings.Split(s, "\n")
}

// addLicense adds the old License, indented as a folded header, or the expression of PEP 639.
func (h *hatch) addLicense(add func(key, value string), files []string) {
	p := h.project
	body := p.licenseText
	if p.licenseFile != "" {
		body = universalNewlines(h.readText(p.licenseFile, p.table.KeyPos("license")))
	}
	if body != "" {
		add("License", strings.Join(splitLines(body), "\n"+strings.Repeat(" ", len("License:"))))
	}
	if p.license.s != "" {
		expression, ok := canonicalExpression(p.license.s)
		if !ok {
			h.refusef(p.license.pos, "project.license is %q, of which it does not know every identifier", p.license.s)
		}
		add("License-Expression", expression)
	}
	for _, f := range files {
		add("License-File", f)
	}
}

// licenseFiles returns what the patterns match, sorted. A pattern that matches nothing is no error.
func (h *hatch) licenseFiles() []string {
	patterns := h.project.licenseFiles
	if patterns == nil {
		patterns = []text{{s: "LICEN[CS]E*"}, {s: "COPYING*"}, {s: "NOTICE*"}, {s: "AUTHORS*"}}
	}
	var out []string
	for _, pattern := range patterns {
		if strings.Contains(pattern.s, "**") {
			h.refusef(pattern.pos, "project.license-files has ** in %q", pattern.s)
			continue
		}
		nodes, err := h.tree.glob("", pattern.s)
		h.fail(pattern.pos, err)
		for _, n := range nodes {
			// Python's glob leaves hidden names to patterns that begin with a dot.
			hidden := strings.HasPrefix(path.Base(n.path), ".") && !strings.HasPrefix(path.Base(pattern.s), ".")
			if !n.dir && !hidden {
				out = append(out, n.path)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hatchPeople formats as the email package does: a display name with special characters is quoted.
func hatchPeople(list []person) (names, emails string) {
	var n, e []string
	for _, p := range list {
		switch {
		case p.email == "":
			n = append(n, p.name)
		case p.name == "":
			e = append(e, p.email)
		default:
			display := p.name
			if strings.ContainsAny(display, `()<>@,:;.\"[]`) {
				display = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(display) + `"`
			}
			e = append(e, display+" <"+p.email+">")
		}
	}
	return strings.Join(n, ", "), strings.Join(e, ", ")
}

// uniqueTexts sorts, and drops repetitions, as hatchling does through a set.
func uniqueTexts(list []text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hatchClassifiers sorts as the list of trove classifiers is sorted: numbers by value. Private ones come first.
func hatchClassifiers(list []text) []string {
	out := uniqueTexts(list)
	slices.SortStableFunc(out, func(a, b string) int {
		pa, pb := isPrivate(a), isPrivate(b)
		switch {
		case pa && pb:
			return 0
		case pa:
			return -1
		case pb:
			return 1
		default:
			return compareNatural(a, b)
		}
	})
	return out
}

// isPrivate reports classifiers that PyPI refuses, and that are therefore in no list.
func isPrivate(c string) bool { return strings.HasPrefix(strings.ToLower(c), "private ::") }

var textAndNumber = lazyregexp.New(`([^0-9]*)([0-9]*)`)

// compareNatural compares runs of text and runs of digits in turn.
func compareNatural(a, b string) int {
	as, bs := textAndNumber.Get().FindAllStringSubmatch(a, -1), textAndNumber.Get().FindAllStringSubmatch(b, -1)
	return slices.CompareFunc(as, bs, func(x, y []string) int {
		if d := strings.Compare(x[1], y[1]); d != 0 {
			return d
		}
		return numberOf(x[2]) - numberOf(y[2])
	})
}

// numberOf returns the value of digits; no digits come before all digits.
func numberOf(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// hatchSpecs prints clauses as packaging's SpecifierSet does: as written, sorted, each once.
func (d dependency) hatchSpecs() string {
	var out []string
	for _, s := range d.specs {
		out = append(out, s.op+s.version)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ",")
}

// addRequirements adds the dependencies, sorted by their text, then those of each extra.
func (h *hatch) addRequirements(b *strings.Builder) {
	for _, d := range h.requirementTexts(h.project.dependencies) {
		fmt.Fprintf(b, "Requires-Dist: %s\n", d)
	}
	extras := slices.SortedFunc(slices.Values(h.project.extras), func(a, b extra) int {
		return strings.Compare(name.Normalize(a.name), name.Normalize(b.name))
	})
	for _, e := range extras {
		normal := name.Normalize(e.name)
		fmt.Fprintf(b, "Provides-Extra: %s\n", normal)
		for _, d := range h.requirementTexts(e.deps) {
			if head, marker, ok := strings.Cut(d, ";"); ok {
				fmt.Fprintf(b, "Requires-Dist: %s; (%s) and extra == '%s'\n", head, strings.TrimSpace(marker), normal)
			} else {
				fmt.Fprintf(b, "Requires-Dist: %s; extra == '%s'\n", d, normal)
			}
		}
	}
}

// requirementTexts prints requirements, sorted, each once. A project that requires itself means the lists of other
// extras, whose merging is not reproduced.
func (h *hatch) requirementTexts(list []requirement) []string {
	var out []string
	for _, d := range list {
		if d.normalName() == name.Normalize(h.project.name) {
			h.refusef(d.pos, "%s requires itself", h.project.name)
		}
		out = append(out, d.hatchText())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hatchText prints a requirement as packaging does, with single quotes.
func (d requirement) hatchText() string {
	s := d.normalName()
	if len(d.extras) > 0 {
		var extras []string
		for _, e := range d.extras {
			extras = append(extras, name.Normalize(e))
		}
		slices.Sort(extras)
		s += "[" + strings.Join(slices.Compact(extras), ",") + "]"
	}
	s += strings.ToLower(d.hatchSpecs())
	if d.marker != nil {
		s += "; " + strings.ReplaceAll(d.marker.text(true), `"`, "'")
	}
	return s
}

// text prints a marker with its written structure; inner lists have parentheses.
func (n *markerNode) text(outermost bool) string {
	if n.leaf() {
		return n.left + " " + n.op + " " + n.right
	}
	var out strings.Builder
	out.WriteString(n.kids[0].text(false))
	for i, word := range n.words {
		out.WriteString(" " + word + " " + n.kids[i+1].text(false))
	}
	if outermost {
		return out.String()
	}
	return "(" + out.String() + ")"
}

// addReadme adds the description. An empty one leaves no trace, not even its type.
func (h *hatch) addReadme(b *strings.Builder) {
	r := h.project.readme
	contentType, body := r.contentType, r.text
	if r.set && !r.inline {
		body = universalNewlines(h.readText(r.file, r.pos))
	}
	if r.set && contentType == "" {
		lower := strings.ToLower(r.file)
		contentType = map[string]string{".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}[path.Ext(lower)]
	}
	if r.set && !slices.Contains([]string{"text/markdown", "text/x-rst", "text/plain"}, contentType) {
		h.problemf(r.pos, "project.readme: the type of %q is not known", r.file+r.contentType)
	}
	if body != "" {
		fmt.Fprintf(b, "Description-Content-Type: %s\n\n%s", contentType, body)
	}
}

// entryPoints writes entry_points.txt, "" when there are none.
func (h *hatch) entryPoints() string {
	groups := []group{{"console_scripts", h.project.scripts}, {"gui_scripts", h.project.guiScripts}}
	groups = append(groups, slices.SortedFunc(slices.Values(h.project.entryPoints), func(a, b group) int {
		return strings.Compare(a.name, b.name)
	})...)
	var b strings.Builder
	for _, g := range groups {
		if len(g.entries) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n[%s]\n", g.name)
		for _, e := range sortedPairs(g.entries) {
			fmt.Fprintf(&b, "%s = %s\n", e.key, e.value)
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}
