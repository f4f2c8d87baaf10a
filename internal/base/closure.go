package base

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/diag"
)

const (
	// maxClosure is the most packages of a base. Python's has 28; a thousand means that the index is not what we think.
	maxClosure = 1000
	// maxFollowed bounds how many packages are held against relations, and the sixteenth part of the bytes of what they provide.
	// A thousand packages of Debian take some ten thousand.
	maxFollowed = 2_000_000
	// maxProblems is how many problems of an index are told.
	maxProblems = 200
)

// closure collects packages and what they depend on, breadth first, so that the result depends on the roots' order
// and the index alone. Essential packages are not implied: they serve maintainer scripts, which never run here.
type closure struct {
	catalogue *catalogue
	where     string             // "trixie for linux/amd64", for messages
	fixed     map[string]*stanza // the version to take of a package, where it is not the newest
	part      string
	chosen    map[string]*choice // by package name
	order     []*choice
	problems  diag.List
	onImage   bool // what is locked is an image's
	followed  int  // see maxFollowed
}

// choice is a package of the closure, with the reason it is there.
type choice struct {
	*stanza
	part, reason string
	locked       bool // lithe.lock has it, and it stays
	ground       bool // it is Debian's, and no source may stand in for it
}

func newClosure(c *catalogue, suite, platform string) *closure {
	return &closure{catalogue: c, where: suite + " for " + platform, chosen: map[string]*choice{}, fixed: map[string]*stanza{}}
}

// selectPackages returns the pins of a suite for a platform: the base's closure, what the interpreter adds, and what the
// project asks for beside them.
func selectPackages(c *catalogue, su suite, platform string, wants []Want) ([]Pin, error) {
	cl := newClosure(c, su.name, platform)
	cl.fixVersions(wants)
	cl.growGround(func() {
		cl.grow(KindBase, su.roots)
		if !su.bare {
			cl.grow(KindInterpreter, []string{su.interpreter()})
		}
	})
	cl.settle(wants)
	if err := cl.problems.Err(); err != nil {
		return nil, err
	}
	return cl.withSystem(wants)
}

// grow adds roots and all that they need.
func (c *closure) grow(part string, roots []string) {
	c.part = part
	next := len(c.order)
	for _, name := range roots {
		c.require(control.Relation{Name: name}, nil)
	}
	c.growFrom(next)
}

// growFrom adds what the packages from a place in the order on need.
func (c *closure) growFrom(next int) {
	for ; next < len(c.order) && len(c.order) <= maxClosure && !c.stopped(); next++ {
		c.follow(c.order[next])
	}
	if len(c.order) > maxClosure {
		c.problems.Addf(diag.Position{}, "base-too-large", "%s: a base of more than %d packages", c.where, maxClosure)
	}
}

// spend counts what is looked at, and reports once that it is too much.
func (c *closure) spend(n int) bool {
	before := c.followed
	c.followed += n
	if c.followed > maxFollowed && before <= maxFollowed {
		c.problems.Addf(diag.Position{}, "base-too-large", "%s: the index has more relations between packages than can be followed", c.where)
	}
	return c.followed <= maxFollowed
}

// stopped reports that nothing that follows matters any more.
func (c *closure) stopped() bool { return c.followed > maxFollowed || len(c.problems) >= maxProblems }

// follow adds what one package depends on.
func (c *closure) follow(p *choice) {
	clauses, err := control.ParseRelations(p.Depends)
	if err != nil {
		c.problems.Addf(diag.Position{}, "broken-index", "%s: package %s %s: %v", c.where, p.Name, p.Version, err)
		return
	}
	for _, alternatives := range clauses {
		if !slices.ContainsFunc(alternatives, c.satisfied) && !c.stopped() {
			c.requireAny(alternatives, p)
		}
	}
}

// satisfied reports whether a relation holds already. What is dropped counts as installed in every version: were the
// first of two alternatives dropped and the second taken, the second would do the dropped one's work.
func (c *closure) satisfied(r control.Relation) bool {
	return isDropped(r.Name, c.part) || c.satisfier(r) != nil
}

// satisfier returns the chosen package by which a relation holds, nil if there is none.
func (c *closure) satisfier(r control.Relation) *choice {
	if p := c.chosen[r.Name]; p != nil && r.Admits(p.Version) {
		return p
	}
	providers := c.catalogue.providers[r.Name]
	if !c.spend(1 + len(providers)) {
		return nil
	}
	for _, s := range providers {
		if p := c.chosen[s.Name]; p != nil && s.Name != r.Name && c.spend(len(p.Provides)/16) && provides(p.stanza, r) {
			return p
		}
	}
	return nil
}

