package backend

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// pyModule is what the text of a Python module says at its top level, without running it: what the backends themselves
// read from the syntax tree. See https://docs.python.org/3/reference/lexical_analysis.html.
type pyModule struct {
	statements []pyStatement
	indented   bool // there are other lines, which are indented
	ok         bool // false for text that this reader does not understand to its end
}

// pyStatement is a simple statement that is not indented.
type pyStatement []pyToken

// pyToken is a token: 'n' a name or a number, 's' a string, 'o' an operator.
type pyToken struct {
	kind  byte
	text  string // of a string: its value
	plain bool   // of a string: the value is known
}

// pyValue is a literal.
type pyValue struct {
	kind  byte // 's' string, 'i' integer, 'q' tuple or list, 0 anything else
	text  string
	items []pyValue
}

// maxPyDepth is how deep brackets in a literal may nest; versions have one level.
const maxPyDepth = 20

// readPython reads a module.
func readPython(src string) pyModule {
	s := &pyScanner{rest: strings.TrimPrefix(universalNewlines(src), "\ufeff")}
	m := pyModule{ok: true}
	for s.rest != "" {
		indented := s.indentation()
		line, ok := s.line()
		if !ok {
			m.ok = false
			return m
		}
		if indented && len(line) > 0 {
			m.indented = true
		} else {
			m.statements = append(m.statements, split(line, ";")...)
		}
	}
	return m
}

// split cuts a logical line at an operator outside of brackets, and drops what is empty.
func split(line []pyToken, at string) (out []pyStatement) {
	depth, start := 0, 0
	cut := func(end int) {
		if end > start || at != ";" {
			out = append(out, line[start:end])
		}
		start = end + 1
	}
	for i, t := range line {
		switch {
		case t.kind != 'o':
		case strings.Contains("([{", t.text):
			depth++
		case strings.Contains(")]}", t.text):
			depth--
		case t.text == at && depth == 0:
			cut(i)
		}
	}
	cut(len(line))
	return out
}

// docstring returns the first statement's string. Its first line is that of ast.get_docstring, without white space
// before it.
func (m pyModule) docstring() (string, bool) {
	if len(m.statements) == 0 {
		return "", false
	}
	v := literal(m.statements[0])
	return v.text, v.kind == 's'
}

// assigned returns the value of the first assignment to a name. With only set, values of other kinds are passed over.
func (m pyModule) assigned(name, only string) (pyValue, bool) {
	for _, s := range m.statements {
		targets, value := s.assignment()
		if !slices.Contains(targets, name) {
			continue
		}
		if v := literal(value); only == "" || strings.IndexByte(only, v.kind) >= 0 {
			return v, true
		}
	}
	return pyValue{}, false
}

// compound are words with which a statement has a colon without being an annotated assignment.
var compound = []string{"else", "try", "finally", "lambda"}

// assignment returns the names that a statement assigns to, and the tokens of the value.
func (s pyStatement) assignment() (names []string, value []pyToken) {
	parts := split(s, "=")
	if len(parts) < 2 {
		return nil, nil
	}
	for i, p := range parts[:len(parts)-1] {
		annotated := i == 0 && len(p) > 2 && p[1].kind == 'o' && p[1].text == ":"
		if len(p) > 0 && p[0].kind == 'n' && (len(p) == 1 || annotated) && !slices.Contains(compound, p[0].text) {
			names = append(names, p[0].text)
		}
	}
	return names, parts[len(parts)-1]
}

var (
	pyInteger = lazyregexp.New(`^(?:0|[1-9][0-9]{0,17})$`)
	pyPrefix  = lazyregexp.New(`^(?i:[rbuft]{0,2})("""|'''|"|')`)
)

// literal reads a literal that is all of the tokens.
func literal(tokens []pyToken) pyValue {
	p := &literalParser{rest: tokens}
	v := p.list("", 0)
	if len(p.rest) > 0 {
		return pyValue{}
	}
	return v
}

// literalParser reads a literal by recursive descent.
type literalParser struct{ rest []pyToken }

// list reads values with commas up to a closing bracket; a single one without a comma is itself, except in a list.
func (p *literalParser) list(closing string, depth int) pyValue {
	v := pyValue{kind: 'q'}
	comma := closing == "]"
	for len(p.rest) > 0 && !(p.rest[0].kind == 'o' && p.rest[0].text == closing) {
		item := p.one(depth)
		if item.kind == 0 {
			return pyValue{}
		}
		v.items = append(v.items, item)
		if len(p.rest) == 0 || p.rest[0].kind != 'o' || p.rest[0].text != "," {
			break
		}
		comma, p.rest = true, p.rest[1:]
	}
	if closing != "" {
		if len(p.rest) == 0 || p.rest[0].text != closing {
			return pyValue{}
		}
		p.rest = p.rest[1:]
	}
	if !comma && len(v.items) == 1 {
		return v.items[0]
	}
	if !comma {
		return pyValue{}
	}
	return v
}

// one reads a string, which may be in several parts, an integer, or a bracket.
func (p *literalParser) one(depth int) pyValue {
	t := p.rest[0]
	p.rest = p.rest[1:]
	switch {
	case t.kind == 's' && t.plain:
		v := pyValue{kind: 's', text: t.text}
		for len(p.rest) > 0 && p.rest[0].kind == 's' {
			if !p.rest[0].plain {
				return pyValue{}
			}
			v.text += p.rest[0].text
			p.rest = p.rest[1:]
		}
		return v
	case t.kind == 'n' && pyInteger.MatchString(t.text):
		return pyValue{kind: 'i', text: t.text}
	case t.kind == 'o' && depth < maxPyDepth && t.text == "(":
		return p.list(")", depth+1)
	case t.kind == 'o' && depth < maxPyDepth && t.text == "[":
		return p.list("]", depth+1)
	}
	return pyValue{}
}
