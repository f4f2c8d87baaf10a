package backend

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// metadata writes METADATA as pyproject_metadata does: a value of several lines continues below itself.
func (p *pdm) metadata(licences []string) []byte {
	pr := p.project
	h := &header{}
	h.add("Metadata-Version", p.metadataVersion())
	h.add("Name", pr.name)
	h.add("Version", pr.version.String())
	h.optional("Summary", pr.description)
	h.optional("Keywords", joinTexts(pr.keywords, ","))
	names, emails := hatchPeople(pr.authors)
	h.optional("Author", names)
	h.optional("Author-Email", emails)
	names, emails = hatchPeople(pr.maintainers)
	h.optional("Maintainer", names)
	h.optional("Maintainer-Email", emails)
	p.addLicense(h, licences)
	for _, c := range pr.classifiers {
		h.add("Classifier", c.s)
	}
	for _, u := range pr.urls {
		if len(u.key) > 32 {
			p.problemf(u.pos, "project.urls: %q has more than 32 characters", u.key)
		}
		h.add("Project-URL", u.key+", "+u.value)
	}
	python := dependency{}
	if err := python.parseSpecs(pr.requiresPython); err != nil {
		p.problemf(pr.table.KeyPos("requires-python"), "%v", err)
	}
	h.optional("Requires-Python", python.hatchSpecs())
	for _, d := range pr.dependencies {
		h.add("Requires-Dist", d.packagingText(""))
	}
	for _, e := range pr.extras {
		h.add("Provides-Extra", pdmExtra(e.name))
		for _, d := range e.deps {
			h.add("Requires-Dist", d.packagingText(pdmExtra(e.name)))
		}
	}
	p.addReadme(h)
	return []byte(h.String())
}

// metadataVersion is raised by what PEP 639 brought.
func (p *pdm) metadataVersion() string {
	if p.project.license.s != "" || p.project.licenseFiles != nil {
		return "2.4"
	}
	return "2.1"
}

// addLicense adds the expression as written, or the old text.
func (p *pdm) addLicense(h *header, licences []string) {
	pr := p.project
	switch {
	case pr.license.s != "":
		h.add("License-Expression", pr.license.s)
	case pr.licenseFile != "":
		h.addWhole("License", universalNewlines(p.readText(pr.licenseFile, pr.table.KeyPos("license"))))
	case pr.licenseText != "":
		h.addWhole("License", pr.licenseText)
	}
	if pr.licenseFiles != nil {
		for _, file := range licences {
			h.add("License-File", file)
		}
	}
}

// addWhole adds a field whose value may end with a line feed, behind which there is then a line of its own.
func (h *header) addWhole(key, value string) {
	indent := "\n" + strings.Repeat(" ", len(key)+2)
	h.WriteString(key + ": " + strings.ReplaceAll(value, "\n", indent) + "\n")
}

// addReadme adds the description, and the blank line that ends the fields with or without one.
func (p *pdm) addReadme(h *header) {
	r := p.project.readme
	if !r.set {
		h.WriteString("\n")
		return
	}
	contentType, body := r.contentType, r.text
	if !r.inline {
		body = universalNewlines(p.readText(r.file, r.pos))
	}
	if contentType == "" {
		contentType = map[string]string{".md": "text/markdown", ".rst": "text/x-rst"}[path.Ext(r.file)]
	}
	if contentType == "" {
		p.problemf(r.pos, "project.readme: the type of %q is not known", r.file)
	}
	h.add("Description-Content-Type", contentType)
	h.WriteString("\n" + body)
}

// entryPoints writes entry_points.txt, which always has both groups of scripts.
func (p *pdm) entryPoints() []byte {
	groups := append(slices.Clone(p.project.entryPoints), group{"console_scripts", p.project.scripts}, group{"gui_scripts", p.project.guiScripts})
	slices.SortStableFunc(groups, func(a, b group) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "[%s]\n", g.name)
		for _, e := range sortedPairs(g.entries) {
			fmt.Fprintf(&b, "%s = %s\n", e.key, e.value)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// packagingText prints a requirement as packaging's Requirement does, with the extra that asks for it.
func (d dependency) packagingText(extra string) string {
	s := d.name
	if len(d.extras) > 0 {
		extras := slices.Clone(d.extras)
		slices.Sort(extras)
		s += "[" + strings.Join(slices.Compact(extras), ",") + "]"
	}
	s += d.hatchSpecs()
	marker := ""
	if d.marker != nil {
		marker = d.marker.text(true)
	}
	switch {
	case extra == "":
	case marker == "":
		marker = `extra == "` + extra + `"`
	case slices.Contains(d.marker.words, "or"):
		marker = "(" + marker + `) and extra == "` + extra + `"`
	default:
		marker += ` and extra == "` + extra + `"`
	}
	if marker != "" {
		s += "; " + marker
	}
	return s
}
