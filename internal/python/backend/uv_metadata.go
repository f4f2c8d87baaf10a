package backend

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
)

// header writes METADATA of uv: a value of several lines continues below itself.
type header struct{ strings.Builder }

// add adds a field; further lines of the value are indented, so that readers take them for the same field.
func (h *header) add(key, value string) {
	lines := strings.Split(strings.TrimSuffix(value, "\n"), "\n")
	for i, line := range lines {
		if i == 0 {
			fmt.Fprintf(h, "%s: %s\n", key, strings.TrimSuffix(line, "\r"))
		} else {
			fmt.Fprintf(h, "%s%s\n", strings.Repeat(" ", len(key)+2), strings.TrimSuffix(line, "\r"))
		}
	}
}

// optional adds a field that has a value.
func (h *header) optional(key, value string) {
	if value != "" {
		h.add(key, value)
	}
}

// metadata writes METADATA in uv's order of fields.
func (u *uv) metadata(licenseFiles []string) []byte {
	p, t := u.project, u.project.table
	u.oneLine(t.KeyPos("description"), "project.description", p.description)
	h := &header{}
	h.add("Metadata-Version", u.metadataVersion())
	h.add("Name", p.name)
	h.add("Version", p.version.String())
	if t.Has("description") {
		h.add("Summary", p.description)
	}
	if t.Has("keywords") {
		h.add("Keywords", joinTexts(p.keywords, ","))
	}
	names, emails := uvPeople(p.authors)
	h.optional("Author", names)
	h.optional("Author-email", emails)
	u.addLicense(h, licenseFiles)
	for _, c := range p.classifiers {
		h.add("Classifier", c.s)
	}
	extras := u.addRequirements(h)
	names, emails = uvPeople(p.maintainers)
	h.optional("Maintainer", names)
	h.optional("Maintainer-email", emails)
	if t.Has("requires-python") {
		python, ok := uvSpecifiers(p.requiresPython)
		if !ok {
			u.refusef(t.KeyPos("requires-python"), "project.requires-python is %q", p.requiresPython)
		}
		h.add("Requires-Python", python)
	}
	for _, url := range p.urls {
		h.add("Project-URL", url.key+", "+url.value)
	}
	for _, e := range extras {
		h.add("Provides-Extra", e)
	}
	u.addReadme(h)
	return []byte(h.String())
}

// metadataVersion is raised by what PEP 639 brought.
func (u *uv) metadataVersion() string {
	if u.project.licenseFiles != nil || u.project.license.s != "" {
		return "2.4"
	}
	return "2.3"
}

// addLicense adds the expression as written (uv checks it but keeps its case), or the old text.
func (u *uv) addLicense(h *header, files []string) {
	p := u.project
	switch {
	case p.license.s != "":
		if _, ok := canonicalExpression(p.license.s); !ok {
			u.refusef(p.license.pos, "project.license is %q, of which it does not know every identifier", p.license.s)
		}
		h.add("License-Expression", p.license.s)
	case p.licenseText != "":
		h.add("License", p.licenseText)
	case p.licenseFile != "":
		h.add("License", u.readText(p.licenseFile, p.table.KeyPos("license")))
	}
	for _, f := range files {
		h.add("License-File", f)
	}
}

// addRequirements adds dependencies and then those of the extras, by name, and returns the names.
func (u *uv) addRequirements(h *header) (extras []string) {
	for _, d := range u.project.dependencies {
		h.add("Requires-Dist", u.requirement(d, ""))
	}
	sorted := slices.SortedStableFunc(slices.Values(u.project.extras), func(a, b extra) int {
		return strings.Compare(name.Normalize(a.name), name.Normalize(b.name))
	})
	for _, e := range sorted {
		normal := name.Normalize(e.name)
		for _, d := range e.deps {
			h.add("Requires-Dist", u.requirement(d, normal))
		}
		extras = append(extras, normal)
	}
	return extras
}

