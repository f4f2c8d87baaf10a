package maintscript

import (
	"fmt"
	"slices"
	"strings"
)

// Caps on a script. Debian's longest has 60 KB.
const (
	maxScript = 1 << 20
	maxDepth  = 60
)

// parser reads the POSIX shell's grammar as far as maintainer scripts use it. What it does not know is an error, never
// passed over. See https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html.
type parser struct {
	src   string
	pos   int
	depth int
	here  []*heredoc // begun on this line; their bodies stand below it
	err   error      // the first; the rest of the script is then passed over

	counted, lines int // lines before a place, so that no part of a script is counted twice
}

type heredoc struct {
	delimiter string
	strip     bool // tabs at the beginning of lines
}

// parse reads a whole script.
func parse(src string) (list, error) {
	if len(src) > maxScript {
		return nil, fmt.Errorf("a script of %d bytes is too long", len(src))
	}
	p := &parser{src: src}
	l := p.list()
	if p.pos < len(p.src) {
		p.fail("unexpected %q", p.src[p.pos])
	}
	return l, p.err
}

// fail keeps the first error and goes to the end of the script, where everything ends.
func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.lineNumber(), fmt.Sprintf(format, args...))
	}
	p.pos = len(p.src)
}

func (p *parser) lineNumber() int {
	if at := min(p.pos, len(p.src)); at >= p.counted {
		p.lines += strings.Count(p.src[p.counted:at], "\n")
		p.counted = at
	}
	return 1 + p.lines
}

func (p *parser) hereDocument(strip bool, delimiter string) {
	p.here = append(p.here, &heredoc{delimiter, strip})
}

func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deep")
	}
	return func() { p.depth-- }
}

// list reads commands up to a word or character that ends one.
func (p *parser) list() list {
	defer p.enter()()
	var l list
	for {
		p.newlines()
		if p.atEnd() {
			return l
		}
		l = append(l, p.andOr())
		p.blank()
		switch {
		case p.starts(";;"):
			return l
		case p.starts(";"):
			p.pos++
		case p.starts("&"):
			p.fail("runs in the background")
		}
	}
}

// closers are the words that end a list.
var closers = []string{"then", "else", "elif", "fi", "do", "done", "esac", "}"}

func (p *parser) atEnd() bool {
	return p.pos >= len(p.src) || p.starts(")") || p.starts(";;") || slices.Contains(closers, p.peek())
}

func (p *parser) andOr() node {
	a := andOr{line: line(p.lineNumber()), first: p.pipeline()}
	for {
		p.blank()
		and := p.starts("&&")
		if !and && !p.starts("||") {
			break
		}
		p.pos += 2
		p.newlines()
		a.rest = append(a.rest, continuation{and, p.pipeline()})
	}
	if len(a.rest) == 0 {
		return a.first
	}
	return a
}

func (p *parser) pipeline() node {
	n := pipeline{line: line(p.lineNumber())}
	p.blank()
	for p.peek() == "!" {
		p.pos++
		p.blank()
		n.not = !n.not
	}
	n.parts = append(n.parts, p.command())
	for p.blank(); p.starts("|") && !p.starts("||"); p.blank() {
		p.pos++
		p.newlines()
		n.parts = append(n.parts, p.command())
	}
	if len(n.parts) == 1 && !n.not {
		return n.parts[0]
	}
	return n
}

// command reads one command, with what is redirected.
func (p *parser) command() node {
	defer p.enter()()
	p.blank()
	at := line(p.lineNumber())
	n := p.compound(at)
	if n == nil {
		return p.simple()
	}
	if _, defined := n.(function); defined {
		return n
	}
	if redirs := p.redirections(); len(redirs) > 0 {
		return group{line: at, body: list{n}, redirs: redirs}
	}
	return n
}

// compound reads a command that begins with a reserved word or a parenthesis; nil where there is none.
func (p *parser) compound(at line) node {
	if p.starts("(") {
		p.pos++
		g := group{line: at, body: p.list(), sub: true}
		p.expect(")")
		return g
	}
	switch name := p.peek(); name {
	case "{":
		p.pos++
		g := group{line: at, body: p.list()}
		p.reserved("}")
		return g
	case "if":
		return p.ifNode(at)
	case "case":
		return p.caseNode(at)
	case "for":
		return p.forNode(at)
	case "while", "until":
		p.pos += len(name)
		l := loop{line: at, condition: p.list()}
		l.body = p.doDone()
		return l
	default:
		return p.function(at, name)
	}
}

// function reads NAME() command; nil where there is none.
func (p *parser) function(at line, name string) node {
	if !isName(name) {
		return nil
	}
	before := p.pos
	p.pos += len(name)
	p.blank()
	if !p.starts("(") {
		p.pos = before
		return nil
	}
	p.pos++
	p.blank()
	p.expect(")")
	p.newlines()
	return function{line: at, name: name, body: p.command()}
}

