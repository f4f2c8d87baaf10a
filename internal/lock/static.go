package lock

import (
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// Whether a lock that keeps no hash of pyproject.toml still fits it: each requirement of the project must be in the
// file in a version that it admits. Nothing is said about what the file has beyond that, which the requirements of its
// packages may explain.

// staticParts says which parts of the project a lock has.
type staticParts struct{ extra, group func(string) bool }

// staticAll is for formats without extras and groups.
var staticAll = staticParts{func(string) bool { return false }, func(string) bool { return false }}

// checkStatic adds to the lock's staleness.
func (s *source) checkStatic(l *Lock, parts staticParts) {
	project := s.project.Table("project")
	if project == nil || computed(project) {
		return
	}
	c := staticCheck{source: s, lock: l, byName: map[string][]int{}}
	for _, environment := range newComparer(l.RequiresPython).environments {
		if environment.SysPlatform == "linux" && environment.ImplementationName == "cpython" {
			c.environments = append(c.environments, environment)
		}
	}
	for i := range l.Packages {
		c.byName[l.Packages[i].Name] = append(c.byName[l.Packages[i].Name], i)
	}
	c.list(project.Value("dependencies"))
	extras := project.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		if parts.extra(name.Normalize(key)) {
			c.list(extras.Value(key))
		}
	}
	groups := s.project.Table("dependency-groups")
	for _, key := range groups.Keys() {
		if parts.group(name.Normalize(key)) {
			c.list(groups.Value(key)) // what it includes is a group, too, and its tables are no requirements
		}
	}
}

// staticCheck compares requirements with packages.
type staticCheck struct {
	*source
	lock         *Lock
	byName       map[string][]int
	environments []marker.Environment
}

// list compares an array of requirements. What cannot be read is the project stage's to report.
func (c *staticCheck) list(list *toml.Value) {
	own := name.Normalize(c.project.Table("project").String("name"))
	for _, v := range list.Array() {
		text, _ := v.Str()
		q, err := requirement.Parse(text)
		if err != nil || name.Normalize(q.Name) == own || !c.certain(q.Marker) {
			continue
		}
		found := c.byName[name.Normalize(q.Name)]
		switch {
		case len(found) == 0:
			c.stale(v.Pos, "%s lacks %s, which %s asks for", c.path, q, projectFile)
		case !c.look(v.Pos, len(found)):
		case q.URL == "" && !slices.ContainsFunc(found, func(i int) bool { return c.admits(q, i) }):
			c.stale(v.Pos, "%s has %s %s, and %s asks for %s", c.path, name.Normalize(q.Name), c.lock.Packages[found[0]].Version, projectFile, q)
		}
	}
}

// certain tells whether a marker holds wherever lithe builds for. A file that was made for one platform and one Python
// rightly leaves out what those do not need.
func (c *staticCheck) certain(m marker.Marker) bool {
	return !slices.ContainsFunc(c.environments, func(e marker.Environment) bool { return !m.Eval(e) })
}

// admits tells whether a locked package satisfies a requirement; what has no version cannot be judged.
func (c *staticCheck) admits(q requirement.Requirement, i int) bool {
	v, err := version.Parse(c.lock.Packages[i].Version)
	return err != nil || q.Specifiers.Contains(v, true)
}

// stale reports a difference.
func (c *staticCheck) stale(pos diag.Position, format string, args ...any) {
	if len(c.lock.Stale) < maxProblems {
		c.lock.Stale.Add(&diag.Error{Pos: pos, Code: "stale-lock", What: fmt.Sprintf(format, args...), Hint: "run `" + c.format.lock + "`"})
	}
}
