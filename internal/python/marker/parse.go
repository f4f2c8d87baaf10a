package marker

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLength = 1 << 20 // bytes of one marker; those that uv writes for large conflicts have some kilobytes
	maxDepth  = 100     // parentheses inside each other, so that no input exhausts the stack
)

// Parse reads a marker.
func Parse(s string) (Marker, error) {
	if len(s) > maxLength {
		return Marker{}, fmt.Errorf("marker has %d characters, more than %d", len(s), maxLength)
	}
	p := parser{text: s}
	l := p.list(0)
	if p.err == nil && p.pos != len(s) {
		p.fail("expected \"and\", \"or\" or the end")
	}
	if p.err != nil {
		return Marker{}, p.err
	}
	return Marker{l}, nil
}

// MustParse is Parse for tables and tests; it panics where Parse refuses.
func MustParse(s string) Marker {
	m, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return m
}

// parser is a recursive descent over packaging's grammar. After an error it reads no further.
type parser struct {
	text string
	pos  int
	err  error
}

// fail keeps the first error.
func (p *parser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("marker %.80q: %s at column %d", p.text, what, p.pos+1)
	}
}

// list reads comparisons and lists in parentheses, joined by "and" and "or".
func (p *parser) list(depth int) list {
	if depth > maxDepth {
		p.fail("too many parentheses inside each other")
	}
	var l list
	or := false
	for p.err == nil {
		it := p.item(depth)
		it.or = or
		l = append(l, it)
		switch {
		case p.word("or"):
			or = true
		case p.word("and"):
			or = false
		default:
			return l
		}
	}
	return l
}

func (p *parser) item(depth int) (it item) {
	p.space()
	if p.symbol("(") {
		it.list = p.list(depth + 1)
		if !p.symbol(")") {
			p.fail("expected \")\"")
		}
	} else {
		left := p.operand()
		p.space()
		op := p.operator()
		p.space()
		right := p.operand()
		if p.err == nil {
			it.cmp = newComparison(left, op, right)
		}
	}
	p.space()
	return it
}

// operand reads a variable or a quoted text.
func (p *parser) operand() (o operand) {
	rest := p.text[p.pos:]
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			p.fail("a quote is not closed")
			return o
		}
		text, err := unquote(rest[1 : 1+end])
		if err != nil {
			p.fail(err.Error())
		}
		p.pos += end + 2
		return operand{text: text}
	}
	n := 0
	for n < len(rest) && (isWordByte(rest[n]) || rest[n] == '.') {
		n++
	}
	if o.name = lookup(rest[:n]); o.name == literal || !p.boundary(p.pos+n) {
		p.fail("expected a marker variable or a quoted text")
	}
	p.pos += n
	return o
}

// symbols are the operators that are no words; none may begin with one that stands before it.
var symbols = []operator{arbitrary, equal, compatible, notEqual, lessEqual, greaterEqual, less, greater}

func (p *parser) operator() operator {
	if p.word("in") {
		return in
	}
	if p.word("not") {
		at := p.pos
		p.space()
		if p.pos == at || !p.word("in") {
			p.fail("expected \"in\" after \"not\"")
		}
		return notIn
	}
	for _, op := range symbols {
		if p.symbol(op.String()) {
			return op
		}
	}
	p.fail("expected an operator, one of <=, <, !=, ==, >=, >, ~=, ===, in, not in")
	return in
}

func (p *parser) symbol(s string) bool {
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

// word reads a word that no other letter follows.
func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.pos:], w) || !p.boundary(p.pos+len(w)) {
		return false
	}
	p.pos += len(w)
	return true
}

// boundary reports whether a word that ends at i is complete.
func (p *parser) boundary(i int) bool {
	r, _ := utf8.DecodeRuneInString(p.text[i:])
	return i == len(p.text) || r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

func (p *parser) space() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
