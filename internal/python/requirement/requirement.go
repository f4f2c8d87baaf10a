// Package requirement reads dependency specifiers, such as `uvicorn[standard]>=0.30; python_version > "3.8"` (PEP 508).
//
// Text goes in; name, extras, version specifiers or URL, and marker come out. Parsing and printing follow
// pypa/packaging 26: what parses prints in normal form, and that parses to the same.
// See https://packaging.python.org/en/latest/specifications/dependency-specifiers/.
package requirement

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/version"
)

// maxLength is a limit on the text of one requirement.
const maxLength = 1 << 20

// Requirement is one dependency specifier. It has Specifiers or a URL, not both.
type Requirement struct {
	Name       string   // as written
	Extras     []string // as written, sorted, without repetitions
	Specifiers version.Specifiers
	URL        string
	Marker     marker.Marker
}

// Parse reads a dependency specifier.
func Parse(s string) (Requirement, error) {
	if len(s) > maxLength {
		return Requirement{}, fmt.Errorf("requirement has %d characters, more than %d", len(s), maxLength)
	}
	p := parser{text: s, rest: s}
	r, err := p.requirement()
	if err != nil {
		return Requirement{}, fmt.Errorf("requirement %.80q: %w", s, err)
	}
	return r, nil
}

// String returns the requirement in normal form.
func (r Requirement) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if len(r.Extras) > 0 {
		b.WriteString("[" + strings.Join(r.Extras, ",") + "]")
	}
	b.WriteString(r.Specifiers.String())
	if r.URL != "" {
		b.WriteString(" @ " + r.URL)
	}
	if !r.Marker.IsZero() {
		if r.URL != "" {
			b.WriteByte(' ') // or the semicolon would belong to the URL
		}
		b.WriteString("; " + r.Marker.String())
	}
	return b.String()
}

// MarshalText returns String, so that a Requirement is a string in JSON.
func (r Requirement) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText parses what MarshalText returned.
func (r *Requirement) UnmarshalText(text []byte) (err error) {
	*r, err = Parse(string(text))
	return err
}

// Equal reports whether two requirements print the same.
func (r Requirement) Equal(o Requirement) bool { return r.String() == o.String() }

type parser struct{ text, rest string }

func (p *parser) requirement() (r Requirement, err error) {
	p.space()
	if r.Name = p.identifier(); r.Name == "" {
		return r, p.expected("the name of a project")
	}
	p.space()
	if r.Extras, err = p.extras(); err != nil {
		return r, err
	}
	p.space()
	if p.symbol('@') {
		err = p.url(&r)
	} else {
		err = p.specifiers(&r)
	}
	if err != nil || p.rest == "" {
		return r, err
	}
	if !p.symbol(';') {
		return r, p.expected("a version specifier, \";\" or the end")
	}
	r.Marker, err = marker.Parse(p.rest)
	return r, err
}

// identifier reads letters, digits, and dots and dashes between them; "" when there is none.
func (p *parser) identifier() string {
	n := 0
	for n < len(p.rest) && isIdentifierByte(p.rest[n]) {
		n++
	}
	if r, _ := utf8.DecodeRuneInString(p.rest[n:]); unicode.IsLetter(r) || unicode.IsNumber(r) {
		return ""
	}
	s := strings.TrimRight(p.rest[:n], ".-")
	if s == "" || s[0] == '.' || s[0] == '-' || s[0] == '_' {
		return ""
	}
	p.rest = p.rest[len(s):]
	return s
}

func isIdentifierByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

// extras reads names between brackets, where there are brackets.
func (p *parser) extras() ([]string, error) {
	if !p.symbol('[') {
		return nil, nil
	}
	var extras []string
	p.space()
	for !p.symbol(']') {
		if len(extras) > 0 {
			if !p.symbol(',') {
				return nil, p.expected("\",\" or \"]\" after an extra")
			}
			p.space()
		}
		extra := p.identifier()
		if extra == "" {
			return nil, p.expected("the name of an extra")
		}
		extras = append(extras, extra)
		p.space()
	}
	slices.Sort(extras)
	return slices.Compact(extras), nil
}

// url reads up to white space: a semicolon may be part of a URL.
func (p *parser) url(r *Requirement) error {
	p.space()
	end := strings.IndexAny(p.rest, " \t")
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		return p.expected("a URL after \"@\"")
	}
	r.URL, p.rest = p.rest[:end], p.rest[end:]
	p.space()
	return nil
}

// specifiers reads versions, in parentheses or not. A comma may stand at the end, but not alone.
func (p *parser) specifiers(r *Requirement) (err error) {
	closing := p.symbol('(')
	if closing {
		p.space()
	}
	end := strings.IndexAny(p.rest, ";)")
	if end < 0 {
		end = len(p.rest)
	}
	text := strings.TrimRight(p.rest[:end], " \t")
	if text != strings.TrimSpace(text) || strings.HasPrefix(text, ",") || emptyBetween(text) {
		return p.expected("version specifiers")
	}
	if r.Specifiers, err = version.ParseSpecifiers(text); err != nil {
		return err
	}
	p.rest = p.rest[end:]
	if closing && !p.symbol(')') {
		return p.expected("\")\"")
	}
	p.space()
	return nil
}

// emptyBetween reports whether two commas stand side by side.
func emptyBetween(s string) bool {
	_, s, _ = strings.Cut(s, ",")
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, ",")
		if strings.Trim(one, " \t") == "" && s != "" {
			return true
		}
	}
	return false
}

func (p *parser) symbol(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *parser) expected(what string) error {
	return fmt.Errorf("expected %s at column %d", what, len(p.text)-len(p.rest)+1)
}
