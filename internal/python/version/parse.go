package version

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	maxLength = 1024 // bytes of one version; the longest on PyPI has about a hundred
	maxDigits = 18   // of one number, so that it fits an int; a date with nanoseconds has 17
)

// Parse reads a version, normal or not, with white space around it or not.
func Parse(s string) (Version, error) {
	if len(s) > maxLength {
		return Version{}, fmt.Errorf("version has %d characters, more than %d", len(s), maxLength)
	}
	text := trim(s)
	p := parser{text: text}
	v, ok := p.version()
	if !ok || p.pos != len(text) {
		return Version{}, p.fail(s)
	}
	return v, nil
}

// trim removes what Python's regular expressions call white space.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[0] < 0x80 && s[len(s)-1] > ' ' && s[len(s)-1] < 0x80 {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// parser reads from text at pos, and never goes back further than to the start of an optional part.
type parser struct {
	text     string
	pos      int
	overflow bool
}

func (p *parser) fail(s string) error {
	if p.overflow {
		return fmt.Errorf("version %q has a number of more than %d digits", s, maxDigits)
	}
	return fmt.Errorf("%q is not a version", s)
}

// version reads all but a wildcard. It reports whether there is a release; the caller looks at what follows.
func (p *parser) version() (v Version, ok bool) {
	if v, ok = p.base(); ok {
		p.preRelease(&v)
		p.postRelease(&v)
		p.devRelease(&v)
		v.local, ok = p.local()
	}
	return v, ok && !p.overflow
}

// base reads an optional "v", epoch and release.
func (p *parser) base() (v Version, ok bool) {
	v.phase = final
	if p.peek() == 'v' {
		p.pos++
	}
	n, ok := p.number()
	if !ok {
		return v, false
	}
	if p.peek() == '!' {
		p.pos++
		v.epoch = n
		if n, ok = p.number(); !ok {
			return v, false
		}
	}
	v.release = append(make([]int, 0, 4), n)
	for p.peek() == '.' && isDigit(p.at(p.pos+1)) {
		p.pos++
		n, _ := p.number()
		v.release = append(v.release, n)
	}
	return v, !p.overflow
}

// The order matters where one word begins another.
var phases = []struct {
	word  string
	phase phase
}{
	{"alpha", alpha}, {"a", alpha}, {"beta", beta}, {"b", beta},
	{"preview", candidate}, {"pre", candidate}, {"c", candidate}, {"rc", candidate},
}

func (p *parser) preRelease(v *Version) {
	for _, ph := range phases {
		if p.word(ph.word) {
			v.phase, v.pre = ph.phase, p.suffix()
			return
		}
	}
}

func (p *parser) postRelease(v *Version) {
	if p.peek() == '-' && isDigit(p.at(p.pos+1)) { // 1.0-1 is an old spelling of 1.0.post1
		p.pos++
		v.post, v.hasPost = p.number()
		return
	}
	if p.word("post") || p.word("rev") || p.word("r") {
		v.post, v.hasPost = p.suffix(), true
	}
}

func (p *parser) devRelease(v *Version) {
	if p.word("dev") {
		v.dev, v.hasDev = p.suffix(), true
	}
}

// word reads an optional separator and a word, in any case, or nothing.
func (p *parser) word(w string) bool {
	start := p.pos
	if isSeparator(p.at(start)) {
		start++
	}
	if len(p.text)-start < len(w) {
		return false
	}
	for i := range len(w) {
		if lower(p.text[start+i]) != w[i] {
			return false
		}
	}
	p.pos = start + len(w)
	return true
}

// suffix reads the number of a pre-, post- or development release; none means 0.
func (p *parser) suffix() int {
	if isSeparator(p.peek()) {
		p.pos++
	}
	n, _ := p.number()
	return n
}

// local reads "+" and a label, and returns it normalized. It fails on a "+" without a label.
func (p *parser) local() (string, bool) {
	if p.peek() != '+' {
		return "", true
	}
	p.pos++
	var b strings.Builder
	for {
		start := p.pos
		for isAlphanumeric(p.peek()) {
			p.pos++
		}
		if p.pos == start {
			return "", false
		}
		b.WriteString(normalSegment(p.text[start:p.pos]))
		if !isSeparator(p.peek()) || !isAlphanumeric(p.at(p.pos+1)) {
			return b.String(), true
		}
		p.pos++
		b.WriteByte('.')
	}
}

// normalSegment is lower case, and a number has no leading zeros.
func normalSegment(s string) string {
	if !isNumber(s) {
		return strings.ToLower(s)
	}
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// number reads digits. One that is too long for an int is read to its end and marks the parser.
func (p *parser) number() (n int, ok bool) {
	start := p.pos
	for p.peek() == '0' {
		p.pos++
	}
	digits := p.pos
	for isDigit(p.peek()) {
		if p.pos-digits < maxDigits {
			n = n*10 + int(p.text[p.pos]-'0')
		} else {
			p.overflow = true
		}
		p.pos++
	}
	return n, p.pos > start
}

func (p *parser) peek() byte { return p.at(p.pos) }

// at returns the lower-case byte at i, 0 past the end.
func (p *parser) at(i int) byte {
	if i < len(p.text) {
		return lower(p.text[i])
	}
	return 0
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isDigit(c byte) bool        { return '0' <= c && c <= '9' }
func isSeparator(c byte) bool    { return c == '.' || c == '-' || c == '_' }
func isAlphanumeric(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' }
