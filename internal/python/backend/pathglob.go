package backend

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// pathGlob is a pattern of Python's glob module, or of setuptools' own copy of it. See
// https://docs.python.org/3/library/glob.html.
type pathGlob struct {
	parts  []globPart
	hidden bool // * and ** match names that begin with a dot, as setuptools has it
}

// maxGlobParts is how many components a pattern may have: as many as fit into the bits of a word. Real ones have five.
const maxGlobParts = 62

// globPart is one component of a pattern.
type globPart struct {
	double bool // **: any number of components
	dotted bool // begins with a dot, so that it may match hidden names
	re     *regexp.Regexp
}

// newPathGlob compiles a pattern. Without recursive, ** is the same as *.
func newPathGlob(pattern string, recursive, hidden bool) (*pathGlob, error) {
	g := &pathGlob{hidden: hidden}
	if len(pattern) > maxPattern {
		return nil, treeErrorf("the pattern %.80q has more than %d bytes", pattern, maxPattern)
	}
	for part := range strings.SplitSeq(pattern, "/") {
		if recursive && part == "**" {
			// A run of them means what one means.
			if n := len(g.parts); n == 0 || !g.parts[n-1].double {
				g.parts = append(g.parts, globPart{double: true})
			}
			continue
		}
		if strings.Contains(part, "[^") {
			return nil, treeErrorf("the pattern %q has [^, which Python takes literally", pattern)
		}
		re, err := compile(pattern, segment(part, false))
		if err != nil {
			return nil, err
		}
		g.parts = append(g.parts, globPart{dotted: strings.HasPrefix(part, "."), re: re})
	}
	if len(g.parts) > maxGlobParts {
		return nil, treeErrorf("the pattern %q has more than %d components", pattern, maxGlobParts)
	}
	return g, nil
}

// match reports whether the whole path matches. It follows all readings of the pattern at once, so that no pattern
// takes more than its length times the path's.
func (g *pathGlob) match(p string) bool {
	states := g.close(1) // a bit for each number of parts that are behind us
	for name := range strings.SplitSeq(p, "/") {
		next := uint64(0)
		for i, part := range g.parts {
			if states>>i&1 == 1 && part.takes(name, g.hidden) {
				if part.double {
					next |= 1 << i
				} else {
					next |= 1 << (i + 1)
				}
			}
		}
		if states = g.close(next); states == 0 {
			return false
		}
	}
	return states>>len(g.parts)&1 == 1
}

// close adds what ** can stand for: nothing.
func (g *pathGlob) close(states uint64) uint64 {
	for i, part := range g.parts {
		if part.double && states>>i&1 == 1 {
			states |= 1 << (i + 1)
		}
	}
	return states
}

// takes reports whether a component matches a name.
func (p globPart) takes(name string, hidden bool) bool {
	if !hidden && !p.dotted && strings.HasPrefix(name, ".") {
		return false
	}
	return p.double || p.re.MatchString(name)
}

// magic reports whether a pattern is more than a path.
func magic(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// find returns what matches a pattern, in the order of names. Directories that no match can be in are not looked into.
func (t *tree) find(pattern string, recursive, hidden bool) ([]node, error) {
	if err := t.look(1); err != nil {
		return nil, err
	}
	clean, ok := local(pattern)
	if !ok {
		return nil, treeErrorf("%s leads out of the project", pattern)
	}
	root, parts := "", strings.Split(clean, "/")
	for len(parts) > 0 && !magic(parts[0]) {
		root, parts = path.Join(root, parts[0]), parts[1:]
	}
	if len(parts) == 0 {
		switch {
		case t.isFile(root) && !strings.HasSuffix(pattern, "/"):
			return []node{{root, false}}, nil
		case t.isDir(root):
			return []node{{root, true}}, nil
		}
		return nil, nil
	}
	if !t.isDir(root) {
		return nil, nil
	}
	g, err := newPathGlob(clean, recursive, hidden)
	if err != nil {
		return nil, err
	}
	found, err := t.findBelow(root, parts, g, recursive)
	if strings.HasSuffix(pattern, "/") { // which only a directory can have
		found = slices.DeleteFunc(found, func(n node) bool { return !n.dir })
	}
	return found, err
}

// findBelow walks a directory for what matches.
func (t *tree) findBelow(root string, parts []string, g *pathGlob, recursive bool) ([]node, error) {
	tooDeep := shallow(root, parts)
	if !recursive {
		tooDeep = shallow(root, make([]string, len(parts)))
	}
	visible := !g.hidden && !slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, ".") })
	all, err := t.walk(root, func(n node) bool {
		return visible && strings.HasPrefix(path.Base(n.path), ".") || tooDeep != nil && tooDeep(n)
	})
	if err != nil {
		return nil, err
	}
	var out []node
	if g.match(root) && root != "" { // dir/** is also the directory
		out = append(out, node{root, true})
	}
	for _, n := range all {
		if g.match(n.path) {
			out = append(out, n)
		}
	}
	return out, nil
}

// fnmatch compiles a pattern of Python's fnmatch, whose * crosses slashes.
// See https://docs.python.org/3/library/fnmatch.html.
func fnmatch(pattern string) (*regexp.Regexp, error) {
	if strings.Contains(pattern, "[^") {
		return nil, treeErrorf("the pattern %q has [^, which Python takes literally", pattern)
	}
	expression := segment(pattern, false)
	if pattern == "*" {
		expression = ".*"
	}
	expression = strings.NewReplacer("[^/]*", ".*", "[^/]", ".", "[^/", "[^").Replace(expression)
	return compile(pattern, "(?s:"+expression+")")
}
