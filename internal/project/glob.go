package project

import "strings"

// fileGlob is a glob of files.include or files.exclude, relative to the project. It means the files that it matches, and
// all files below the directories that it matches.
type fileGlob struct {
	parts  []globPart
	prefix string // the directories before the first wildcard; the whole glob where there is none
}

type globPart struct {
	pattern
	deep  bool // "**": any number of directories
	named bool // has a letter or a digit, so that it means some names and not just any
}

func compileGlob(s string) fileGlob {
	var g fileGlob
	literal := true
	for part := range strings.SplitSeq(s, "/") {
		if n := len(g.parts); part == "**" && n > 0 && g.parts[n-1].deep {
			continue // a run of them means what one means
		}
		g.parts = append(g.parts, globPart{compile(part), part == "**", strings.ContainsFunc(part, isAlphanumeric)})
		if literal = literal && !strings.ContainsAny(part, special); literal {
			g.prefix = join2(g.prefix, part)
		}
	}
	return g
}

func isAlphanumeric(r rune) bool { return r > 0x7f || letter(byte(r)) || digit(byte(r)) }

// join2 joins a directory and what is in it.
func join2(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// globState is how much of a glob a path has matched so far: the places in its parts where the rest must go on. It is
// carried down the tree, so that nothing is matched twice, and empty where nothing below can match.
type globState []int

// start is the state at the root of the project.
func (g fileGlob) start() globState { return g.reach(nil, 0) }

func (g fileGlob) reach(s globState, at int) globState {
	s = append(s, at)
	if at < len(g.parts) && g.parts[at].deep {
		s = g.reach(s, at+1)
	}
	return s
}

// next is the state below one more name. A protected name, such as .env, is only passed by a part that means it: "*" and
// "**" do not, nor does the name of a directory above it.
func (g fileGlob) next(s globState, name string, protected bool) (out globState) {
	for _, at := range s {
		switch {
		case at == len(g.parts) || g.parts[at].deep:
			if !protected {
				out = g.reach(out, at)
			}
		case g.parts[at].match(name) && (g.parts[at].named || !protected):
			out = g.reach(out, at+1)
		}
	}
	return dedupe(out)
}

// dedupe keeps states small where several "**" lead to the same places.
func dedupe(s globState) globState {
	seen := map[int]bool{}
	out := s[:0]
	for _, at := range s {
		if !seen[at] {
			seen[at] = true
			out = append(out, at)
		}
	}
	return out
}

// matches reports whether the path that led to the state is meant by the glob.
func (g fileGlob) matches(s globState) bool {
	for _, at := range s {
		if at == len(g.parts) {
			return true
		}
	}
	return false
}