// addReadme adds the description, byte for byte: no end of line is converted or added.
func (u *uv) addReadme(h *header) {
	r := u.project.readme
	if !r.set {
		return
	}
	contentType, body := r.contentType, r.text
	if contentType == "" {
		contentType = map[string]string{".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}[path.Ext(r.file)]
	}
	if !slices.Contains([]string{"text/markdown", "text/x-rst", "text/plain"}, contentType) {
		u.problemf(r.pos, "project.readme: the type of %q is not known", r.file+r.contentType)
	}
	if !r.inline {
		body = u.readText(r.file, r.pos)
	}
	h.add("Description-Content-Type", contentType)
	h.WriteString("\n" + body)
}

// uvPeople splits people: a name goes to Author even where the address has it too.
func uvPeople(list []person) (names, emails string) {
	var n, e []string
	for _, p := range list {
		if p.name != "" {
			n = append(n, p.name)
		}
		switch {
		case p.email != "" && p.name != "":
			e = append(e, p.name+" <"+p.email+">")
		case p.email != "":
			e = append(e, p.email)
		}
	}
	return strings.Join(n, ", "), strings.Join(e, ", ")
}

// joinTexts joins strings, forgetting their places.
func joinTexts(list []text, sep string) string {
	var out []string
	for _, t := range list {
		out = append(out, t.s)
	}
	return strings.Join(out, sep)
}

// uvSpecifiers prints the clauses of Requires-Python. The text was checked before.
func uvSpecifiers(s string) (string, bool) {
	d := dependency{}
	if err := d.parseSpecs(s); err != nil {
		return s, false
	}
	return d.uvSpecs(", ")
}

// uvSpecs prints clauses in order of versions, normalized. Two of equal version have an order that is uv's own.
func (d dependency) uvSpecs(sep string) (string, bool) {
	type clause struct {
		v    version.Version
		text string
	}
	var list []clause
	for _, s := range d.specs {
		stem, wild := strings.CutSuffix(s.version, ".*")
		v, err := version.Parse(stem)
		if err != nil {
			return "", false
		}
		text := s.op + v.String()
		if wild {
			text += ".*"
		}
		list = append(list, clause{v, text})
	}
	slices.SortStableFunc(list, func(a, b clause) int { return a.v.Compare(b.v) })
	var out []string
	for i, c := range list {
		if i > 0 && c.v.Compare(list[i-1].v) == 0 {
			return "", false
		}
		out = append(out, c.text)
	}
	return strings.Join(out, sep), true
}

// requirement prints a dependency, with the extra that asks for it.
func (u *uv) requirement(d requirement, extra string) string {
	s := d.normalName()
	if len(d.extras) > 0 {
		var extras []string
		for _, e := range d.extras {
			extras = append(extras, name.Normalize(e))
		}
		s += "[" + strings.Join(extras, ",") + "]"
	}
	specs, ok := d.uvSpecs(",")
	if !ok {
		u.refusef(d.pos, "%s has two clauses with the same version", d.name)
	}
	s += specs
	marker, ok := uvMarker(d.marker)
	if !ok {
		u.refusef(d.pos, "%s has a marker that it would simplify", d.name)
	}
	if extra != "" {
		marker = append(marker, "extra == '"+extra+"'")
	}
	if len(marker) > 0 {
		s += " ; " + strings.Join(marker, " and ")
	}
	return s
}

// minorVersion is a Python version as python_version has it.
var minorVersion = lazyregexp.New(`^3\.(\d{1,3})$`)

// uvOrder is the order in which uv prints variables, behind the version of Python. Of those in the second list it
// knows which values exclude each other, so that only one of them may occur.
var (
	uvOrder    = []string{"implementation_name", "os_name", "platform_machine", "platform_python_implementation", "platform_system", "platform_version", "sys_platform"}
	uvPlatform = []string{"os_name", "platform_system", "sys_platform"}
)

// uvMarker prints a marker as uv's decision diagram does, for the part where that is plain: bounds of python_version,
// and comparisons of different other variables.
func uvMarker(n *markerNode) (out []string, ok bool) {
	list, ok := n.conjunction()
	if !ok {
		return nil, false
	}
	var low, high string
	others := map[string]string{}
	platforms := 0
	for _, c := range list {
		if c.left != "python_version" {
			if slices.Contains(uvPlatform, c.left) {
				platforms++
			}
			if others[c.left] != "" || !slices.Contains(uvOrder, c.left) || c.op != "==" && c.op != "!=" || platforms > 1 {
				return nil, false
			}
			others[c.left] = c.left + " " + c.op + " '" + c.value() + "'"
			continue
		}
		if !minorVersion.MatchString(c.value()) {
			return nil, false
		}
		switch {
		case c.op == ">=" && low == "":
			low = c.value()
		case c.op == ">" && low == "":
			low = nextMinor(c.value())
		case c.op == "<" && high == "":
			high = c.value()
		case c.op == "<=" && high == "":
			high = nextMinor(c.value())
		case len(list) == 1 && (c.op == "==" || c.op == "!="):
			return []string{"python_full_version " + c.op + " '" + c.value() + ".*'"}, true
		default:
			return nil, false
		}
	}
	if out, ok = uvPython(low, high); !ok {
		return nil, false
	}
	for _, variable := range uvOrder {
		if others[variable] != "" {
			out = append(out, others[variable])
		}
	}
	return out, true
}

// uvPython prints a range of Python versions; ok is false if it is empty.
func uvPython(low, high string) (out []string, ok bool) {
	if low != "" && high != "" {
		a, b := version.MustParse(low), version.MustParse(high)
		if a.Compare(b) >= 0 {
			return nil, false
		}
		if a.Minor()+1 == b.Minor() {
			return []string{"python_full_version == '" + low + ".*'"}, true
		}
	}
	if low != "" {
		out = append(out, "python_full_version >= '"+low+"'")
	}
	if high != "" {
		out = append(out, "python_full_version < '"+high+"'")
	}
	return out, true
}

// nextMinor turns 3.8 into 3.9. Other texts stay, and are refused by their form.
func nextMinor(v string) string {
	m := minorVersion.FindStringSubmatch(v)
	if m == nil {
		return v
	}
	minor, err := strconv.Atoi(m[1])
	if err != nil {
		return v
	}
	return "3." + strconv.Itoa(minor+1)
}

var (
	uvGroup  = lazyregexp.New(`^[\p{L}\p{N}_][\p{L}\p{N}._]*$`)
	uvScript = lazyregexp.New(`^[\p{L}\p{N}._-]*[\p{L}\p{N}_-][\p{L}\p{N}._-]*$`)
)

// entryPoints writes entry_points.txt; there is one as soon as one of the three tables is there.
func (u *uv) entryPoints() (string, bool) {
	t := u.project.table
	var b strings.Builder
	groups := []group{}
	if t.Has("scripts") {
		groups = append(groups, group{"console_scripts", u.project.scripts})
	}
	if t.Has("gui-scripts") {
		groups = append(groups, group{"gui_scripts", u.project.guiScripts})
	}
	for _, g := range slices.SortedFunc(slices.Values(u.project.entryPoints), func(a, b group) int {
		return strings.Compare(a.name, b.name)
	}) {
		if !uvGroup.MatchString(g.name) || g.name == "console_scripts" || g.name == "gui_scripts" {
			u.problemf(t.Table("entry-points").KeyPos(g.name), "%q cannot be a group of entry points", g.name)
		}
		groups = append(groups, g)
	}
	for i, g := range groups {
		fmt.Fprintf(&b, "[%s]\n", g.name)
		for _, e := range sortedPairs(g.entries) {
			if i < 2 && strings.HasSuffix(g.name, "_scripts") && !uvScript.MatchString(e.key) {
				u.problemf(e.pos, "%q cannot be the name of a command", e.key)
			}
			fmt.Fprintf(&b, "%s = %s\n", e.key, e.value)
		}
		b.WriteByte('\n')
	}
	return b.String(), t.Has("scripts") || t.Has("gui-scripts") || t.Has("entry-points")
}
