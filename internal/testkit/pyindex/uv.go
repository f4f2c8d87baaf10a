package pyindex

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
)

// UVLock returns the uv.lock of a project, given its pyproject.toml: the newest wheels of the index, with their
// addresses on it and their sizes.
func UVLock(x *Index, data []byte) ([]byte, error) {
	p, err := readProject(data)
	if err != nil {
		return nil, err
	}
	packages, err := resolve(p, x.Wheels())
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version = 1\nrevision = 3\nrequires-python = %q\n", p.python)
	entries := map[string]string{name.Normalize(p.name): uvRoot(p)}
	for _, c := range packages {
		entries[c.name] = uvPackage(x, c)
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		b.WriteString("\n[[package]]\n" + entries[key])
	}
	return []byte(b.String()), nil
}

// ScriptLock is the lock of a script, given what its block of metadata says as a pyproject.toml: in place of a project it has
// the requirements of the script.
func ScriptLock(x *Index, data []byte) ([]byte, error) {
	p, err := readProject(data)
	if err != nil {
		return nil, err
	}
	packages, err := resolve(p, x.Wheels())
	if err != nil {
		return nil, err
	}
	out := fmt.Sprintf("version = 1\nrevision = 3\nrequires-python = %q\n\n[manifest]\n", p.python) + uvEdges("requirements", p.main, true)
	for _, c := range packages {
		out += "\n[[package]]\n" + uvPackage(x, c)
	}
	return []byte(out), nil
}

// uvRoot is the project itself, with what it asked for when it was locked.
func uvRoot(p *project) string {
	var b strings.Builder
	kind := "virtual"
	if p.packaged {
		kind = "editable"
	}
	fmt.Fprintf(&b, "name = %q\nversion = %q\nsource = { %s = \".\" }\n", name.Normalize(p.name), p.version, kind)
	b.WriteString(uvEdges("dependencies", p.main, false))
	groups := slices.Sorted(maps.Keys(p.groups))
	if len(groups) > 0 {
		b.WriteString("\n[package.dev-dependencies]\n")
		for _, g := range groups {
			b.WriteString(uvEdges(g, p.groups[g], false))
		}
	}
	b.WriteString("\n[package.metadata]\n" + uvEdges("requires-dist", p.main, true))
	if len(groups) > 0 {
		b.WriteString("\n[package.metadata.requires-dev]\n")
		for _, g := range groups {
			b.WriteString(uvEdges(g, p.groups[g], true))
		}
	}
	return b.String()
}

// uvEdges is a list of requirements, with what they ask for or without.
func uvEdges(key string, list []requirement.Requirement, specifiers bool) string {
	if len(list) == 0 {
		return ""
	}
	out := key + " = [\n"
	for _, r := range list {
		out += fmt.Sprintf("    { name = %q", name.Normalize(r.Name))
		if !r.Marker.IsZero() {
			out += fmt.Sprintf(", marker = %q", r.Marker.String())
		}
		if s := r.Specifiers.String(); specifiers && s != "" {
			out += fmt.Sprintf(", specifier = %q", s)
		}
		out += " },\n"
	}
	return out + "]\n"
}

func uvPackage(x *Index, c *chosen) string {
	out := fmt.Sprintf("name = %q\nversion = %q\nsource = { registry = \"https://pypi.org/simple\" }\n", c.name, c.version)
	out += uvEdges("dependencies", c.requires, false) + "wheels = [\n"
	for _, w := range c.wheels {
		out += fmt.Sprintf("    { url = %q, hash = %q, size = %d },\n", x.FileURL(w), w.Hash(), len(w.Bytes()))
	}
	return out + "]\n"
}
