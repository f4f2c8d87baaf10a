package control

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/version"
)

// maxRelations is the most alternatives in one field; the longest known, of a metapackage, stays under 2,000.
const maxRelations = 20_000

// Relation is one alternative of a field like Depends: a package, of an architecture, in some versions.
type Relation struct {
	Name    string
	Arch    string // after the colon: "any", "native" or an architecture; mostly ""
	Op      string // "<<", "<=", "=", ">=" or ">>"; "" admits every version
	Version string // "" without Op
}

// Admits reports whether the relation takes this version of the package.
func (r Relation) Admits(v string) bool { return version.Satisfies(v, r.Op, r.Version) }

// String returns the relation as Debian writes it.
func (r Relation) String() string {
	s := r.Name
	if r.Arch != "" {
		s += ":" + r.Arch
	}
	if r.Op != "" {
		s += " (" + r.Op + " " + r.Version + ")"
	}
	return s
}

// ParseRelations reads a field like Depends or Provides of a binary package. All of the outer list must hold; of an
// inner list, one alternative is enough, the first preferred. An empty field is an empty list.
func ParseRelations(field string) ([][]Relation, error) {
	var all [][]Relation
	total := 0
	for clause := range strings.SplitSeq(field, ",") {
		if strings.TrimSpace(clause) == "" {
			continue // a comma at the end is common and means nothing
		}
		var alternatives []Relation
		for text := range strings.SplitSeq(clause, "|") {
			relation, err := parseRelation(strings.TrimSpace(text))
			if err != nil {
				return nil, fmt.Errorf("relation %q: %w", shorten([]byte(text)), err)
			}
			if total++; total > maxRelations {
				return nil, fmt.Errorf("more than %d relations in a field", maxRelations)
			}
			alternatives = append(alternatives, relation)
		}
		all = append(all, alternatives)
	}
	return all, nil
}

// parseRelation reads "name[:arch] [(op version)]". Restrictions in brackets belong to source packages alone.
func parseRelation(s string) (Relation, error) {
	var r Relation
	name, rest, constrained := strings.Cut(s, "(")
	r.Name, r.Arch, _ = strings.Cut(strings.TrimSpace(name), ":")
	if err := CheckName(r.Name); err != nil {
		return r, err
	}
	if strings.Contains(name, ":") && !validArch(r.Arch) {
		return r, fmt.Errorf("%q is not an architecture", r.Arch)
	}
	if !constrained {
		return r, nil
	}
	inner, after, closed := strings.Cut(rest, ")")
	if !closed || strings.TrimSpace(after) != "" {
		return r, errors.New("the version is not in one pair of parentheses")
	}
	var err error
	r.Op, r.Version, err = parseConstraint(strings.TrimSpace(inner))
	return r, err
}

// parseConstraint reads what stands in the parentheses.
func parseConstraint(s string) (op, v string, err error) {
	v = strings.TrimLeft(s, "<=>")
	op, v = s[:len(s)-len(v)], strings.TrimSpace(v)
	switch op {
	case "<<", "<=", "=", ">=", ">>":
	case "<", ">": // what dpkg once wrote for "or equal", and still reads so
		op += "="
	default:
		return "", "", fmt.Errorf("%q is not a relation", op)
	}
	return op, v, version.Check(v)
}

// CheckName says why name is not a package name (policy 5.6.1); nil when it is one. Upper case is not refused: it
// was allowed once.
func CheckName(name string) error {
	if len(name) < 2 || len(name) > 255 {
		return fmt.Errorf("package name %q has less than 2 or more than 255 characters", shorten([]byte(name)))
	}
	for i, c := range []byte(name) {
		alphanumeric := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !alphanumeric && (i == 0 || !strings.ContainsRune("+-.", rune(c))) {
			return fmt.Errorf("package name %q: character %q is not allowed", name, c)
		}
	}
	return nil
}

// validArch takes any word that could be an architecture: the index knows which exist.
func validArch(arch string) bool {
	for _, c := range []byte(arch) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-') {
			return false
		}
	}
	return arch != "" && arch[0] != '-'
}
