package pyindex

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
)

// project is what a lock depends on. Extras are left out: no test here asks for them.
type project struct {
	name, version, python string
	packaged              bool // it has a build backend
	main                  []requirement.Requirement
	groups                map[string][]requirement.Requirement
	all                   map[string]any // pyproject.toml as it is
}

// pyproject is the part of pyproject.toml that is read: the standard's tables, and those of Poetry 1.
type pyproject struct {
	Project struct {
		Name, Version  string
		RequiresPython string `toml:"requires-python"`
		Dependencies   []string
	}
	Groups map[string][]string `toml:"dependency-groups"`
	System map[string]any      `toml:"build-system"`
	Tool   struct {
		Poetry struct {
			Name, Version string
			Dependencies  map[string]string
			Group         map[string]struct{ Dependencies map[string]string }
		}
	}
}

func readProject(data []byte) (*project, error) {
	var in pyproject
	p := &project{groups: map[string][]requirement.Requirement{}}
	for _, to := range []any{&in, &p.all} {
		if err := toml.Unmarshal(data, to); err != nil {
			return nil, err
		}
	}
	old := in.Tool.Poetry
	p.name, p.version = orElse(in.Project.Name, old.Name), orElse(in.Project.Version, old.Version)
	p.python = orElse(in.Project.RequiresPython, poetryConstraint(old.Dependencies["python"]))
	p.packaged = in.System != nil
	delete(old.Dependencies, "python")
	var err error
	if p.main, err = requirements(append(in.Project.Dependencies, poetryList(old.Dependencies)...)); err != nil {
		return nil, err
	}
	for group, table := range old.Group {
		in.Groups = orMake(in.Groups)
		in.Groups[group] = append(in.Groups[group], poetryList(table.Dependencies)...)
	}
	for group, list := range in.Groups {
		if p.groups[group], err = requirements(list); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func orMake(m map[string][]string) map[string][]string {
	if m == nil {
		return map[string][]string{}
	}
	return m
}

// poetryList writes the dependencies of Poetry 1 as the standard does.
func poetryList(table map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(table)) {
		out = append(out, key+poetryConstraint(table[key]))
	}
	return out
}

// poetryConstraint writes a constraint of Poetry as the standard does, as far as tests use them.
func poetryConstraint(s string) string {
	switch {
	case s == "*":
		return ""
	case strings.HasPrefix(s, "^"):
		return ">=" + s[1:]
	case s != "" && strings.Trim(s, "0123456789.") == "":
		return "==" + s
	}
	return s
}

func requirements(list []string) ([]requirement.Requirement, error) {
	var out []requirement.Requirement
	for _, text := range list {
		r, err := requirement.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// chosen is a distribution of the lock: all its wheels of one version.
type chosen struct {
	name, version string
	wheels        []Wheel // in the order of their file names
	requires      []requirement.Requirement
	groups        []string // that lead to it, sorted; "main" is one
}

// resolve chooses the newest version of everything that the project asks for, sorted by name.
func resolve(p *project, wheels []Wheel) ([]*chosen, error) {
	all := map[string]*chosen{}
	groups := maps.Clone(p.groups)
	groups["main"] = p.main
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if err := follow(all, group, groups[group], wheels); err != nil {
			return nil, err
		}
	}
	var out []*chosen
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[key])
	}
	return out, nil
}

// follow adds what requirements lead to. There is no way back: who asks first decides the version.
func follow(all map[string]*chosen, group string, list []requirement.Requirement, wheels []Wheel) error {
	for _, r := range list {
		key := name.Normalize(r.Name)
		if all[key] == nil {
			c, err := newest(r, wheels)
			if err != nil {
				return err
			}
			all[key] = c
		}
		if c := all[key]; !slices.Contains(c.groups, group) {
			c.groups = append(c.groups, group)
			if err := follow(all, group, c.requires, wheels); err != nil {
				return err
			}
		}
	}
	return nil
}

func newest(r requirement.Requirement, wheels []Wheel) (*chosen, error) {
	best := version.Version{}
	c := &chosen{name: name.Normalize(r.Name)}
	for _, w := range wheels {
		v, err := version.Parse(w.Version)
		if err != nil || name.Normalize(w.Name) != c.name || !r.Specifiers.Contains(v, true) {
			continue
		}
		switch order := v.Compare(best); {
		case best.IsZero() || order > 0:
			best, c.version, c.wheels = v, w.Version, []Wheel{w}
		case order == 0:
			c.wheels = append(c.wheels, w)
		}
	}
	if best.IsZero() {
		return nil, fmt.Errorf("pyindex: the index has nothing for %s", r)
	}
	slices.SortFunc(c.wheels, func(a, b Wheel) int { return strings.Compare(a.Filename(), b.Filename()) })
	var err error
	c.requires, err = requirements(c.wheels[0].Requires)
	return c, err
}