func (p *parser) ifNode(at line) node {
	n := ifNode{line: at}
	for p.peek() == "if" || p.peek() == "elif" {
		p.pos += len(p.peek())
		n.conditions = append(n.conditions, p.list())
		p.reserved("then")
		n.bodies = append(n.bodies, p.list())
	}
	if p.peek() == "else" {
		p.reserved("else")
		n.otherwise = p.list()
	}
	p.reserved("fi")
	return n
}

func (p *parser) forNode(at line) node {
	p.reserved("for")
	p.blank()
	n := forNode{line: at, name: p.peek()}
	if !isName(n.name) {
		p.fail("%q is no name of a variable", n.name)
		return n
	}
	p.pos += len(n.name)
	p.newlines()
	if p.peek() == "in" {
		p.reserved("in")
		n.words = p.words()
	} else {
		n.words = []word{{{kind: variable, text: "@", quoted: true}}}
	}
	p.blank()
	if p.starts(";") {
		p.pos++
	}
	n.body = p.doDone()
	return n
}

func (p *parser) doDone() list {
	p.newlines()
	p.reserved("do")
	l := p.list()
	p.reserved("done")
	return l
}

func (p *parser) caseNode(at line) node {
	p.reserved("case")
	p.blank()
	n := caseNode{line: at, subject: p.word()}
	p.newlines()
	p.reserved("in")
	for p.newlines(); p.err == nil && p.peek() != "esac"; p.newlines() {
		n.arms = append(n.arms, p.arm())
	}
	p.reserved("esac")
	return n
}

func (p *parser) arm() arm {
	var a arm
	if p.starts("(") {
		p.pos++
	}
	for {
		p.blank()
		a.patterns = append(a.patterns, p.word())
		p.blank()
		if !p.starts("|") {
			break
		}
		p.pos++
	}
	p.expect(")")
	a.body = p.list()
	p.newlines()
	if p.starts(";;") {
		p.pos += 2
	} else if p.peek() != "esac" {
		p.fail(";; or esac is missing")
	}
	return a
}

// simple reads assignments, words and redirections.
func (p *parser) simple() node {
	start := p.pos
	s := simple{line: line(p.lineNumber())}
	for {
		p.blank()
		if r, ok := p.redirection(); ok {
			s.redirs = append(s.redirs, r)
			continue
		}
		if p.pos >= len(p.src) || strings.ContainsRune("\n;&|)(", rune(p.src[p.pos])) {
			break
		}
		if name, ok := p.assignment(); ok && len(s.words) == 0 {
			p.pos += len(name) + 1
			s.assigns = append(s.assigns, assign{name, p.optionalWord()})
			continue
		}
		s.words = append(s.words, p.word())
	}
	if p.starts("(") {
		p.fail("unexpected (")
	}
	if len(s.words)+len(s.assigns)+len(s.redirs) == 0 {
		p.fail("a command is missing")
	}
	s.text = strings.Join(strings.Fields(strings.ReplaceAll(p.src[start:p.pos], "\\\n", " ")), " ")
	return s
}

// words reads words up to the end of the line or a semicolon.
func (p *parser) words() []word {
	var all []word
	for p.blank(); p.pos < len(p.src) && !strings.ContainsRune("\n;&|)(", rune(p.src[p.pos])); p.blank() {
		all = append(all, p.word())
	}
	return all
}

// assignment looks for NAME= without reading it.
func (p *parser) assignment() (name string, ok bool) {
	name = p.src[p.pos:nameEnd(p.src, p.pos)]
	return name, isName(name) && strings.HasPrefix(p.src[p.pos+len(name):], "=")
}

func (p *parser) redirections() []redirection {
	var all []redirection
	for {
		p.blank()
		r, ok := p.redirection()
		if !ok {
			return all
		}
		all = append(all, r)
	}
}

// redirection reads "2>&1", "<file", "<<EOF"; ok is false where there is none.
func (p *parser) redirection() (r redirection, ok bool) {
	start := p.pos
	at := p.pos
	for at < len(p.src) && p.src[at] >= '0' && p.src[at] <= '9' {
		at++
	}
	for _, op := range []string{"<<-", "<<", ">>", ">&", "<&", ">|", ">", "<"} {
		if !strings.HasPrefix(p.src[at:], op) {
			continue
		}
		p.pos = at + len(op)
		p.blank()
		target := p.word()
		r = redirection{op: op, target: target, written: p.src[start:p.pos]}
		if strings.HasPrefix(op, "<<") {
			var delimiter strings.Builder
			for _, piece := range target {
				delimiter.WriteString(piece.text)
			}
			p.hereDocument(op == "<<-", delimiter.String())
		}
		return r, true
	}
	return r, false
}

// isName reports names of variables and functions.
func isName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && nameEnd(s, 0) == len(s)
}

// nameEnd returns where the letters, digits and underscores from a place on end.
func nameEnd(s string, from int) int {
	for i := from; i < len(s); i++ {
		c := s[i]
		if letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}
