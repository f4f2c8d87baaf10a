package base

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
)

// Extend returns pins whose system packages are those of opt, resolved anew for every platform that the pins have. Base
// and interpreter stay as they are locked, and so does each system package whose version the indexes still have: what
// nobody asked to move does not move.
func Extend(ctx context.Context, client *fetch.Client, locked *Pins, opt Options, on func(Event)) (*Pins, error) {
	if locked.IsImage() {
		return extendImage(ctx, client, locked, opt, serialized(on))
	}
	su, err := suiteOf(locked.Name)
	if err != nil {
		return nil, err
	}
	return extend(ctx, client, su, locked, opt, serialized(on))
}

func extend(ctx context.Context, client *fetch.Client, su suite, locked *Pins, opt Options, on func(Event)) (*Pins, error) {
	out := &Pins{Name: locked.Name, Created: locked.Created, Releases: locked.Releases, System: WantStrings(opt.System),
		BuildPackages: locked.BuildPackages, Sources: pinSources(opt.Sources, locked.Sources)}
	if len(opt.System) == 0 && !slices.ContainsFunc(locked.Platforms, func(s Selection) bool { return len(s.Libraries) > 0 }) {
		for _, s := range locked.Platforms {
			out.Platforms = append(out.Platforms, Selection{Platform: s.Platform, Created: s.Created, Standalone: s.Standalone, Builder: s.Builder, Libraries: s.Libraries, Packages: s.Ground()})
		}
		return out, nil
	}
	archives, releases, err := openArchives(ctx, client, su, opt, on)
	if err != nil {
		return nil, err
	}
	out.Releases, out.Sources = releases, noteSources(archives)
	if err := out.sourcesNotOlder(locked).Err(); err != nil {
		return nil, err
	}
	for _, s := range locked.Platforms {
		arch, err := architecture(s.Platform)
		if err != nil {
			return nil, err
		}
		c, err := readCatalogue(ctx, archives, arch)
		if err != nil {
			return nil, err
		}
		wants, err := c.withLocal(slices.Concat(opt.System, s.Wants(func(string) bool { return true })), arch)
		if err != nil {
			return nil, err
		}
		packages, err := extendPackages(c, su.name, s, wants)
		if err != nil {
			return nil, err
		}
		out.Platforms = append(out.Platforms, Selection{Platform: s.Platform, Created: s.Created, Standalone: s.Standalone, Builder: s.Builder, Libraries: s.Libraries, Packages: packages})
	}
	return out, nil
}

// Ground returns the packages of base and interpreter.
func (s Selection) Ground() []Pin {
	return slices.DeleteFunc(slices.Clone(s.Packages), func(p Pin) bool { return p.Part == KindSystem })
}

// extendPackages returns what a platform has locked, with system packages from an index that may be newer.
func extendPackages(c *catalogue, suite string, locked Selection, wants []Want) ([]Pin, error) {
	cl := newClosure(c, suite, locked.Platform)
	for _, p := range locked.Packages {
		if p.Part == KindSystem {
			cl.fix(c.version(p.Name, p.Version))
			continue
		}
		s := c.ground().version(p.Name, p.Version)
		if s == nil { // superseded: what it provides is what its successor does, in the version that is locked
			s = &stanza{Name: p.Name, Version: p.Version}
			if newer := c.ground().newest[p.Name]; newer != nil {
				s.Provides = newer.Provides
			}
		}
		cl.fix(s)
		cl.chosen[p.Name] = &choice{stanza: s, part: p.Part, locked: true}
	}
	cl.fixVersions(wants)
	if err := cl.problems.Err(); err != nil {
		return nil, err
	}
	added, err := cl.withSystem(wants)
	if err != nil {
		return nil, err
	}
	return sortedPins(append(locked.Ground(), added...)), nil
}

// fix makes a version the one that is taken of its package. A package that is not there any more is not fixed.
func (c *closure) fix(s *stanza) {
	if s != nil {
		c.fixed[s.Name] = s
	}
}

// fixVersions fixes the versions that the project names.
func (c *closure) fixVersions(wants []Want) {
	for _, w := range wants {
		if w.Version == "" {
			continue
		}
		locked := c.chosen[w.Name]
		switch s := c.catalogue.version(w.Name, w.Version); {
		case w.local != nil && locked != nil:
			c.checkLocal(w)
		case c.catalogue.newest[w.Name] == nil:
			// The name is wrong, which withSystem says.
		case s == nil:
			c.problems.Add(&diag.Error{Pos: w.Pos, Code: "no-such-version",
				What: fmt.Sprintf("%s has no %s %s, but %s", c.where, w.Name, w.Version, strings.Join(c.catalogue.versions(w.Name), " and ")),
				Hint: "name one of these, or the package without a version: lithe.lock keeps the version that it finds"})
		case locked != nil && locked.locked && locked.Version != s.Version:
			c.problems.Add(&diag.Error{Pos: w.Pos, Code: "base-version",
				What: fmt.Sprintf("%s %s is asked for, and the base of lithe.lock has version %s", w.Name, w.Version, locked.Version),
				Hint: c.hintFixed([]control.Relation{{Name: w.Name}})})
		default:
			c.fix(s)
		}
	}
}

