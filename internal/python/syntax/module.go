// Package syntax reads the text of Python modules without running it: their logical lines as tokens, what is assigned to
// names at their top level, and literals.
//
// Text goes in, a Module comes out; text that cannot be read to its end says so by OK. Nothing is imported, and the time grows
// with the length alone. Build backends read versions and descriptions this way, and lithe finds applications.
// See https://docs.python.org/3/reference/lexical_analysis.html.
package syntax

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// Module is what the text of a Python module says, without running it.
type Module struct {
	Statements []Statement // the simple statements that are not indented, and the headers of compound ones
	Lines      []Line      // every logical line
	Indented   bool        // there are lines that are indented
	OK         bool        // false for text that this reader does not understand to its end
}

// Line is a logical line: what stands between two newlines that are in no bracket and no string.
type Line struct {
	Indent    int       // of characters before it
	Statement Statement // all of it, semicolons included
}

// Statement is the tokens of a simple statement, or of the header of a compound one with what stands behind it.
type Statement []Token

// Token is a token: 'n' a name or a number, 's' a string, 'o' an operator.
type Token struct {
	Kind  byte
	Text  string // of a string: its value
	Plain bool   // of a string: the value is known
	Line  int    // where it begins
}

// Is reports whether the token is this operator or word.
func (t Token) Is(text string) bool { return t.Kind != 's' && t.Text == text }

// Value is a literal.
type Value struct {
	Kind  byte // 's' string, 'i' integer, 'q' tuple or list, 0 anything else
	Text  string
	Items []Value
}

// maxDepth is how deep brackets in a literal may nest; versions have one level.
const maxDepth = 20

// Read reads a module.
func Read(src string) Module {
	src = strings.TrimPrefix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(src), "\ufeff")
	s := &scanner{rest: src, src: src, number: 1}
	m := Module{OK: true}
	for s.rest != "" {
		indent := s.indentation()
		line, ok := s.line()
		if !ok {
			m.OK = false
			return m
		}
		if len(line) == 0 {
			continue
		}
		m.Lines = append(m.Lines, Line{indent, line})
		if indent > 0 {
			m.Indented = true
		} else {
			m.Statements = append(m.Statements, Split(line, ";")...)
		}
	}
	return m
}

// Split cuts a logical line at an operator outside of brackets, and drops what is empty.
func Split(line Statement, at string) (out []Statement) {
	depth, start := 0, 0
	cut := func(end int) {
		if end > start || at != ";" {
			out = append(out, line[start:end])
		}
		start = end + 1
	}
	for i, t := range line {
		switch {
		case t.Kind != 'o':
		case strings.Contains("([{", t.Text):
			depth++
		case strings.Contains(")]}", t.Text):
			depth--
		case t.Text == at && depth == 0:
			cut(i)
		}
	}
	cut(len(line))
	return out
}

// Docstring returns the first statement's string. Its first line is that of ast.get_docstring, without white space
// before it.
func (m Module) Docstring() (string, bool) {
	if len(m.Statements) == 0 {
		return "", false
	}
	v := Literal(m.Statements[0])
	return v.Text, v.Kind == 's'
}

// Assigned returns the value of the first assignment to a name. With only set, values of other kinds are passed over.
func (m Module) Assigned(name, only string) (Value, bool) {
	for _, s := range m.Statements {
		targets, value := s.Assignment()
		if !slices.Contains(targets, name) {
			continue
		}
		if v := Literal(value); only == "" || strings.IndexByte(only, v.Kind) >= 0 {
			return v, true
		}
	}
	return Value{}, false
}

// compound are words with which a statement has a colon without being an annotated assignment.
var compound = []string{"else", "try", "finally", "lambda"}

// Assignment returns the names that a statement assigns to, and the tokens of the value.
func (s Statement) Assignment() (names []string, value []Token) {
	parts := Split(s, "=")
	if len(parts) < 2 {
		return nil, nil
	}
	for i, p := range parts[:len(parts)-1] {
		annotated := i == 0 && len(p) > 2 && p[1].Kind == 'o' && p[1].Text == ":"
		if len(p) > 0 && p[0].Kind == 'n' && (len(p) == 1 || annotated) && !slices.Contains(compound, p[0].Text) {
			names = append(names, p[0].Text)
		}
	}
	return names, parts[len(parts)-1]
}

var (
	integer  = lazyregexp.New(`^(?:0|[1-9][0-9]{0,17})$`)
	prefixed = lazyregexp.New(`^(?i:[rbuft]{0,2})("""|'''|"|')`)
)

// Literal reads a literal that is all of the tokens.
func Literal(tokens []Token) Value {
	p := &literalParser{rest: tokens}
	v := p.list("", 0)
	if len(p.rest) > 0 {
		return Value{}
	}
	return v
}

// literalParser reads a literal by recursive descent.
type literalParser struct{ rest []Token }

// list reads values with commas up to a closing bracket; a single one without a comma is itself, except in a list.
func (p *literalParser) list(closing string, depth int) Value {
	v := Value{Kind: 'q'}
	comma := closing == "]"
	for len(p.rest) > 0 && !(p.rest[0].Kind == 'o' && p.rest[0].Text == closing) {
		item := p.one(depth)
		if item.Kind == 0 {
			return Value{}
		}
		v.Items = append(v.Items, item)
		if len(p.rest) == 0 || p.rest[0].Kind != 'o' || p.rest[0].Text != "," {
			break
		}
		comma, p.rest = true, p.rest[1:]
	}
	if closing != "" {
		if len(p.rest) == 0 || p.rest[0].Text != closing {
			return Value{}
		}
		p.rest = p.rest[1:]
	}
	if !comma && len(v.Items) == 1 {
		return v.Items[0]
	}
	if !comma {
		return Value{}
	}
	return v
}

// one reads a string, which may be in several parts, an integer, or a bracket.
func (p *literalParser) one(depth int) Value {
	t := p.rest[0]
	p.rest = p.rest[1:]
	switch {
	case t.Kind == 's' && t.Plain:
		parts := []string{t.Text}
		for len(p.rest) > 0 && p.rest[0].Kind == 's' {
			if !p.rest[0].Plain {
				return Value{}
			}
			parts = append(parts, p.rest[0].Text)
			p.rest = p.rest[1:]
		}
		return Value{Kind: 's', Text: strings.Join(parts, "")}
	case t.Kind == 'n' && integer.MatchString(t.Text):
		return Value{Kind: 'i', Text: t.Text}
	case t.Kind == 'o' && depth < maxDepth && t.Text == "(":
		return p.list(")", depth+1)
	case t.Kind == 'o' && depth < maxDepth && t.Text == "[":
		return p.list("]", depth+1)
	}
	return Value{}
}
