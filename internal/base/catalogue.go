package base

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/debian/version"
)

// stanza is what a Packages index says about one package, as far as choosing and fetching need it. Relations stay
// text until somebody asks: of 69,000 packages, a closure looks at a hundred.
type stanza struct {
	Name, Version, Architecture string
	Path, Hash                  string
	Size                        int64
	Depends, Provides           string // Depends includes Pre-Depends: the order of installation does not matter here
	archive                     string
}

// newStanza copies what matters, on one line each.
func newStanza(p packages.Package) stanza {
	depends := p.PreDepends
	if depends != "" && p.Depends != "" {
		depends += ", "
	}
	return stanza{Name: p.Name, Version: p.Version, Architecture: p.Architecture, Path: strings.TrimPrefix(p.Filename, "./"),
		Hash: p.Hash, Size: p.Size, Depends: oneLine.Replace(depends + p.Depends), Provides: oneLine.Replace(p.Provides)}
}

var oneLine = strings.NewReplacer("\n", " ", "\t", " ")

// catalogue is what several suites offer together: the newest version of every package, and who provides what.
type catalogue struct {
	newest    map[string]*stanza
	providers map[string][]*stanza // by virtual name, sorted by package name
}

// newCatalogue merges indexes by version order. Among equal versions the first index wins: the suite itself stands
// before its updates, so that a package that is in both comes from the archive that keeps it longer.
func newCatalogue(indexes [][]stanza) *catalogue {
	c := &catalogue{newest: map[string]*stanza{}, providers: map[string][]*stanza{}}
	for _, index := range indexes {
		for i := range index {
			s := &index[i]
			if old := c.newest[s.Name]; old == nil || version.Compare(s.Version, old.Version) > 0 {
				c.newest[s.Name] = s
			}
		}
	}
	for _, s := range c.newest {
		for name := range providedNames(s.Provides) {
			c.providers[name] = append(c.providers[name], s)
		}
	}
	for _, list := range c.providers {
		slices.SortFunc(list, func(a, b *stanza) int { return cmp.Compare(a.Name, b.Name) })
	}
	return c
}

// providedNames yields the names in a Provides field without the cost of parsing it; satisfies parses the few that
// matter. A name twice ("foo (= 1), foo (= 2)") is yielded once.
func providedNames(field string) map[string]bool {
	if field == "" {
		return nil
	}
	names := map[string]bool{}
	for item := range strings.SplitSeq(field, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(item), " ")
		name, _, _ = strings.Cut(name, ":")
		names[name] = true
	}
	return names
}

// candidates returns the packages that satisfy a relation, the best first: the package of that name, then those that
// provide it. A relation with a version takes only provisions with one (policy 7.5).
func (c *catalogue) candidates(r control.Relation) []*stanza {
	var out []*stanza
	if s := c.newest[r.Name]; s != nil && r.Admits(s.Version) {
		out = append(out, s)
	}
	for _, s := range c.providers[r.Name] {
		if s.Name != r.Name && provides(s, r) {
			out = append(out, s)
		}
	}
	return out
}

// provides reports whether a package's Provides satisfies a relation.
func provides(s *stanza, r control.Relation) bool {
	clauses, err := control.ParseRelations(s.Provides)
	if err != nil {
		return false // a provider that nobody can read provides nothing; the relation says what is missing
	}
	for _, clause := range clauses {
		p := clause[0]
		if p.Name != r.Name {
			continue
		}
		if r.Op == "" || p.Op == "=" && r.Admits(p.Version) {
			return true
		}
	}
	return false
}

// available says what the catalogue has under a name, for a message.
func (c *catalogue) available(name string) string {
	if s := c.newest[name]; s != nil {
		return "it has version " + s.Version
	}
	if list := c.providers[name]; len(list) > 0 {
		return "it is provided by " + list[0].Name + " " + list[0].Version + " alone"
	}
	return "there is no such package"
}

// pin turns a chosen stanza into a pin.
func (s *stanza) pin(part, reason string) (Pin, error) {
	if s.Size > maxPackage {
		return Pin{}, fmt.Errorf("package %s %s has %d bytes, more than the %d that lithe takes", s.Name, s.Version, s.Size,
			int64(maxPackage))
	}
	return Pin{Name: s.Name, Version: s.Version, Architecture: s.Architecture, Hash: s.Hash, Size: s.Size,
		Archive: s.archive, Path: s.Path, Part: part, Reason: reason}, nil
}

// maxPackage is the most bytes of a .deb. The largest of Debian's are debug symbols of 2 GB; run-time packages of an
// image stay under 100 MB.
const maxPackage = 1 << 30
