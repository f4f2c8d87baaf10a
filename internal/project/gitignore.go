package project

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Files named .gitignore are read here and not by git, so that a checkout, an archive without .git and a copy give the
// same image. What git reads elsewhere, .git/info/exclude and the user's own file, would differ between machines.
// See https://git-scm.com/docs/gitignore.

const (
	gitignoreFile = ".gitignore"
	maxIgnoreFile = 1 << 20 // bytes; lists of thousands of lines have some ten kilobytes
	maxIgnoreLine = 4096    // bytes, the longest path of Linux
)

// ignoreList is one .gitignore file.
type ignoreList struct {
	dir   string // where it stands, relative to the project; "" for the root
	rules []ignoreRule

	special, steps int // rules that are no plain names, and the steps of all of them
}

type ignoreRule struct {
	pattern
	negated  bool // "!": not ignored after all
	dirOnly  bool // "/" at the end
	baseOnly bool // no other "/": compared with the last part of a path
}

// parseIgnore reads the .gitignore of a directory.
func parseIgnore(dir, file string, data []byte) (ignoreList, error) {
	l := ignoreList{dir: dir}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if len(line) > maxIgnoreLine {
			return l, &diag.Error{Pos: diag.Position{File: file, Line: n}, Code: "gitignore",
				What: fmt.Sprintf("the line has %d bytes, more than %d", len(line), maxIgnoreLine)}
		}
		if r, ok := parseIgnoreLine(line); ok {
			l.rules = append(l.rules, r)
			l.steps += len(r.steps)
			if r.steps != nil {
				l.special++
			}
		}
	}
	return l, nil
}

// parseIgnoreLine reads a line; ok is false for one that says nothing.
func parseIgnoreLine(line string) (r ignoreRule, ok bool) {
	if strings.HasPrefix(line, "#") {
		return r, false
	}
	line = trimTrailingSpaces(line)
	line, r.negated = strings.CutPrefix(line, "!")
	line, r.dirOnly = strings.CutSuffix(line, "/")
	r.baseOnly = !strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return r, false
	}
	r.pattern = compile(line)
	return r, true
}

// trimTrailingSpaces removes spaces at the end, but for one behind a backslash.
func trimTrailingSpaces(s string) string {
	end := 0 // of what stays
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(s))
	}
	return s[:end]
}

// decide says whether a path below the list's directory is ignored; known is false when no rule is about it. The last
// rule that matches counts.
func (l ignoreList) decide(path string, isDir bool) (ignored, known bool) {
	name := path
	if l.dir != "" {
		name = strings.TrimPrefix(path, l.dir+"/")
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	for i := len(l.rules) - 1; i >= 0; i-- {
		r := l.rules[i]
		if r.dirOnly && !isDir {
			continue
		}
		if r.baseOnly && r.match(base) || !r.baseOnly && r.match(name) {
			return !r.negated, true
		}
	}
	return false, false
}

// ignoreStack is the lists from the root of the project down to a directory.
type ignoreStack []ignoreList

// ignores reports whether a path is ignored, given that no directory above it is. The deepest list that knows decides.
func (s ignoreStack) ignores(path string, isDir bool) bool {
	for i := len(s) - 1; i >= 0; i-- {
		if ignored, known := s[i].decide(path, isDir); known {
			return ignored
		}
	}
	return false
}
