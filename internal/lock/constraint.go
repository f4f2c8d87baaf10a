package lock

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/lithe-build/lithe/internal/python/version"
)

// Constraint admits versions that one of its alternatives admits. Nil admits everything.
//
// PEP 440 knows only conjunctions, Poetry also "||".
type Constraint []version.Specifiers

// maxConstraint is the longest constraint in bytes and alternatives; real ones have some dozens.
const maxConstraint = 4096

// Contains tells whether the version is admitted.
func (c Constraint) Contains(v version.Version, prereleases bool) bool {
	for _, alternative := range c {
		if alternative.Contains(v, prereleases) {
			return true
		}
	}
	return len(c) == 0
}

// String returns the constraint in PEP 440 notation and in the order of the file, alternatives joined by " || "; ""
// for one that admits all.
func (c Constraint) String() string {
	parts := make([]string, len(c))
	for i, alternative := range c {
		terms := make([]string, len(alternative))
		for j, s := range alternative {
			terms[j] = s.String()
		}
		parts[i] = strings.Join(terms, ",")
	}
	return strings.Join(parts, " || ")
}

// parseSpecifiers reads a constraint in PEP 440 notation.
func parseSpecifiers(s string) (Constraint, error) {
	if len(s) > maxConstraint {
		return nil, fmt.Errorf("a version constraint of %d characters", len(s))
	}
	specifiers, err := version.ParseSpecifiers(s)
	if err != nil || len(specifiers) == 0 {
		return nil, err
	}
	return Constraint{specifiers}, nil
}

// parseConstraint reads a constraint in Poetry's notation: caret, tilde, wildcards, bare versions, comma or space
// for "and", "||" or "|" for "or". See https://python-poetry.org/docs/dependency-specification/.
func parseConstraint(s string) (Constraint, error) {
	if len(s) > maxConstraint {
		return nil, fmt.Errorf("a version constraint of %d characters", len(s))
	}
	var out Constraint
	for alternative := range strings.SplitSeq(strings.ReplaceAll(s, "||", "|"), "|") {
		var terms []string
		for _, term := range constraintTerms(alternative) {
			translated, err := translateTerm(term)
			if err != nil {
				return nil, fmt.Errorf("version constraint %q: %w", s, err)
			}
			terms = append(terms, translated...)
		}
		specifiers, err := version.ParseSpecifiers(strings.Join(terms, ","))
		if err != nil {
			return nil, fmt.Errorf("version constraint %q: %w", s, err)
		}
		if len(specifiers) == 0 {
			return nil, nil // "*" in any alternative admits all
		}
		out = append(out, specifiers)
	}
	return out, nil
}

// constraintTerms splits at commas and spaces, but keeps an operator and its version together (">= 1.0").
func constraintTerms(s string) []string {
	var terms []string
	operator := ""
	for _, field := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if strings.Trim(field, "<>=!~^") == "" {
			operator += field
			continue
		}
		terms = append(terms, operator+field)
		operator = ""
	}
	if operator != "" {
		terms = append(terms, operator)
	}
	return terms
}

// translateTerm writes one term in PEP 440 notation.
func translateTerm(term string) ([]string, error) {
	operator := term[:len(term)-len(strings.TrimLeft(term, "<>=!~^"))]
	text := term[len(operator):]
	if text != "" && (text[0] == 'v' || text[0] == 'V') {
		text = text[1:]
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%q is no version", text)
	}
	if operator == "===" { // compares texts, so that every letter counts
		return []string{term}, nil
	}
	switch {
	case text == "*" || strings.EqualFold(text, "x"):
		return nil, nil
	case strings.IndexAny(text, "<>=!~^vV") == 0: // "v=1" is no way to write "==1", nor "vvv1"
		return nil, fmt.Errorf("%q is no version", text)
	}
	switch operator {
	case "", "=", "==":
		return []string{"==" + wildcard(text)}, nil
	case "!=":
		return []string{"!=" + wildcard(text)}, nil
	case "^":
		return caret(text)
	case "~":
		return tilde(text)
	case "~=":
		return []string{operator + text}, nil
	case "<", "<=", ">", ">=":
		// Old metadata has ">=3.6.*", which PEP 440 has not, and means the release itself.
		return []string{operator + strings.TrimSuffix(wildcard(text), ".*")}, nil
	}
	return nil, fmt.Errorf("%q is no operator", operator)
}

// wildcard turns "1.x" and "1.X" into "1.*".
func wildcard(text string) string {
	if rest, ok := strings.CutSuffix(strings.ToLower(text), ".x"); ok {
		return rest + ".*"
	}
	return text
}

// caret admits what changes nothing left of, and not, the first number that is not zero.
func caret(text string) ([]string, error) {
	v, err := lowest(text)
	if err != nil {
		return nil, err
	}
	at := len(v.Release()) - 1
	for i, n := range v.Release() {
		if n != 0 {
			at = i
			break
		}
	}
	return between(v, at), nil
}

// tilde admits what changes the last number only, or the second where there are three.
func tilde(text string) ([]string, error) {
	v, err := lowest(text)
	if err != nil {
		return nil, err
	}
	return between(v, min(1, len(v.Release())-1)), nil
}

// between admits from a version up to where the number at a place of its release rises.
func between(v version.Version, at int) []string {
	upper := make([]string, at+1)
	for i, n := range v.Release()[:at+1] {
		upper[i] = strconv.Itoa(n)
	}
	upper[at] = strconv.Itoa(v.Release()[at] + 1)
	limit := strings.Join(upper, ".")
	if v.Epoch() > 0 {
		limit = strconv.Itoa(v.Epoch()) + "!" + limit
	}
	return []string{">=" + v.String(), "<" + limit}
}

// lowest parses a version that may end in a wildcard.
func lowest(text string) (version.Version, error) {
	return version.Parse(strings.TrimSuffix(wildcard(text), ".*"))
}
