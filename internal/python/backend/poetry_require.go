package backend

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// comparePaths orders as Python's pathlib does, component by component.
func comparePaths(a, b string) int { return entry.ComparePaths(a, b) }

// poetryRequirement is a dependency in the parts that poetry-core prints.
type poetryRequirement struct {
	name     string
	extras   []string // normalized, sorted
	version  string   // ">=1,<2", "" for any
	markers  []string // joined by "and"
	optional bool
	inExtras []string // the project's extras that ask for it
}

// addRequirements adds Provides-Extra and Requires-Dist, both sorted by their text.
func (p *poetry) addRequirements(add func(key, value string)) {
	list, extras := p.projectRequirements()
	if len(p.project.dependencies) == 0 && len(p.project.extras) == 0 {
		list, extras = p.toolRequirements()
	}
	slices.Sort(extras)
	for _, e := range extras {
		add("Provides-Extra", e)
	}
	var texts []string
	for _, r := range list {
		if !r.optional || len(r.inExtras) > 0 {
			texts = append(texts, r.text())
		}
	}
	slices.Sort(texts)
	for _, t := range texts {
		add("Requires-Dist", t)
	}
}

// projectRequirements reads [project].
func (p *poetry) projectRequirements() (list []poetryRequirement, extras []string) {
	if p.tool.Has("extras") && len(p.project.dependencies)+len(p.project.extras) > 0 {
		p.refusef(p.tool.KeyPos("extras"), "tool.poetry.extras stands beside the dependencies of [project]")
	}
	for _, d := range p.project.dependencies {
		list = append(list, p.fromPEP508(d))
	}
	for _, e := range p.project.extras {
		normal := name.Normalize(e.name)
		extras = append(extras, normal)
		for _, d := range e.deps {
			r := p.fromPEP508(d)
			r.inExtras = []string{normal}
			list = append(list, r)
		}
	}
	return list, extras
}

// fromPEP508 converts a requirement of [project].
func (p *poetry) fromPEP508(d requirement) poetryRequirement {
	var clauses []string
	for _, s := range d.specs {
		clauses = append(clauses, s.op+s.version)
	}
	b, err := parsePoetryConstraint(strings.Join(clauses, ","), true)
	if err != nil {
		p.refusef(d.pos, "%s has versions that it does not print (%v)", d.name, err)
	}
	markers, ok := poetryMarker(d.marker)
	if !ok {
		p.refusef(d.pos, "%s has a marker that it would simplify", d.name)
	}
	return poetryRequirement{name: d.name, extras: normalExtras(d.extras), version: b.text(), markers: markers}
}

// toolRequirements reads [tool.poetry.dependencies] and [tool.poetry.extras].
func (p *poetry) toolRequirements() (list []poetryRequirement, extras []string) {
	deps := p.tool.Table("dependencies")
	for _, key := range deps.Keys() {
		if strings.EqualFold(key, "python") {
			continue
		}
		v := deps.Value(key)
		if rows := v.Array(); rows != nil {
			for _, row := range rows {
				list = append(list, p.fromTool(key, row, deps.KeyPos(key)))
			}
			continue
		}
		list = append(list, p.fromTool(key, v, deps.KeyPos(key)))
	}
	byName := map[string][]int{}
	for i := range list {
		byName[name.Normalize(list[i].name)] = append(byName[name.Normalize(list[i].name)], i)
	}
	count := 0
	for _, e := range p.tool.Table("extras").Keys() {
		normal := name.Normalize(e)
		if extras = append(extras, normal); !p.short(p.tool.Table("extras"), e) {
			return nil, nil
		}
		for _, member := range p.strs(p.tool.Table("extras"), "tool.poetry.extras", e) {
			rows := byName[name.Normalize(member.s)]
			if len(rows) == 0 {
				p.problemf(member.pos, "tool.poetry.extras.%s: %q is not among the dependencies", e, member.s)
			}
			if count += len(rows); count > maxInExtras {
				p.problemf(member.pos, "tool.poetry.extras has more than %d dependencies", maxInExtras)
				return nil, nil
			}
			for _, i := range rows {
				list[i].inExtras = append(list[i].inExtras, normal)
			}
		}
	}
	return list, extras
}

// maxInExtras is how many rows of dependencies all extras may have; one dependency may have several rows.
const maxInExtras = 100_000

// fromTool converts a row of [tool.poetry.dependencies]: a constraint, or a table.
func (p *poetry) fromTool(key string, v *toml.Value, pos diag.Position) poetryRequirement {
	r := poetryRequirement{name: key}
	constraint, isText := v.Str()
	t, isTable := v.AsTable()
	if !isText && !isTable {
		p.problemf(pos, "tool.poetry.dependencies.%s is of type %s", key, v.Kind())
	}
	where := "tool.poetry.dependencies." + key
	// Where a dependency comes from, and whether pre-releases are wanted, decides the lock file and not the wheel. Only for
	// one by path poetry-core prints where that is on this machine; lithe leaves it out, which would be no pure function.
	p.only(t, where, "version", "optional", "extras", "python", "platform", "markers", "source", "allow-prereleases", "path", "develop")
	if isTable {
		constraint = p.str(t, where, "version")
		r.optional = p.flag(t, where, "optional", false)
		for _, e := range p.strs(t, where, "extras") {
			r.extras = append(r.extras, e.s)
		}
		r.extras = normalExtras(r.extras)
		r.markers = p.toolMarkers(t, where)
	}
	b, err := parsePoetryConstraint(constraint, false)
	if err != nil {
		p.refusef(pos, "%s has the constraint %q (%v)", where, constraint, err)
	}
	r.version = b.text()
	return r
}

