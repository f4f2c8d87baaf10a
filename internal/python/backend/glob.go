package backend

import (
	"regexp"
	"strings"
)

// The backends have three languages of patterns. Each becomes a regular expression over slash-separated paths; Go's
// regular expressions take linear time, so no pattern can hang us.

// pathlibGlob compiles a pattern of Python's pathlib, as of 3.13: * and ? stay in a component, ** is any number of
// components, hidden files are matched. See https://docs.python.org/3/library/pathlib.html#pattern-language.
func pathlibGlob(pattern string) (*regexp.Regexp, error) {
	return compile(pattern, components(pattern, stars{alone: ".*", last: ".*", inside: "(?:[^/]+/)*"}, false))
}

// portableGlob compiles a pattern as globset has it with literal separators, and the specification of PEP 639.
// escapes says whether a backslash makes the next character literal.
// See https://packaging.python.org/en/latest/specifications/glob-patterns/.
func portableGlob(pattern string, escapes bool) (*regexp.Regexp, error) {
	if err := checkPortable(pattern, escapes); err != nil {
		return nil, err
	}
	return compile(pattern, components(pattern, stars{alone: ".*", last: ".+", inside: "(?:.*/)?"}, escapes))
}

// stars is what ** means by where it stands: as the whole pattern, at its end, or before something else.
type stars struct{ alone, last, inside string }

// components translates a pattern component by component.
func components(pattern string, double stars, escapes bool) string {
	var b strings.Builder
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		first, last := i == 0, i == len(parts)-1
		switch {
		case part == "**" && first && last:
			b.WriteString(double.alone)
		case part == "**" && last:
			b.WriteString(double.last)
		case part == "**":
			b.WriteString(double.inside)
		default:
			b.WriteString(segment(part, escapes))
			if !last {
				b.WriteByte('/')
			}
		}
	}
	return b.String()
}

// checkPortable refuses what the specification forbids: other characters, "..", and stars that are not alone.
func checkPortable(pattern string, escapes bool) error {
	for part := range strings.SplitSeq(pattern, "/") {
		if part == ".." || strings.HasPrefix(part, "..") {
			return treeErrorf("the pattern %q has a component that begins with two dots", pattern)
		}
		if strings.Contains(part, "**") && part != "**" {
			return treeErrorf("the pattern %q has ** beside other characters", pattern)
		}
	}
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped && (c == '/' || c == '\\'):
			return treeErrorf("the pattern %q escapes a separator", pattern)
		case escaped:
			escaped = false
		case c == '\\' && escapes:
			escaped = true
		case !isWord(c) && !strings.ContainsRune("-?.*/[]", c):
			return treeErrorf("the pattern %q holds %q", pattern, c)
		}
	}
	if escaped {
		return treeErrorf("the pattern %q ends with a backslash", pattern)
	}
	return nil
}

// segment translates one component of a pattern: *, ? and [...], and an escape where the language has it.
func segment(part string, escapes bool) string {
	if part == "*" {
		return "[^/]+"
	}
	var b strings.Builder
	runes := []rune(part)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case c == '\\' && escapes && i+1 < len(runes):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '[':
			class, used := bracket(runes[i:])
			b.WriteString(class)
			i += used - 1
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

// bracket translates a bracket expression at the beginning of runes and returns how many it took. Without a closing
// bracket, the opening one stands for itself.
func bracket(runes []rune) (class string, used int) {
	i := 1
	negate := i < len(runes) && (runes[i] == '!' || runes[i] == '^')
	if negate {
		i++
	}
	start := i
	if i < len(runes) && runes[i] == ']' {
		i++
	}
	for i < len(runes) && runes[i] != ']' {
		i++
	}
	if i >= len(runes) {
		return `\[`, 1
	}
	inside := string(runes[start:i])
	inside = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(inside)
	if negate {
		return "[^/" + inside + "]", i + 1
	}
	return "[" + inside + "]", i + 1
}

// compile anchors an expression at both ends: a pattern is of a whole path.
func compile(pattern, expression string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, treeErrorf("the pattern %.80q has more than %d bytes", pattern, maxPattern)
	}
	re, err := regexp.Compile("^" + expression + "$")
	if err != nil {
		return nil, treeErrorf("the pattern %q is not valid: %v", pattern, err)
	}
	return re, nil
}
