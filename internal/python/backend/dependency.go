package backend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
)

// dependency is a requirement as written, in parts. Each backend prints the same requirement in its own way, some
// from the text and some from its meaning, so that the text has to be kept; package requirement keeps the meaning.
type dependency struct {
	name   string
	extras []string
	specs  []spec
	url    string
	marker *markerNode // nil without
}

// spec is one clause of a version specifier.
type spec struct{ op, version string }

// markerNode is a comparison, or a list with a written structure: operands, and "and" or "or" between them.
type markerNode struct {
	left, op, right string // of a comparison; the side that is a literal has quotes
	kids            []*markerNode
	words           []string // len(kids)-1 of them
}

// leaf reports a comparison.
func (n *markerNode) leaf() bool { return n.kids == nil }

// specText returns the clauses of the version specifier as written.
func (d dependency) specText() string {
	var out []string
	for _, s := range d.specs {
		out = append(out, s.op+s.version)
	}
	return strings.Join(out, ",")
}

// normalName returns the normalized name of the distribution.
func (d dependency) normalName() string { return name.Normalize(d.name) }

var (
	dependencyHead = lazyregexp.New(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*`)
	specClause     = lazyregexp.New(`^\s*(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;()]+)\s*$`)
)

// parseDependency reads a PEP 508 requirement.
func parseDependency(s string) (dependency, error) {
	m := dependencyHead.FindStringSubmatch(s)
	if m == nil {
		return dependency{}, fmt.Errorf("%q is not a requirement", s)
	}
	d := dependency{name: m[1]}
	for extra := range strings.SplitSeq(m[2], ",") {
		if extra = strings.TrimSpace(extra); extra == "" {
			continue
		} else if !name.Valid(extra) {
			return dependency{}, fmt.Errorf("%q: %q is not an extra", s, extra)
		}
		d.extras = append(d.extras, extra)
	}
	rest := s[len(m[0]):]
	if url, ok := strings.CutPrefix(rest, "@"); ok {
		url, rest, _ = strings.Cut(strings.TrimSpace(url), " ;")
		d.url, rest = strings.TrimSpace(url), strings.TrimPrefix(" ;"+rest, " ;")
	} else {
		var clauses string
		clauses, rest, _ = strings.Cut(rest, ";")
		if err := d.parseSpecs(clauses); err != nil {
			return dependency{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	if strings.TrimSpace(rest) == "" {
		return d, nil
	}
	p := &markerParser{rest: rest}
	marker, err := p.parse()
	if err != nil {
		return dependency{}, fmt.Errorf("%q: %w", s, err)
	}
	d.marker = marker
	return d, nil
}

// parseSpecs reads version specifiers. The parentheses are from an older form of metadata, and still in use.
func (d *dependency) parseSpecs(s string) error {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "("); ok {
		if s, ok = strings.CutSuffix(inner, ")"); !ok {
			return errors.New("a parenthesis is not closed")
		}
	}
	if s == "" {
		return nil
	}
	if _, err := version.ParseSpecifiers(s); err != nil {
		return err
	}
	for clause := range strings.SplitSeq(s, ",") {
		if clause = strings.TrimSpace(clause); clause == "" {
			continue
		}
		m := specClause.FindStringSubmatch(clause)
		if m == nil {
			return fmt.Errorf("%q is not a version specifier", clause)
		}
		d.specs = append(d.specs, spec{m[1], strings.TrimSpace(m[2])})
	}
	return nil
}

// markerVariables are the names of PEP 508. Older spellings are not among them.
var markerVariables = []string{"os_name", "sys_platform", "platform_machine", "platform_python_implementation",
	"platform_release", "platform_system", "platform_version", "python_version", "python_full_version",
	"implementation_name", "implementation_version"}

// maxMarkerDepth is how deep parentheses in a marker may nest; real ones have two levels.
const maxMarkerDepth = 20

// markerParser reads a marker by recursive descent.
type markerParser struct {
	rest  string
	depth int
}

// parse reads a whole marker.
func (p *markerParser) parse() (*markerNode, error) {
	n, err := p.list()
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, fmt.Errorf("%q is left over in the marker", p.rest)
	}
	return n, nil
}

// space skips white space.
func (p *markerParser) space() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// list reads operands with and/or between them, as a flat list: and binds closer, but what is printed is the text.
func (p *markerParser) list() (*markerNode, error) {
	if p.depth++; p.depth > maxMarkerDepth {
		return nil, errors.New("the marker nests too deeply")
	}
	defer func() { p.depth-- }()
	first, err := p.operand()
	if err != nil {
		return nil, err
	}
	n := &markerNode{kids: []*markerNode{first}}
	for {
		word := p.word("and", "or")
		if word == "" {
			break
		}
		next, err := p.operand()
		if err != nil {
			return nil, err
		}
		n.words, n.kids = append(n.words, word), append(n.kids, next)
	}
	if len(n.kids) == 1 {
		return first, nil
	}
	return n, nil
}

// operand reads a comparison, or a list in parentheses, which keeps its own level.
func (p *markerParser) operand() (*markerNode, error) {
	p.space()
	if rest, ok := strings.CutPrefix(p.rest, "("); ok {
		p.rest = rest
		n, err := p.list()
		if err != nil {
			return nil, err
		}
		if p.space(); !strings.HasPrefix(p.rest, ")") {
			return nil, errors.New("a parenthesis in the marker is not closed")
		}
		p.rest = p.rest[1:]
		return n, nil
	}
	left, err := p.side()
	if err != nil {
		return nil, err
	}
	op := p.operator()
	if op == "" {
		return nil, errors.New("a comparison in the marker has no operator")
	}
	right, err := p.side()
	return &markerNode{left: left, op: op, right: right}, err
}

// side reads a variable or a literal; a literal is returned in double quotes.
func (p *markerParser) side() (string, error) {
	p.space()
	if p.rest == "" {
		return "", errors.New("the marker ends early")
	}
	if q := p.rest[0]; q == '"' || q == '\'' {
		value, rest, ok := strings.Cut(p.rest[1:], string(q))
		if !ok || strings.ContainsAny(value, `"'\`) {
			return "", errors.New("a literal in the marker is not closed, or holds quotes")
		}
		p.rest = rest
		return `"` + value + `"`, nil
	}
	if v := p.word(markerVariables...); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%q is no marker variable that lithe knows", p.rest)
}

