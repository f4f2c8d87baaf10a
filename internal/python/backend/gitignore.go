package backend

import (
	"path"
	"regexp"
	"strings"
)

// ignorePattern is a line of a .gitignore. See https://git-scm.com/docs/gitignore.
type ignorePattern struct {
	whole   *regexp.Regexp // matches the path itself
	within  *regexp.Regexp // matches a directory, so that what is below it is matched
	include bool           // false for a line with !
	dirOnly bool
	strong  bool // "foo/**": counts as a match of the file itself
	all     bool // "*" or "**"
}

// compiling is what a new pattern counts for, in comparisons.
const compiling = 500

// parseIgnore reads patterns, one a line.
func (t *tree) parseIgnore(lines []string) ([]ignorePattern, error) {
	var out []ignorePattern
	for _, line := range lines {
		p, ok, err := parseIgnoreLine(line)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if out = append(out, p); len(out) > maxItems {
			return nil, treeErrorf("more than %d patterns of files to ignore", maxItems)
		}
		if err := t.spend(compiling); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// parseIgnoreLine reads one line; ok is false for comments and what matches nothing.
func parseIgnoreLine(line string) (p ignorePattern, ok bool, err error) {
	line = strings.TrimRight(line, "\r\n")
	if trimmed := strings.TrimRight(line, " \t"); !strings.HasSuffix(trimmed, `\`) {
		line = trimmed
	}
	if line == "" || line == "/" || line[0] == '#' {
		return p, false, nil
	}
	p.include = true
	if line[0] == '!' {
		p.include, line = false, line[1:]
	}
	if line == "" || line == "/" {
		return p, false, nil
	}
	if strings.HasSuffix(line, "/") {
		p.dirOnly, line = true, strings.TrimRight(line, "/")
	}
	parts := strings.Split(line, "/")
	switch {
	case parts[0] == "":
		parts = parts[1:]
	case line == "**", line == "*":
		parts, p.all = []string{"**", "*"}, !p.dirOnly
	case len(parts) == 1:
		parts = []string{"**", parts[0]}
	}
	if n := len(parts); n > 1 && parts[n-1] == "**" && !p.dirOnly {
		// All that is in a directory, but not the directory.
		p.strong, p.dirOnly, parts = true, true, parts[:n-1]
	}
	expression := ignoreExpression(parts)
	if p.whole, err = compile(line, expression); err != nil {
		return p, false, err
	}
	p.within, err = regexp.Compile("^" + expression + "/")
	return p, true, err
}

// ignoreExpression translates components. Unlike in pathlib, a ** in the middle may stand for no component at all.
func ignoreExpression(parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		last := i == len(parts)-1
		switch {
		case part == "**" && last:
			b.WriteString(".+")
		case part == "**":
			b.WriteString("(?:.+/)?")
		default:
			b.WriteString(segment(part, true))
			if !last {
				b.WriteByte('/')
			}
		}
	}
	return b.String()
}

// ignored decides as pathspec's GitIgnoreSpec does, which hatchling uses: the last pattern that matches the path
// itself wins; if there is none, the last that matches a directory above it. A path that ends in / is a directory.
func (b *build) ignored(patterns []ignorePattern, p string) bool {
	weak, found := false, false
	for i := len(patterns) - 1; i >= 0; i-- {
		pattern := patterns[i]
		if !b.spend(effort(pattern.whole, p)) {
			return true
		}
		bare := strings.TrimSuffix(p, "/")
		direct := pattern.whole.MatchString(bare)
		if pattern.all || direct && !pattern.dirOnly && bare == p {
			return pattern.include
		}
		if direct && bare != p && !pattern.strong || pattern.within.MatchString(p) {
			if pattern.strong {
				return pattern.include
			}
			if !found {
				weak, found = pattern.include, true
			}
		}
	}
	return weak
}

// gitIgnore decides as git does: each directory may have its own patterns, the last match wins, the deepest file
// first, and what is in an ignored directory cannot come back.
type gitIgnore struct {
	tree *tree
	read map[string][]ignorePattern // by directory
	dirs map[string]bool            // what was decided about directories
}

// newGitIgnore reads nothing yet: files are read when a path below them is asked for.
func newGitIgnore(t *tree) *gitIgnore {
	return &gitIgnore{tree: t, read: map[string][]ignorePattern{}, dirs: map[string]bool{}}
}

// ignored reports whether git would leave an untracked file out.
func (g *gitIgnore) ignored(file string) (bool, error) {
	for i, c := range file {
		if c != '/' {
			continue
		}
		out, known := g.dirs[file[:i]]
		if !known {
			var err error
			if out, err = g.decides(file[:i], true); err != nil {
				return false, err
			}
			g.dirs[file[:i]] = out
		}
		if out {
			return true, nil
		}
	}
	return g.decides(file, false)
}

// decides applies the patterns of all directories above p to p itself.
func (g *gitIgnore) decides(p string, isDir bool) (bool, error) {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if dir == "." {
			dir = ""
		}
		patterns, err := g.patterns(dir)
		if err != nil {
			return false, err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		for i := len(patterns) - 1; i >= 0; i-- {
			q := patterns[i]
			if err := g.tree.spend(effort(q.whole, rel)); err != nil {
				return false, err
			}
			if q.strong && q.within.MatchString(rel) || !q.strong && q.whole.MatchString(rel) && (isDir || !q.dirOnly) {
				return q.include, nil
			}
		}
		if dir == "" {
			return false, nil
		}
	}
}

// patterns returns those of the .gitignore in a directory, read once.
func (g *gitIgnore) patterns(dir string) ([]ignorePattern, error) {
	if p, ok := g.read[dir]; ok {
		return p, nil
	}
	var patterns []ignorePattern
	file := path.Join(dir, ".gitignore")
	if g.tree.isFile(file) {
		data, err := g.tree.read(file)
		if err != nil {
			return nil, err
		}
		if patterns, err = g.tree.parseIgnore(strings.Split(string(data), "\n")); err != nil {
			return nil, err
		}
	}
	g.read[dir] = patterns
	return patterns, nil
}
