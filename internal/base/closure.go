package base

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/diag"
)

// maxClosure is the most packages of a base. Python's has 28; a thousand means that the index is not what we think.
const maxClosure = 1000

// closure collects packages and what they depend on, breadth first, so that the result depends on the roots' order
// and the index alone. Essential packages are not implied: they serve maintainer scripts, which never run here.
type closure struct {
	catalogue *catalogue
	where     string // "trixie for linux/amd64", for messages
	part      string
	chosen    map[string]*choice // by package name
	order     []*choice
	problems  diag.List
}

// choice is a package of the closure, with the reason it is there.
type choice struct {
	*stanza
	part, reason string
}

// selectPackages returns the pins of a suite for a platform: the base's closure, then what the interpreter adds.
func selectPackages(c *catalogue, su suite, platform string) ([]Pin, error) {
	cl := &closure{catalogue: c, where: su.name + " for " + platform, chosen: map[string]*choice{}}
	cl.grow(KindBase, su.roots)
	cl.grow(KindInterpreter, []string{su.interpreter()})
	if err := cl.problems.Err(); err != nil {
		return nil, err
	}
	return cl.pins()
}

// grow adds roots and all that they need.
func (c *closure) grow(part string, roots []string) {
	c.part = part
	next := len(c.order)
	for _, name := range roots {
		c.require(control.Relation{Name: name}, nil)
	}
	for ; next < len(c.order) && len(c.order) <= maxClosure; next++ {
		c.follow(c.order[next])
	}
	if len(c.order) > maxClosure {
		c.problems.Addf(diag.Position{}, "base-too-large", "%s: a base of more than %d packages", c.where, maxClosure)
	}
}

// follow adds what one package depends on.
func (c *closure) follow(p *choice) {
	clauses, err := control.ParseRelations(p.Depends)
	if err != nil {
		c.problems.Addf(diag.Position{}, "broken-index", "%s: package %s %s: %v", c.where, p.Name, p.Version, err)
		return
	}
	for _, alternatives := range clauses {
		if !slices.ContainsFunc(alternatives, c.satisfied) {
			c.requireAny(alternatives, p)
		}
	}
}

// satisfied reports whether a relation holds already. What is dropped counts as installed in every version: were the
// first of two alternatives dropped and the second taken, the second would do the dropped one's work.
func (c *closure) satisfied(r control.Relation) bool {
	if isDropped(r.Name) {
		return true
	}
	return slices.ContainsFunc(c.catalogue.candidates(r), func(s *stanza) bool { return c.chosen[s.Name] != nil })
}

// requireAny takes the first alternative that can be had.
func (c *closure) requireAny(alternatives []control.Relation, by *choice) {
	for _, r := range alternatives {
		if len(c.catalogue.candidates(r)) > 0 {
			c.require(r, by)
			return
		}
	}
	names := make([]string, len(alternatives))
	missing := make([]string, len(alternatives))
	for i, r := range alternatives {
		names[i] = r.String()
		missing[i] = c.catalogue.available(r.Name)
		if len(alternatives) > 1 {
			missing[i] = r.Name + ": " + missing[i]
		}
	}
	c.problems.Add(&diag.Error{Code: "unsatisfiable-dependency",
		What: fmt.Sprintf("%s: %s %s needs %s, which it does not have: %s", c.where, by.Name, by.Version,
			strings.Join(names, " | "), strings.Join(missing, ", ")),
		Hint: "the mirror may be in the middle of an update: try again later, or set LITHE_DEBIAN_MIRROR to another one"})
}

// require takes the best candidate of a relation, nobody having it yet. A nil by means a root.
func (c *closure) require(r control.Relation, by *choice) {
	found := c.catalogue.candidates(r)
	if len(found) == 0 {
		c.problems.Add(&diag.Error{Code: "missing-package", What: fmt.Sprintf("%s: no package %s in the index", c.where, r.Name),
			Hint: "set LITHE_DEBIAN_MIRROR to a complete mirror of the suite"})
		return
	}
	if c.chosen[found[0].Name] != nil {
		return
	}
	p := &choice{stanza: found[0], part: c.part, reason: "root"}
	if by != nil {
		p.reason = by.Name + " depends on " + r.String()
	}
	c.chosen[p.Name] = p
	c.order = append(c.order, p)
}

// pins checks what was chosen and sorts it by name. All problems are reported together.
func (c *closure) pins() ([]Pin, error) {
	var pins []Pin
	for _, p := range c.order {
		pin, err := p.pin(p.part, p.reason)
		if err != nil {
			c.problems.Addf(diag.Position{}, "broken-index", "%s: %v", c.where, err)
			continue
		}
		pins = append(pins, pin)
	}
	slices.SortFunc(pins, func(a, b Pin) int { return cmp.Compare(a.Name, b.Name) })
	return pins, c.problems.Err()
}
