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
	Conflicts                   string // includes Breaks, which differs from it only while packages are unpacked
	archive                     string
	late                        bool // its suite is for who asks by version
}

// newStanza copies what matters, on one line each.
func newStanza(p packages.Package) stanza {
	return stanza{Name: p.Name, Version: p.Version, Architecture: p.Architecture, Path: strings.TrimPrefix(p.Filename, "./"),
		Hash: p.Hash, Size: p.Size, Depends: oneLine.Replace(both(p.PreDepends, p.Depends)),
		Provides: oneLine.Replace(p.Provides), Conflicts: oneLine.Replace(both(p.Conflicts, p.Breaks))}
}

// both joins two relation fields.
func both(one, two string) string {
	if one != "" && two != "" {
		return one + ", " + two
	}
	return one + two
}

var oneLine = strings.NewReplacer("\n", " ", "\t", " ")

// catalogue is what several suites offer together: the newest version of every package, and who provides what.
type catalogue struct {
	newest    map[string]*stanza
	older     map[string][]*stanza // the other versions, where a suite and its updates have several: the newest first
	providers map[string][]*stanza // by virtual name: Debian's before those of sources, then by package name
	debian    *catalogue           // what of it is Debian's own; nil where all is
}

// ground returns what base, interpreter and compiler may come from: Debian alone.
func (c *catalogue) ground() *catalogue {
	if c.debian != nil {
		return c.debian
	}
	return c
}

// newCatalogue merges indexes by version order. Among equal versions the first index wins: the suite itself stands
// before its updates, so that a package that is in both comes from the archive that keeps it longer; and before sources. What
// is for who asks by version is the newest only where nothing else is there, as with apt's priorities (apt_preferences(5)).
func newCatalogue(indexes [][]stanza) *catalogue {
	c := &catalogue{newest: map[string]*stanza{}, older: map[string][]*stanza{}, providers: map[string][]*stanza{}}
	replaced := map[string][]*stanza{} // what was the newest until another came
	for _, index := range indexes {
		for i := range index {
			s := &index[i]
			switch old := c.newest[s.Name]; {
			case old == nil:
				c.newest[s.Name] = s
			case old.late && !s.late || old.late == s.late && version.Compare(s.Version, old.Version) > 0:
				c.newest[s.Name], replaced[s.Name] = s, append(replaced[s.Name], old)
			default:
				c.older[s.Name] = append(c.older[s.Name], s)
			}
		}
	}
	for name, list := range replaced {
		slices.Reverse(list)
		c.older[name] = append(list, c.older[name]...) // before those that equal them
	}
	for _, list := range c.older {
		slices.SortStableFunc(list, newerStanza)
	}
	for _, s := range c.newest {
		for name := range providedNames(s.Provides) {
			c.providers[name] = append(c.providers[name], s)
		}
	}
	for _, list := range c.providers {
		slices.SortFunc(list, byName)
	}
	return c
}

// byName orders packages that provide one thing. That a source has such a package, too, does not make it preferred.
func byName(a, b *stanza) int {
	if one, two := isSource(a.archive), isSource(b.archive); one != two {
		if one {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Name, b.Name)
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

// version returns a package in one version, nil if no index has it.
func (c *catalogue) version(name, ver string) *stanza {
	if s := c.newest[name]; s != nil && version.Compare(s.Version, ver) == 0 {
		return s
	}
	i, found := slices.BinarySearchFunc(c.older[name], ver, versionOrder)
	if !found {
		return nil
	}
	return c.older[name][i]
}

// newerStanza orders versions of a package, the newest first, and versionOrder is the same for a version alone.
func newerStanza(a, b *stanza) int           { return version.Compare(b.Version, a.Version) }
func versionOrder(s *stanza, ver string) int { return version.Compare(ver, s.Version) }

// versions lists what the indexes have of a package, the newest first, for a message.
func (c *catalogue) versions(name string) []string {
	if c.newest[name] == nil {
		return nil
	}
	all := []string{c.newest[name].Version}
	for _, s := range c.older[name] {
		all = append(all, s.Version)
	}
	slices.SortFunc(all, func(a, b string) int { return version.Compare(b, a) })
	return slices.Compact(all)
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