const hintUpgrade = "`lithe lock --upgrade` moves the base to today's packages"

// hintFixed says who fixed one of these packages at a version that does not do.
func (c *closure) hintFixed(alternatives []control.Relation) string {
	for _, r := range alternatives {
		if p := c.chosen[r.Name]; p != nil && p.ground {
			return "base and interpreter come from Debian alone: name a version of the package that fits them, as PACKAGE=VERSION"
		} else if p != nil && p.locked && c.onImage {
			return "packages of an image stay as they are: name a version that fits it, as PACKAGE=VERSION, or take an image that is as new as the suite"
		} else if p != nil && p.locked {
			return hintUpgrade
		}
	}
	return "ask for another version of it, or for none: `lithe lock` then takes one that fits"
}

// withSystem grows the part of the system packages, and returns the pins of all that is not locked. All problems are
// reported together.
func (c *closure) withSystem(wants []Want) ([]Pin, error) {
	sorted, problems := sortedWants(wants)
	c.problems = append(c.problems, problems...)
	c.part = KindSystem
	next := len(c.order)
	roots := map[string]string{} // package → what was asked for
	for _, w := range sorted {
		if s := c.wanted(w); s != nil && c.checkLocal(w) {
			c.take(s, "root")
			roots[w.Name] = s.Name
		}
	}
	c.growFrom(next)
	c.checkConflicts(KindSystem)
	users := c.users(sorted, roots)
	pins, err := c.pins()
	for i := range pins {
		if pins[i].Part == KindSystem {
			pins[i].For = users[pins[i].Name]
		}
	}
	return pins, err
}

// wanted returns the package that a want means: that of its name, else the only one that provides it.
func (c *closure) wanted(w Want) *stanza {
	if s := c.offer(w.Name); s != nil {
		return s
	}
	if s := c.offer(w.Or); s != nil {
		return s
	}
	providers := c.catalogue.providers[w.Name]
	if len(providers) == 1 && w.Version == "" {
		return c.offer(providers[0].Name)
	}
	e := &diag.Error{Pos: w.Pos, Code: "unknown-package", What: fmt.Sprintf("%s has no package %q", c.where, w.Name)}
	var names []string
	for _, s := range providers {
		names = append(names, s.Name)
	}
	if len(names) > 0 {
		e.Hint = "it is provided by " + strings.Join(names, ", ") + ": name one of these"
	} else if names = c.catalogue.near(w.Name); len(names) > 0 {
		e.Hint = "did you mean " + strings.Join(names, ", ") + "?"
	} else {
		e.Hint = "packages.debian.org finds packages, and the files in them"
	}
	c.problems.Add(e)
	return nil
}

// checkConflicts reports packages that cannot be installed together (policy 7.3 and 7.4).
func (c *closure) checkConflicts(part string) {
	for _, p := range c.order {
		if p.part != part {
			continue
		}
		clauses, err := control.ParseRelations(p.Conflicts)
		if err != nil {
			c.problems.Addf(diag.Position{}, "broken-index", "%s: package %s %s: %v", c.where, p.Name, p.Version, err)
		}
		for _, clause := range clauses {
			if c.stopped() {
				return
			}
			if other := c.satisfier(clause[0]); other != nil && other != p {
				c.problems.Add(&diag.Error{Code: "conflicting-packages",
					What: fmt.Sprintf("%s: %s %s and %s %s cannot be together: %s conflicts with %s", c.where, p.Name, p.Version, other.Name,
						other.Version, p.Name, clause[0]),
					Hint: "leave one of them out of " + map[string]string{KindSystem: "system-packages", KindBuilder: "build-packages"}[part]})
			}
		}
	}
}

// users returns, for every system package, the names that were asked for and that need it, by whatever way.
func (c *closure) users(wants []Want, roots map[string]string) map[string][]string {
	users, needs := map[string][]string{}, map[string][]string{}
	for _, w := range wants {
		queue := []string{roots[w.Name]}
		seen := map[string]bool{"": true}
		for len(queue) > 0 {
			p := c.chosen[queue[0]]
			queue = queue[1:]
			if p == nil || seen[p.Name] || p.part != KindSystem {
				continue
			}
			seen[p.Name] = true
			users[p.Name] = append(users[p.Name], w.Name)
			if _, known := needs[p.Name]; !known {
				needs[p.Name] = c.needs(p)
			}
			queue = append(queue, needs[p.Name]...)
		}
	}
	return users
}

// needs returns the chosen packages by which a package's dependencies hold.
func (c *closure) needs(p *choice) []string {
	clauses, err := control.ParseRelations(p.Depends)
	if err != nil {
		return nil // follow has reported it
	}
	var names []string
	for _, alternatives := range clauses {
		for _, r := range alternatives {
			if other := c.satisfier(r); other != nil {
				names = append(names, other.Name)
				break
			}
			if isDropped(r.Name, KindSystem) {
				break
			}
		}
	}
	return names
}
