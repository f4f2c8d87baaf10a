package lock

import (
	"fmt"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// Dependency groups may include each other. A group that is reached by several ways is read once: a few lines of includes
// would else stand for more requirements than any machine can hold.
// See https://packaging.python.org/en/latest/specifications/dependency-groups/.

const (
	// maxInclude is how deep dependency groups include each other.
	maxInclude = 20
	// maxIncluded is how many requirements the groups of a project have, or its extras, with all that they include. Projects
	// with a hundred groups have some thousands.
	maxIncluded = 100_000
)

// groupWalk reads the groups of one project.
type groupWalk struct {
	*source
	table   *toml.Table
	inPlace bool                // what a group includes comes where the include stands, not behind its own requirements
	keys    map[string][]string // as written, by normal form
	left    int                 // requirements that may still be read
	seen    map[string]bool     // groups that the one which is read has; true for those that are not at their end yet
}

// groupsOf prepares to read [dependency-groups] of a project.
func (s *source) groupsOf(project *toml.Table, inPlace bool) *groupWalk {
	g := &groupWalk{source: s, table: project.Table("dependency-groups"), inPlace: inPlace, keys: map[string][]string{}, left: maxIncluded}
	for _, key := range g.table.Keys() {
		g.keys[name.Normalize(key)] = append(g.keys[name.Normalize(key)], key)
	}
	return g
}

// read calls visit with the requirements of a group and of those that it includes. It tells whether the group includes
// itself, or others too deep, and at which key.
func (g *groupWalk) read(key string, visit func(list []*toml.Value)) (circle string) {
	g.seen = map[string]bool{}
	return g.group(key, 0, visit)
}

func (g *groupWalk) group(key string, depth int, visit func(list []*toml.Value)) (circle string) {
	open, known := g.seen[key]
	list := g.table.Value(key).Array()
	switch {
	case open || depth > maxInclude:
		return key
	case known || !g.spend(key, 1+len(list)):
		return ""
	}
	g.seen[key] = true
	if !g.inPlace {
		visit(list)
	}
	for i, v := range list {
		t, ok := v.AsTable()
		if !ok {
			if g.inPlace {
				visit(list[i : i+1])
			}
			continue
		}
		for _, other := range g.keys[name.Normalize(t.String("include-group"))] {
			if found := g.group(other, depth+1, visit); circle == "" {
				circle = found
			}
		}
	}
	g.seen[key] = false
	return circle
}

// spend counts what is read, and reports once that it is too much.
func (g *groupWalk) spend(key string, n int) bool {
	if g.left >= 0 {
		if g.left -= n; g.left < 0 {
			g.report(tooMany(g.table.KeyPos(key)))
		}
	}
	return g.left >= 0
}

// tooMany is the problem of a project whose groups or extras include more than any tool would lock.
func tooMany(pos diag.Position) *diag.Error {
	return &diag.Error{Pos: pos, Code: "too-large", What: fmt.Sprintf("groups or extras of the project have more than %d requirements with those that they include", maxIncluded),
		Hint: "include fewer of them in others"}
}
