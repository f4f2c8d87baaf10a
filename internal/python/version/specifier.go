package version

import (
	"fmt"
	"slices"
	"strings"
)

// Specifier is one condition on a version, such as ">=3.9" or "==1.*".
type Specifier struct {
	operator string
	text     string  // the version as written, with ".*"
	version  Version // of text without ".*"; zero for "==="
	wildcard bool
}

// Specifiers are conditions that must all hold. nil admits every version.
type Specifiers []Specifier

// operators in the order they are tried: none may begin with one that stands before it.
var operators = []string{"===", "==", "!=", "~=", "<=", ">=", "<", ">"}

// ParseSpecifiers reads conditions separated by commas. The empty text gives nil.
func ParseSpecifiers(s string) (Specifiers, error) {
	if len(s) > maxSpecifiers {
		return nil, fmt.Errorf("version specifiers have %d characters, more than %d", len(s), maxSpecifiers)
	}
	var list Specifiers
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, ",")
		if one = trim(one); one == "" {
			continue
		}
		spec, err := ParseSpecifier(one)
		if err != nil {
			return nil, err
		}
		list = append(list, spec)
	}
	return list, nil
}

// maxSpecifiers is a limit on the text of a whole set, which holds a handful of versions.
const maxSpecifiers = 64 << 10

// ParseSpecifier reads one condition.
func ParseSpecifier(s string) (Specifier, error) {
	text := trim(s)
	for _, op := range operators {
		if rest, ok := strings.CutPrefix(text, op); ok {
			spec := Specifier{operator: op, text: strings.TrimLeftFunc(rest, isSpace)}
			if err := spec.parse(s); err != nil {
				return Specifier{}, err
			}
			return spec, nil
		}
	}
	return Specifier{}, fmt.Errorf("%q is not a version specifier: it begins with none of %s", s, strings.Join(operators, " "))
}

// parse checks text for the operator and sets version and wildcard.
func (s *Specifier) parse(written string) error {
	if len(s.text) > maxLength {
		return fmt.Errorf("version has %d characters, more than %d", len(s.text), maxLength)
	}
	if s.operator == "===" {
		if strings.ContainsFunc(s.text, func(r rune) bool { return isSpace(r) || r == ';' || r == ')' }) {
			return fmt.Errorf("%q is not a version specifier", written)
		}
		return nil
	}
	equality := s.operator == "==" || s.operator == "!="
	p := parser{text: s.text}
	v, ok := p.base()
	if ok && equality && s.text[p.pos:] == ".*" {
		s.version, s.wildcard = v, true
		return nil
	}
	p = parser{text: s.text}
	v, ok = p.version()
	switch {
	case !ok || p.pos != len(s.text):
		return fmt.Errorf("%q is not a version specifier: %w", written, p.fail(s.text))
	case v.local != "" && !equality:
		return fmt.Errorf("%q is not a version specifier: a local label needs == or !=", written)
	case s.operator == "~=" && len(v.release) < 2:
		return fmt.Errorf("%q is not a version specifier: ~= needs at least two numbers", written)
	}
	s.version = v
	return nil
}

// Operator returns "==", "===", "!=", "~=", "<=", ">=", "<" or ">".
func (s Specifier) Operator() string { return s.operator }

// Text returns what stands after the operator, as written, with the ".*" of a wildcard.
func (s Specifier) Text() string { return s.text }

// Version returns the version after the operator, without a wildcard's ".*"; the zero value for "===".
func (s Specifier) Version() Version { return s.version }

// Wildcard reports whether the condition is of the form ==1.* or !=1.*.
func (s Specifier) Wildcard() bool { return s.wildcard }

// String returns the condition without white space.
func (s Specifier) String() string { return s.operator + s.text }

// Equal reports whether two conditions are the same, as ==1.0 and ==1.0.0 are.
func (s Specifier) Equal(o Specifier) bool { return s.canonical() == o.canonical() }

func (s Specifier) canonical() string {
	switch {
	case s.operator == "===" || s.wildcard:
		return s.String()
	case s.operator == "~=": // its number of numbers counts
		return s.operator + s.version.String()
	}
	return s.operator + s.version.Canonical()
}

// String returns the conditions sorted and without repetitions, separated by commas.
func (s Specifiers) String() string {
	sorted := slices.Clone(s)
	slices.SortFunc(sorted, func(a, b Specifier) int { return strings.Compare(a.String(), b.String()) })
	texts := make([]string, 0, len(sorted))
	seen := make(map[string]bool, len(sorted))
	for _, spec := range sorted {
		if key := spec.canonical(); !seen[key] {
			seen[key] = true
			texts = append(texts, spec.String())
		}
	}
	return strings.Join(texts, ",")
}

// MarshalText returns String, so that Specifiers are a string in JSON.
func (s Specifiers) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses what MarshalText returned.
func (s *Specifiers) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpecifiers(string(text))
	return err
}

// Contains reports whether v fulfils all conditions. With prereleases, a pre-release counts as any version; without,
// it is refused unless one of the conditions names a pre-release.
func (s Specifiers) Contains(v Version, prereleases bool) bool {
	if v.IsZero() || v.IsPrerelease() && !prereleases && !s.admitPrereleases() {
		return false
	}
	for _, spec := range s {
		if !spec.Contains(v) {
			return false
		}
	}
	return true
}

// ContainsText is Contains for a version as written. It matters for "===", which compares texts: there, even a text
// that is no version may fulfil the conditions.
func (s Specifiers) ContainsText(text string, prereleases bool) bool {
	v, err := Parse(text)
	if err == nil && v.IsPrerelease() && !prereleases && !s.admitPrereleases() {
		return false
	}
	for _, spec := range s {
		if !spec.ContainsText(text, v) {
			return false
		}
	}
	return true
}

// ContainsText reports whether a version fulfils the condition, given as text and, where that is one, as version.
func (s Specifier) ContainsText(text string, v Version) bool {
	if s.operator == "===" {
		return strings.EqualFold(s.text, text)
	}
	return !v.IsZero() && s.Contains(v)
}

// Filter returns the versions that fulfil all conditions, in their order. Without prereleases, it keeps PEP 440's
// default: pre-releases only where a condition names one, or where nothing else is left.
func (s Specifiers) Filter(versions []Version, prereleases bool) []Version {
	var all, finals []Version
	for _, v := range versions {
		if !s.Contains(v, true) {
			continue
		}
		all = append(all, v)
		if !v.IsPrerelease() {
			finals = append(finals, v)
		}
	}
	if prereleases || s.admitPrereleases() || finals == nil {
		return all
	}
	return finals
}

// admitPrereleases reports whether a condition names a pre-release, "!=" and wildcards aside.
func (s Specifiers) admitPrereleases() bool {
	return slices.ContainsFunc(s, func(spec Specifier) bool {
		v := spec.version
		if spec.operator == "===" {
			v, _ = Parse(spec.text)
		}
		return spec.operator != "!=" && !spec.wildcard && v.IsPrerelease()
	})
}
