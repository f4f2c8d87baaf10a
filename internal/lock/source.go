package lock

import (
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// source is what a format's parser works on: the files, and the problems found so far.
type source struct {
	format   format
	path     string                            // of the lock file, as shown
	open     func(name string) ([]byte, error) // reads a file by its path from the lock file's folder
	beneath  func(name string) ([]byte, error) // reads a file by its path from the project's folder
	data     []byte
	lock     *toml.Table // nil for formats that are no TOML
	project  *toml.Table // pyproject.toml, nil when there is none
	problems diag.List
	warnings diag.List
	script   string   // the file whose block of metadata is the project; "" for pyproject.toml
	unhashed bool     // pins without hashes are allowed
	insecure []string // hosts of indexes that may be reached by http
	indexes  []Index
	markers  map[string]marker.Marker // parsed before; the same few markers stand on most edges
	looked   int                      // versions that were compared with requirements
	groupAt  map[string]int           // groups of the project, for formats that do not list it
}

// maxProblems is how many problems one run reports; a file that is broken throughout needs no more.
const maxProblems = 200

// bad reports something that the lock file cannot say.
func (s *source) bad(pos diag.Position, format string, args ...any) {
	s.report(&diag.Error{Pos: pos, Code: "lock", What: fmt.Sprintf(format, args...),
		Hint: fmt.Sprintf("run `%s` to write the file again", s.format.lock)})
}

func (s *source) report(e *diag.Error) {
	if len(s.problems) < maxProblems {
		s.problems.Add(e)
	}
}

// maxVersions is how many versions of one name a lock holds, maxGroups how many extras or groups a package has. Real
// files have some dozens; past these, what is done for each pair of them would take a hostile file minutes.
const maxVersions, maxGroups = 1000, 2000

// maxLooks is how many times a version, or what stands for one, is compared with a requirement. Large files need some ten
// thousand; one that names a package a thousand times and a million requirements of it would need hours.
const maxLooks = 5_000_000

// look counts comparisons, and reports once that they are too many.
func (s *source) look(pos diag.Position, n int) bool {
	if s.looked <= maxLooks {
		if s.looked += n; s.looked > maxLooks {
			s.report(&diag.Error{Pos: pos, Code: "too-large", What: "there are more versions of a package and requirements of it than can be compared",
				Hint: fmt.Sprintf("run `%s` to write the file again", s.format.lock)})
		}
	}
	return s.looked <= maxLooks
}

// enter adds package i to the packages of its name, unless the same is there already.
func (s *source) enter(byName map[string][]int, i int, p *Package, same func(i int) bool) {
	switch found := byName[p.Name]; {
	case slices.ContainsFunc(found, same):
		s.bad(p.Pos, "%s %s is in the file twice", p.Name, p.Version)
	case len(found) == maxVersions:
		s.bad(p.Pos, "%s is in the file more than %d times", p.Name, maxVersions)
	default:
		byName[p.Name] = append(found, i)
	}
}

// newestFirst puts the newest package of each name first, and returns the versions of all packages.
func newestFirst(packages []Package, byName map[string][]int) []version.Version {
	versions := make([]version.Version, len(packages))
	for i, p := range packages {
		versions[i], _ = version.Parse(p.Version)
	}
	for _, list := range byName {
		slices.SortStableFunc(list, func(a, b int) int { return versions[b].Compare(versions[a]) })
	}
	return versions
}

// withGroups adds an empty group of each name unless there is one. One more than maxGroups is enough for checkGroups.
func withGroups(groups []Group, written []string) []Group {
	known := make(map[string]bool, len(groups))
	for _, g := range groups {
		known[g.Name] = true
	}
	for _, w := range written {
		n := name.Normalize(w)
		if known[n] || len(groups) > maxGroups {
			continue
		}
		known[n] = true
		groups = append(groups, Group{Name: n})
	}
	return groups
}

// rootGroup returns a group of the project, which is made if there is none; nil past the limit, which checkGroups reports.
func (s *source) rootGroup(root *Package, n string) *Group {
	i, ok := s.groupAt[n]
	if !ok {
		if len(root.Groups) > maxGroups {
			return nil
		}
		if s.groupAt == nil {
			s.groupAt = map[string]int{}
		}
		i = len(root.Groups)
		s.groupAt[n] = i
		root.Groups = append(root.Groups, Group{Name: n})
	}
	return &root.Groups[i]
}

// checkGroups reports a package with more extras or groups than can be meant.
func (s *source) checkGroups(p *Package) {
	if len(p.Extras) > maxGroups || len(p.Groups) > maxGroups {
		s.bad(p.Pos, "%s has more than %d extras or groups", p.Name, maxGroups)
		p.Extras, p.Groups = nil, nil
	}
}

// name reads the normalised name of a package.
func (s *source) name(t *toml.Table) string {
	written := t.String("name")
	if !name.Valid(written) {
		s.bad(t.KeyPos("name"), "%q is not the name of a package", written)
		return ""
	}
	return name.Normalize(written)
}

// marker parses a marker that stands under a key, if there is one.
func (s *source) marker(t *toml.Table, key string) marker.Marker {
	v := t.Value(key)
	if v == nil {
		return marker.Marker{}
	}
	return s.markerOf(v)
}

func (s *source) markerOf(v *toml.Value) marker.Marker {
	text, ok := v.Str()
	if !ok {
		s.bad(v.Pos, "a marker is a string, not a %s", v.Kind())
		return marker.Marker{}
	}
	if m, ok := s.markers[text]; ok {
		return m
	}
	m, err := marker.Parse(text)
	if err != nil {
		s.bad(v.Pos, "marker %q: %s", text, err)
	}
	if s.markers == nil {
		s.markers = map[string]marker.Marker{}
	}
	s.markers[text] = m
	return m
}

// markerList parses an array of markers.
func (s *source) markerList(t *toml.Table, key string) []marker.Marker {
	var out []marker.Marker
	for _, v := range t.Value(key).Array() {
		out = append(out, s.markerOf(v))
	}
	return out
}

// constraint parses Poetry's notation under a key.
func (s *source) constraint(t *toml.Table, key string) Constraint {
	c, err := parseConstraint(t.String(key))
	if err != nil {
		s.bad(t.KeyPos(key), "%s", err)
	}
	return c
}

// names reads an array of names in normalised form.
func names(written []string) []string {
	if len(written) == 0 {
		return nil
	}
	out := make([]string, len(written))
	for i, w := range written {
		out[i] = name.Normalize(w)
	}
	return out
}
