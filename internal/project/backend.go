package project

import (
	"errors"

	"github.com/lithe-build/lithe/internal/diag"
)

// Backend is how wheels of the project are built: [build-system].
// See https://packaging.python.org/en/latest/specifications/pyproject-toml/ on [build-system].
type Backend struct {
	Name        string        // "poetry.core.masonry.api"
	Pos         diag.Position // of the name, else of [build-system]
	Requires    []string      // requirements of the build
	RequiresPos diag.Position
	Path        []string // backend-path: the backend is part of the project's own code
}

// legacyBackend is what the specification takes where [build-system] names no backend.
const legacyBackend = "setuptools.build_meta:__legacy__"

func (p *Project) readBackend(list *diag.List) {
	t := p.Pyproject.Table("build-system")
	if v := p.Pyproject.Value("build-system"); v != nil && t == nil {
		list.Addf(v.Pos, "metadata", "build-system is of type %s, not a table", v.Kind())
	}
	if t == nil {
		return
	}
	b := &p.Backend
	b.Name, b.Pos = oneText(list, "build-backend", t)
	if b.Name == "" {
		b.Name, b.Pos = legacyBackend, t.Pos
	}
	b.Requires, b.RequiresPos, b.Path = t.Strings("requires"), t.KeyPos("requires"), t.Strings("backend-path")
	if !t.Has("requires") {
		list.Add(&diag.Error{Pos: t.Pos, Code: "metadata", What: "[build-system] has no requires",
			Hint: "name the backend's distribution: requires = [\"hatchling\"]"})
	}
}

// switches are keys by which tools say whether a project is a package. The first that is set decides.
var switches = []struct{ tool, key string }{{"poetry", "package-mode"}, {"uv", "package"}, {"pdm", "distribution"}}

// decidePackage decides whether the project is installed as a wheel.
func (p *Project) decidePackage() {
	for _, s := range switches {
		t := p.Pyproject.Table("tool", s.tool)
		on, ok := t.Bool(s.key)
		if !ok {
			continue
		}
		key := "tool." + s.tool + "." + s.key
		switch {
		case !on:
			p.setPackage(false, key+" is false", t.KeyPos(s.key), key)
			return
		case p.Backend.Name == "" && s.tool == "uv": // uv then builds with setuptools
			p.Backend = Backend{Name: legacyBackend, Pos: t.KeyPos(s.key)}
			p.setPackage(true, key+" is true", t.KeyPos(s.key), key)
			return
		}
	}
	if p.Backend.Name == "" {
		var pos diag.Position // no line of lithe.toml, which may not even be there, says anything about it
		if p.File != "" {
			pos = diag.Position{File: p.File, Line: 1}
		}
		p.setPackage(false, "there is no build backend", pos, "build-system.build-backend")
		return
	}
	p.setPackage(true, "the build backend is "+p.Backend.Name, p.Backend.Pos, "build-system.build-backend")
}

func (p *Project) setPackage(is bool, reason string, pos diag.Position, override string) {
	value := "the files are copied to /app"
	if is {
		value = "the project is installed as a wheel"
	}
	p.Package = is
	if !is {
		p.Backend = Backend{}
	}
	p.reason = Evidence{Decision: "package", Value: value, Reason: reason, Pos: pos, Override: override}
	for i, e := range p.Evidence {
		if e.Decision == "package" {
			p.Evidence[i] = p.reason
			return
		}
	}
	p.Evidence = append(p.Evidence, p.reason)
}

// WithoutModule returns the project as one that is no package, because its backend's own rules find no module to put
// into a wheel. The cause is what the backend says. It is also a warning, since somebody may have meant otherwise.
func (p *Project) WithoutModule(cause error) *Project {
	c := *p
	c.Evidence = append([]Evidence(nil), p.Evidence...)
	pos, reason := p.Backend.Pos, cause.Error()
	if problem, ok := errors.AsType[*diag.Error](cause); ok {
		reason = problem.What
		if problem.Pos.File != "" {
			pos = problem.Pos
		}
	}
	c.setPackage(false, p.Backend.Name+" finds nothing to package: "+reason, pos, "build-system.build-backend")
	c.Warnings = append(append(diag.List(nil), p.Warnings...), &diag.Error{Pos: pos, Code: "not-a-package",
		What: reason + ", so the files of the project are copied to /app",
		Hint: "if it is meant as a package, tell " + p.Backend.Name + " where the module is; if not, remove [build-system]"})
	return &c
}
