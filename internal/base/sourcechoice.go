package base

import (
	"fmt"
	"sort"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
	"github.com/lithe-build/lithe/internal/diag"
)

// What sources change in a choice. Among Debian's archive and the sources the highest version wins, as it does for apt where
// all have one priority; what a suite offers only to who asks by version does not count then. But whoever signs a source has no
// say in what every program stands on: base, interpreter and compiler are chosen from Debian alone, and stay when a source
// has a newer version of one.

// growGround does what grow does, from Debian's packages alone.
func (c *closure) growGround(grow func()) {
	if c.catalogue.debian == nil {
		grow()
		return
	}
	whole, fixed := c.catalogue, c.fixed
	c.catalogue, c.fixed = whole.debian, map[string]*stanza{}
	for name, s := range fixed {
		if !isSource(s.archive) {
			c.fixed[name] = s
		}
	}
	grow()
	c.catalogue, c.fixed = whole, fixed
}

// settle makes what was chosen stay, whatever the sources have of it.
func (c *closure) settle(wants []Want) {
	if c.catalogue.debian == nil {
		return
	}
	for _, w := range wants {
		s, p := c.fixed[w.Name], c.chosen[w.Name]
		if w.Version != "" && s != nil && p != nil && p.stanza != s {
			c.problems.Add(&diag.Error{Pos: w.Pos, Code: "base-version",
				What: fmt.Sprintf("%s %s of %s is asked for, and %s of base and interpreter is Debian's, in version %s", w.Name, s.Version,
					s.archive, w.Name, p.Version),
				Hint: "leave it out: sources add packages, and replace none that an image has in any case"})
		}
	}
	for _, p := range c.order {
		p.ground = true
		c.fix(p.stanza)
	}
}

// hintSource helps where a source's package needs what is not there.
const hintSource = "the source may be meant for another suite of Debian, or need another one beside it"

// others returns the highest version by which a relation holds of a package whose version that would be taken does not do, where
// sources have several.
func (c *closure) others(r control.Relation) []*stanza {
	if c.catalogue.debian == nil || c.fixed[r.Name] != nil || c.chosen[r.Name] != nil {
		return nil
	}
	// The newest come first, so that a relation admits the first one that is old enough, or none.
	older := c.catalogue.older[r.Name]
	first := sort.Search(len(older), func(i int) bool {
		order := version.Compare(older[i].Version, r.Version)
		return r.Op == "" || r.Op[0] == '>' || order < 0 || order == 0 && r.Op != "<<"
	})
	if first == len(older) || !r.Admits(older[first].Version) {
		return nil
	}
	return older[first : first+1]
}

// insteadOf returns the version that Debian has of a source's package, "" if it has none.
func (c *closure) insteadOf(s *stanza) string {
	if own := c.catalogue.ground().newest[s.Name]; own != nil && isSource(s.archive) {
		return own.Version
	}
	return ""
}
