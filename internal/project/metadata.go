package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// Metadata is what [project] says, or [tool.poetry] where that is silent.
type Metadata struct {
	Name    string // as written; "" when the project has none
	NamePos diag.Position

	Version    string // as written; "" when there is none, or when it is dynamic
	VersionPos diag.Position
	Dynamic    bool // the version is made by the build backend, from code or from version control

	RequiresPython    string             // as written: a version specifier, or a constraint in Poetry's own language
	RequiresPythonPos diag.Position      //
	PythonSpecifiers  version.Specifiers // of RequiresPython; nil when absent, or in Poetry's language

	Scripts []Script // console scripts, sorted by name
}

// Script is a console script of the project.
type Script struct {
	Name   string
	Target string // "package.module:function"
	Pos    diag.Position
}

// NormalizedName returns the name that the project is known by in lock files; "" when it has none.
func (m Metadata) NormalizedName() string { return name.Normalize(m.Name) }

// readMetadata reads [project] and [tool.poetry]. Only what lithe uses is checked: the rest is the backend's.
func (p *Project) readMetadata(list *diag.List) {
	project, poetry := p.Pyproject.Table("project"), p.Pyproject.Table("tool", "poetry")
	if v := p.Pyproject.Value("project"); v != nil && project == nil {
		list.Addf(v.Pos, "metadata", "project is of type %s, not a table", v.Kind())
	}
	m := &p.Metadata
	m.Name, m.NamePos = oneText(list, "name", project, poetry)
	if m.Name != "" && !name.Valid(m.Name) {
		list.Add(&diag.Error{Pos: m.NamePos, Code: "metadata", What: fmt.Sprintf("%q is not a valid name of a project", m.Name),
			Hint: "use letters, digits, and between them dots, dashes and underscores"})
	}
	if project != nil && !project.Has("name") {
		list.Addf(project.Pos, "metadata", "[project] has no name")
	}
	m.readVersion(list, project, poetry)
	m.readRequiresPython(list, project, poetry)
	m.readScripts(list, project, poetry)
}

// oneText returns a string of the first table that has the key.
func oneText(list *diag.List, key string, tables ...*toml.Table) (string, diag.Position) {
	for _, t := range tables {
		if v := t.Value(key); v != nil {
			s, ok := v.Str()
			if !ok {
				list.Addf(v.Pos, "metadata", "%s is of type %s, not a string", key, v.Kind())
			}
			return s, v.Pos
		}
	}
	return "", diag.Position{}
}

func (m *Metadata) readVersion(list *diag.List, project, poetry *toml.Table) {
	m.Version, m.VersionPos = oneText(list, "version", project, poetry)
	if m.Version != "" {
		if _, err := version.Parse(m.Version); err != nil {
			list.Add(&diag.Error{Pos: m.VersionPos, Code: "metadata", What: err.Error(),
				Hint: "see https://packaging.python.org/en/latest/specifications/version-specifiers/"})
		}
		return
	}
	// That it is dynamic is no problem yet: a project whose files are copied needs no version.
	if slices.Contains(project.Strings("dynamic"), "version") {
		m.Dynamic, m.VersionPos = true, project.KeyPos("dynamic")
	}
}

func (m *Metadata) readRequiresPython(list *diag.List, project, poetry *toml.Table) {
	if m.readStandardPython(list, project); m.RequiresPython != "" {
		return
	}
	m.RequiresPython, m.RequiresPythonPos = oneText(list, "python", poetry.Table("dependencies"))
	if specifiers, err := version.ParseSpecifiers(m.RequiresPython); err == nil {
		m.PythonSpecifiers = specifiers // Poetry reads PEP 440 too; its "^3.12" is read with the lock
	}
}

// readStandardPython reads requires-python where it is a version specifier.
func (m *Metadata) readStandardPython(list *diag.List, in *toml.Table) {
	m.RequiresPython, m.RequiresPythonPos = oneText(list, "requires-python", in)
	if m.RequiresPython == "" {
		return
	}
	var err error
	if m.PythonSpecifiers, err = version.ParseSpecifiers(m.RequiresPython); err != nil {
		list.Add(&diag.Error{Pos: m.RequiresPythonPos, Code: "metadata", What: "requires-python: " + err.Error()})
	}
}

// readScripts reads the console scripts, which Poetry lets stand in either table.
func (m *Metadata) readScripts(list *diag.List, project, poetry *toml.Table) {
	seen := map[string]bool{}
	for _, t := range []*toml.Table{project.Table("scripts"), poetry.Table("scripts")} {
		for _, key := range t.Keys() {
			v := t.Value(key)
			target, ok := v.Str()
			if in, isTable := v.AsTable(); isTable { // Poetry: {reference = "…", type = "console"}
				target, ok = in.String("reference"), true
			}
			if !ok {
				list.Addf(v.Pos, "metadata", "the script %s is of type %s, not a string", key, v.Kind())
				continue
			}
			if !seen[key] {
				seen[key] = true
				m.Scripts = append(m.Scripts, Script{key, target, t.KeyPos(key)})
			}
		}
	}
	slices.SortFunc(m.Scripts, func(a, b Script) int { return strings.Compare(a.Name, b.Name) })
}

// StaticVersion returns the version, and where it is dynamic or missing the problem that a wheel cannot be made. Only
// who makes a wheel asks: a project whose files are copied needs no version.
func (p *Project) StaticVersion() (string, error) {
	what := "the version of " + p.Name + " is dynamic"
	switch {
	case p.Version != "":
		return p.Version, nil
	case !p.Dynamic:
		what = "the project has no version"
		if p.Name != "" {
			what = p.Name + " has no version"
		}
	}
	pos := p.VersionPos
	if pos.File == "" {
		pos = diag.Position{File: p.File, Line: 1}
	}
	return "", &diag.Error{Pos: pos, Code: "dynamic-version", What: what,
		Hint: "wheels are made of static metadata so far: write `version = \"…\"` into [project]"}
}
