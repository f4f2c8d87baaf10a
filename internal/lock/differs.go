package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// A lock that keeps a hash of what was wanted tells that something changed, and not what. What is wanted now, held against
// what is locked, tells most of it.

// wish is one requirement of a project.
type wish struct {
	name     string // normalised
	versions Constraint
	text     string // for messages: "click>=9"
}

// maxDifferences is how many differences a message names.
const maxDifferences = 5

// changed is the problem of a lock whose hash is another one.
func (s *source) changed(l *Lock, file string, pos diag.Position, wishes []wish) *diag.Error {
	what := file + " changed since " + s.path + " was written"
	found := s.differences(l, wishes)
	if n := len(found); n > maxDifferences {
		found = append(found[:maxDifferences], fmt.Sprintf("%d more", n-maxDifferences))
	}
	if len(found) > 0 {
		what += ": " + strings.Join(found, ", ")
	}
	return &diag.Error{Pos: pos, Code: "stale-lock", What: what, Hint: "run `" + s.format.lock + "`"}
}

// differences returns what is wanted and not locked, wanted in another version, and locked without being wanted by anybody.
func (s *source) differences(l *Lock, wishes []wish) (out []string) {
	locked, wanted := map[string][]string{}, map[string]bool{}
	for i := range l.Packages {
		p := &l.Packages[i]
		if i != l.Root {
			locked[p.Name] = append(locked[p.Name], p.Version)
			wantedBy(p, wanted)
		}
	}
	explained := len(wanted) > 0 // a format without edges cannot tell what nobody wants
	for _, w := range wishes {
		wanted[w.name] = true
		has := locked[w.name]
		if len(has) == 0 {
			out = append(out, "it lacks "+w.text)
		} else if s.look(diag.Position{File: s.path}, len(has)) && !slices.ContainsFunc(has, func(v string) bool { return w.admits(v) }) {
			out = append(out, fmt.Sprintf("it has %s %s, and %s is asked for", w.name, has[0], w.text))
		}
	}
	for i, p := range l.Packages {
		if explained && i != l.Root && !wanted[p.Name] && len(wishes) > 0 {
			wanted[p.Name] = true
			out = append(out, "nothing asks for "+p.Name+" any longer")
		}
	}
	return slices.Compact(out)
}

// wantedBy adds what a locked package depends on.
func wantedBy(p *Package, wanted map[string]bool) {
	for _, d := range p.Dependencies {
		wanted[d.Name] = true
	}
	for _, g := range p.Extras {
		for _, d := range g.Dependencies {
			wanted[d.Name] = true
		}
	}
}

// admits tells whether a locked version is wanted; what has no version cannot be judged.
func (w wish) admits(locked string) bool {
	v, err := version.Parse(locked)
	return err != nil || w.versions.Contains(v, true)
}

// standardWishes reads arrays of requirements. What cannot be read is the project stage's to report.
func standardWishes(own string, lists ...*toml.Value) (out []wish) {
	for _, list := range lists {
		for _, v := range list.Array() {
			text, _ := v.Str()
			q, err := requirement.Parse(text)
			if err != nil || name.Normalize(q.Name) == own {
				continue
			}
			versions, err := parseSpecifiers(q.Specifiers.String())
			if err == nil {
				out = append(out, wish{name.Normalize(q.Name), versions, q.Name + q.Specifiers.String()})
			}
		}
	}
	return out
}

// projectWishes are those of [project] and [dependency-groups].
func projectWishes(pyproject *toml.Table) []wish {
	project, groups := pyproject.Table("project"), pyproject.Table("dependency-groups")
	lists := []*toml.Value{project.Value("dependencies")}
	for _, t := range []*toml.Table{project.Table("optional-dependencies"), groups} {
		for _, key := range t.Keys() {
			lists = append(lists, t.Value(key))
		}
	}
	return standardWishes(name.Normalize(project.String("name")), lists...)
}

// tableWishes reads tables of names, as Poetry and Pipenv have them: a version, or a table that may have one.
func tableWishes(parse func(string) (Constraint, error), tables ...*toml.Table) (out []wish) {
	for _, t := range tables {
		for _, key := range t.Keys() {
			text, ok := t.Value(key).Str()
			if inner, isTable := t.Value(key).AsTable(); isTable {
				text, ok = inner.String("version"), true
			}
			if text == "*" {
				text = ""
			}
			versions, err := parse(text)
			if !ok || err != nil || key == "python" {
				continue // several versions by marker, or what its own tool would not read
			}
			shown := key
			if text != "" {
				shown += " " + text
			}
			out = append(out, wish{name.Normalize(key), versions, shown})
		}
	}
	return out
}