// offer returns the version of a package that may be taken, nil if there is no such package.
func (c *closure) offer(name string) *stanza {
	if s := c.fixed[name]; s != nil {
		return s
	}
	return c.catalogue.newest[name]
}

// candidates returns the packages that satisfy a relation, the best first: the package of that name, then those that
// provide it. A relation with a version takes only provisions with one (policy 7.5).
func (c *closure) candidates(r control.Relation) []*stanza {
	var out []*stanza
	if s := c.offer(r.Name); s != nil && r.Admits(s.Version) {
		out = append(out, s)
	}
	for _, p := range c.catalogue.providers[r.Name] {
		if s := c.offer(p.Name); s.Name != r.Name && c.spend(1+len(s.Provides)/16) && provides(s, r) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = c.others(r)
	}
	return out
}

// requireAny takes the first alternative that can be had.
func (c *closure) requireAny(alternatives []control.Relation, by *choice) {
	for _, r := range alternatives {
		if len(c.candidates(r)) > 0 {
			c.require(r, by)
			return
		}
	}
	if c.stopped() {
		return
	}
	names := make([]string, len(alternatives))
	missing := make([]string, len(alternatives))
	for i, r := range alternatives {
		names[i] = r.String()
		missing[i] = c.available(r.Name)
		if len(alternatives) > 1 {
			missing[i] = r.Name + ": " + missing[i]
		}
	}
	e := &diag.Error{Code: "unsatisfiable-dependency",
		What: fmt.Sprintf("%s: %s %s needs %s, which it does not have: %s", c.where, by.Name, by.Version,
			strings.Join(names, " | "), strings.Join(missing, ", ")),
		Hint: "the mirror may be in the middle of an update: try again later, or set LITHE_DEBIAN_MIRROR to another one"}
	switch {
	case slices.ContainsFunc(alternatives, func(r control.Relation) bool { return c.fixed[r.Name] != nil }):
		e.Hint = c.hintFixed(alternatives)
	case isSource(by.archive):
		e.Hint = hintSource
	}
	c.problems.Add(e)
}

// available says what there is under a name, for a message.
func (c *closure) available(name string) string {
	if p := c.chosen[name]; p != nil && p.ground {
		return "that of Debian stays, version " + p.Version
	} else if p != nil && p.locked && c.onImage {
		return "the image has version " + p.Version
	} else if p != nil && p.locked {
		return "lithe.lock has version " + p.Version
	}
	if s := c.fixed[name]; s != nil {
		return "version " + s.Version + " is asked for"
	}
	return c.catalogue.available(name)
}

// require takes the best candidate of a relation, nobody having it yet. A nil by means a root.
func (c *closure) require(r control.Relation, by *choice) {
	found := c.candidates(r)
	if len(found) == 0 {
		if c.stopped() {
			return
		}
		c.problems.Add(&diag.Error{Code: "missing-package", What: fmt.Sprintf("%s: no package %s in the index", c.where, r.Name),
			Hint: "set LITHE_DEBIAN_MIRROR to a complete mirror of the suite"})
		return
	}
	reason := "root"
	if by != nil {
		reason = by.Name + " depends on " + r.String()
	}
	c.take(found[0], reason)
}

// take chooses a package, unless it is chosen already.
func (c *closure) take(s *stanza, reason string) {
	if c.chosen[s.Name] != nil {
		return
	}
	p := &choice{stanza: s, part: c.part, reason: reason}
	c.chosen[p.Name] = p
	c.order = append(c.order, p)
}

// pins checks what was chosen and sorts it by name. All problems are reported together.
func (c *closure) pins() ([]Pin, error) {
	var pins []Pin
	for _, p := range c.order {
		pin, err := p.pin(p.part, p.reason)
		pin.InsteadOf = c.insteadOf(p.stanza)
		if err != nil {
			c.problems.Addf(diag.Position{}, "broken-index", "%s: %v", c.where, err)
			continue
		}
		pins = append(pins, pin)
	}
	return sortedPins(pins), c.problems.Err()
}

func sortedPins(pins []Pin) []Pin {
	slices.SortFunc(pins, func(a, b Pin) int { return cmp.Compare(a.Name, b.Name) })
	return pins
}