// operator reads a comparison operator, "" if none stands next. Longer ones are tried first.
func (p *markerParser) operator() string {
	p.space()
	for _, op := range []string{"===", "==", "~=", "!=", "<=", ">=", "<", ">"} {
		if rest, ok := strings.CutPrefix(p.rest, op); ok {
			p.rest = rest
			return op
		}
	}
	if p.word("not") != "" {
		if p.word("in") == "" {
			return ""
		}
		return "not in"
	}
	return p.word("in")
}

// word reads one of these words, whole, and returns it; "" if none stands next.
func (p *markerParser) word(words ...string) string {
	p.space()
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !isWord(r) })
	if end < 0 {
		end = len(p.rest)
	}
	if w := p.rest[:end]; slices.Contains(words, w) {
		p.rest = p.rest[end:]
		return w
	}
	return ""
}

// isWord reports what may be in a name, as \w does in Python.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// conjunction returns the comparisons of a marker that is nothing but comparisons with "and" between them, each of a
// variable on the left with ==, != or an order. That is the part of the language whose printed form the backends
// agree on enough; ok is false for the rest.
func (n *markerNode) conjunction() (list []*markerNode, ok bool) {
	if n == nil {
		return nil, true
	}
	if n.leaf() {
		simple := !strings.HasPrefix(n.left, `"`) && strings.HasPrefix(n.right, `"`) &&
			slices.Contains([]string{"==", "!=", "<=", ">=", "<", ">"}, n.op)
		return []*markerNode{n}, simple
	}
	if slices.Contains(n.words, "or") {
		return nil, false
	}
	for _, kid := range n.kids {
		if !kid.leaf() {
			return nil, false
		}
		one, simple := kid.conjunction()
		if !simple {
			return nil, false
		}
		list = append(list, one...)
	}
	return list, true
}

// value returns the literal of a comparison.
func (n *markerNode) value() string { return strings.Trim(n.right, `"`) }
