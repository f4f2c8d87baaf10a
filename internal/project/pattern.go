package project

import (
	"strings"
)

// pattern is a wildmatch pattern, as git has it, as a machine that reads a path once: its cost is bounded by the lengths
// of both, whatever the pattern, where a matcher that backtracks would hang on a hostile one.
//
//   - any characters but "/"        [a-z]  one of some characters, but never "/"
//     ?      one character but "/"         \x     the character x
//     **     between slashes or at an end: any number of directories
//
// See https://git-scm.com/docs/gitignore and git's wildmatch.c.
type pattern struct {
	steps   []step
	plain   int    // steps before the first special character
	literal string // the whole pattern where it has no special characters and steps is nil
	broken  bool   // matches nothing, as git has it for an unclosed bracket
}

type step struct {
	kind  stepKind
	char  byte
	class *class
}

type stepKind uint8

const (
	one      stepKind = iota // exactly char
	any1                     // one character but "/"
	oneOf                    // one of class
	many                     // any number of characters but "/"
	manyAny                  // any number of characters
	optional                 // reads nothing; the next two steps may be left out
)

// special are the characters that do not stand for themselves.
const special = `*?[\`

// compile reads a pattern.
func compile(s string) pattern {
	if !strings.ContainsAny(s, special) {
		return pattern{literal: s}
	}
	p := pattern{plain: strings.IndexAny(s, special)}
	for i := 0; i < len(s); {
		n := p.step(s, i)
		if n == 0 {
			return pattern{broken: true}
		}
		i += n
	}
	return p
}

// step adds what stands at s[i:], and returns its length; 0 when it is broken.
func (p *pattern) step(s string, i int) int {
	switch s[i] {
	case '*':
		return p.star(s, i)
	case '?':
		p.add(step{kind: any1})
	case '[':
		c, n := parseClass(s[i:])
		if n == 0 {
			return 0
		}
		p.add(step{kind: oneOf, class: c})
		return n
	case '\\':
		if i+1 == len(s) {
			return 0
		}
		p.add(step{char: s[i+1]})
		return 2
	default:
		p.add(step{char: s[i]})
	}
	return 1
}

func (p *pattern) add(s step) { p.steps = append(p.steps, s) }

// star adds a run of stars. Two or more cross directories only where nothing but a slash stands on either side. Git
// compares what stands before the first special character by itself, and then takes the rest for a whole pattern: so to
// it, nothing stands before the stars of "a**/b", and neither to us.
func (p *pattern) star(s string, i int) int {
	n := 1
	for i+n < len(s) && s[i+n] == '*' {
		n++
	}
	rest := s[i+n:]
	bounded := (len(p.steps) == p.plain || s[i-1] == '/') && (rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`))
	switch {
	case n == 1 || !bounded:
		p.add(step{kind: many})
	case rest != "" && rest[0] == '/':
		p.add(step{kind: optional})
		p.add(step{kind: manyAny}) // and the slash behind it
	default:
		p.add(step{kind: manyAny})
	}
	return n
}

// match reports whether the whole path fits.
func (p pattern) match(path string) bool {
	if p.broken {
		return false
	}
	if p.steps == nil {
		return path == p.literal
	}
	now := make([]bool, len(p.steps)+1)
	next := make([]bool, len(p.steps)+1)
	p.reach(now, 0)
	for i := range len(path) {
		clear(next)
		alive := false
		for at, s := range p.steps {
			if !now[at] {
				continue
			}
			stay, move := s.read(path[i])
			if stay {
				p.reach(next, at)
			}
			if move {
				p.reach(next, at+1)
			}
			alive = alive || stay || move
		}
		if !alive {
			return false
		}
		now, next = next, now
	}
	return now[len(p.steps)]
}

// reach marks a place in the pattern, and the places that are reached from it without reading.
func (p pattern) reach(set []bool, at int) {
	for !set[at] {
		set[at] = true
		if at == len(p.steps) {
			return
		}
		switch p.steps[at].kind {
		case many, manyAny:
			at++
		case optional:
			p.reach(set, at+3)
			at++
		}
	}
}

// read says what happens at a step when a character comes: it may stay there, and it may move on.
func (s step) read(c byte) (stay, move bool) {
	switch s.kind {
	case one:
		return false, c == s.char
	case any1:
		return false, c != '/'
	case oneOf:
		return false, c != '/' && s.class.has(c)
	case many:
		return c != '/', false
	case manyAny:
		return true, false
	}
	return false, false
}

// class is a bracket expression, such as [a-z] or [!0-9].
type class struct {
	set     [256]bool
	negated bool
}

func (c *class) has(b byte) bool { return c.set[b] != c.negated }

// namedClasses are the classes of POSIX, for ASCII.
var namedClasses = map[string]func(byte) bool{
	"alnum": func(b byte) bool { return letter(b) || digit(b) },
	"alpha": letter,
	"blank": func(b byte) bool { return b == ' ' || b == '\t' },
	"cntrl": func(b byte) bool { return b < 0x20 || b == 0x7f },
	"digit": digit,
	"graph": func(b byte) bool { return b > 0x20 && b < 0x7f },
	"lower": func(b byte) bool { return 'a' <= b && b <= 'z' },
	"print": func(b byte) bool { return b >= 0x20 && b < 0x7f },
	"punct": func(b byte) bool { return b > 0x20 && b < 0x7f && !letter(b) && !digit(b) },
	"space": func(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' },
	"upper": func(b byte) bool { return 'A' <= b && b <= 'Z' },
	"xdigit": func(b byte) bool {
		return digit(b) || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
	},
}

func letter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }
func digit(b byte) bool  { return '0' <= b && b <= '9' }

// parseClass reads the bracket expression at the start of s, and returns its length; 0 when it is broken. A bracket
// right after the opening one stands for itself.
func parseClass(s string) (*class, int) {
	c := &class{}
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		c.negated = true
		i++
	}
	previous, ranged := byte(0), false // whether previous may begin a range
	for first := true; i < len(s) && (first || s[i] != ']'); first = false {
		if strings.HasPrefix(s[i:], "[:") {
			n := c.named(s[i:])
			if n == 0 {
				return nil, 0
			}
			if n > 0 {
				i, ranged = i+n, false
				continue
			}
		}
		if s[i] == '-' && ranged && i+1 < len(s) && s[i+1] != ']' {
			high, n := escaped(s[i+1:])
			if n == 0 {
				return nil, 0
			}
			for b := int(previous); b <= int(high); b++ {
				c.set[b] = true
			}
			i, ranged = i+1+n, false
			continue
		}
		b, n := escaped(s[i:])
		if n == 0 {
			return nil, 0
		}
		c.set[b] = true
		previous, ranged = b, true
		i += n
	}
	if i >= len(s) {
		return nil, 0
	}
	return c, i + 1
}

// escaped reads a character, or a backslash and a character; n is 0 at the end.
func escaped(s string) (b byte, n int) {
	if s[0] != '\\' {
		return s[0], 1
	}
	if len(s) < 2 {
		return 0, 0
	}
	return s[1], 2
}

// named adds a class such as [:alpha:], and returns its length: 0 when there is no such class, -1 when what stands
// there is no class but the characters "[" and ":".
func (c *class) named(s string) int {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return 0
	}
	if end < 3 || s[end-1] != ':' {
		return -1
	}
	has, ok := namedClasses[s[2:end-1]]
	if !ok {
		return 0
	}
	for b := range 256 {
		c.set[b] = c.set[b] || has(byte(b))
	}
	return end + 1
}