// toolMarkers joins markers, python and platform, in this order.
func (p *poetry) toolMarkers(t *toml.Table, where string) (out []string) {
	if t.Has("markers") {
		d, err := parseDependency("x;" + p.str(t, where, "markers"))
		if err != nil {
			p.problemf(t.KeyPos("markers"), "%s.markers: %v", where, err)
		}
		markers, ok := poetryMarker(d.marker)
		if !ok || len(markers) > 0 && (t.Has("python") || t.Has("platform")) {
			p.refusef(t.KeyPos("markers"), "%s.markers would be simplified", where)
		}
		out = markers
	}
	if python := p.str(t, where, "python"); python != "" && python != "*" {
		b, err := parsePoetryConstraint(python, false)
		markers, ok := pythonMarkers(b)
		if err != nil || !ok {
			p.refusef(t.KeyPos("python"), "%s.python is %q", where, python)
		}
		out = append(out, markers...)
	}
	if platform := p.str(t, where, "platform"); platform != "" {
		op := "=="
		if rest, ok := strings.CutPrefix(platform, "!="); ok {
			op, platform = "!=", rest
		}
		if strings.ContainsAny(platform, " ,|=!<>\"'") {
			p.refusef(t.KeyPos("platform"), "%s.platform is %q", where, platform)
		}
		out = append(out, "sys_platform "+op+` "`+platform+`"`)
	}
	return out
}

// pythonMarkers prints a range of minor versions.
func pythonMarkers(b bounds) (out []string, ok bool) {
	if b.exact != nil {
		return []string{`python_version == "` + b.exact.text + `"`}, minorVersion.MatchString(b.exact.text)
	}
	if len(b.exclude) > 0 {
		return nil, false
	}
	if b.low != nil {
		if !b.low.inclusive || strings.Count(b.low.text, ".") > 1 {
			return nil, false
		}
		out = append(out, `python_version >= "`+b.low.text+`"`)
	}
	if b.high != nil {
		if b.high.inclusive || strings.Count(b.high.text, ".") > 1 {
			return nil, false
		}
		out = append(out, `python_version < "`+b.high.text+`"`)
	}
	return oneMinor(b, out), true
}

// oneMinor shortens a range of exactly one minor version, as poetry-core does.
func oneMinor(b bounds, out []string) []string {
	if b.low != nil && b.high != nil && minorVersion.MatchString(b.low.text) && nextMinor(b.low.text) == b.high.text {
		return []string{`python_version == "` + b.low.text + `"`}
	}
	return out
}

// poetryMarker prints a marker, for the part that poetry-core leaves as it is written: comparisons of different
// variables, and a range of Python versions; or alternatives of equal kind.
func poetryMarker(n *markerNode) (out []string, ok bool) {
	list, ok := n.conjunction()
	if !ok {
		return poetryAlternatives(n)
	}
	seen := map[string]string{}
	for i, c := range list {
		switch {
		case c.left == "python_full_version" || c.left == "platform_release" || strings.HasPrefix(c.value(), " ") || c.value() == "":
			return nil, false
		case c.left == "python_version" && !minorVersion.MatchString(c.value()):
			return nil, false
		case seen[c.left] != "":
			if !adjacentRange(list, i) {
				return nil, false
			}
		case c.op != "==" && c.op != "!=" && c.left != "python_version":
			return nil, false
		}
		seen[c.left] += c.op
		out = append(out, c.left+" "+c.op+" "+c.right)
	}
	return out, true
}

// poetryAlternatives prints different values of variables that are compared with ==, with "or" between them.
func poetryAlternatives(n *markerNode) (out []string, ok bool) {
	if n.leaf() || slices.Contains(n.words, "and") {
		return nil, false
	}
	var parts []string
	seen := map[string]bool{}
	for _, c := range n.kids {
		one, simple := c.conjunction()
		if !simple || len(one) != 1 || c.op != "==" || strings.HasPrefix(c.left, "python_") || c.left == "platform_release" ||
			strings.TrimSpace(c.value()) != c.value() || c.value() == "" || strings.ContainsAny(c.value(), " ,|") {
			return nil, false
		}
		text := c.left + " == " + c.right
		if seen[text] {
			return nil, false
		}
		seen[text] = true
		parts = append(parts, text)
	}
	return []string{strings.Join(parts, " or ")}, true
}

// adjacentRange reports whether comparison i is the upper end of a Python range that begins right before it and has
// more than one minor version.
func adjacentRange(list []*markerNode, i int) bool {
	high, low := list[i], list[i-1]
	if high.left != "python_version" || low.left != "python_version" || high.op != "<" || low.op != ">=" ||
		i > 1 && list[i-2].left == "python_version" {
		return false
	}
	return version.MustParse(nextMinor(low.value())).Compare(version.MustParse(high.value())) < 0
}

// text prints the requirement as to_pep_508 does.
func (r poetryRequirement) text() string {
	s := r.name
	if len(r.extras) > 0 {
		s += "[" + strings.Join(r.extras, ",") + "]"
	}
	if r.version != "" {
		s += " (" + r.version + ")"
	}
	marker := strings.Join(r.markers, " and ")
	if len(r.inExtras) > 0 {
		var parts []string
		for _, e := range r.inExtras {
			parts = append(parts, `extra == "`+e+`"`)
		}
		asked := strings.Join(parts, " or ")
		if marker != "" {
			marker = "(" + marker + ") and (" + asked + ")"
		} else {
			marker = asked
		}
	}
	if marker != "" {
		s += " ; " + marker
	}
	return s
}
