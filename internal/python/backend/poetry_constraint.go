package backend

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/version"
)

// bound is one end of a range of versions, with the text it is printed as.
type bound struct {
	v         version.Version
	text      string
	inclusive bool
	wildcard  bool // the lower end of "1.2.*", which admits the pre-releases of 1.2
}

// bounds is what a Poetry constraint means: a range less single versions, or one exact version.
// See https://python-poetry.org/docs/dependency-specification/#version-constraints.
type bounds struct {
	low, high *bound
	exact     *bound
	exclude   []spec   // what is carved out, as clauses
	clauses   []string // each clause alone, as poetry-core prints it
}

var (
	poetryWord = lazyregexp.New(`^(\^|~=|~|===|==|=|!=|<=|>=|<|>)?\s*[vV]?([0-9][^\s,|*]*?)(\.\*)?$`)
	// An operator may stand apart from its version; other spaces separate clauses.
	spacedOperator = lazyregexp.New(`(\^|~=|~|===|==|=|!=|<=|>=|<|>)\s+`)
	releaseOnly    = lazyregexp.New(`^\d{1,9}(\.\d{1,9}){0,9}$`)
)

// parsePoetryConstraint reads the constraints that have one range: no alternatives with ||. pep508 says that the text
// comes from a requirement, whose clauses are printed in order of versions and not as written.
func parsePoetryConstraint(s string, pep508 bool) (bounds, error) {
	var out bounds
	s = strings.TrimSpace(s)
	if s == "*" || s == "" {
		return out, nil
	}
	for _, clause := range splitClauses(s) {
		one, err := parseClause(clause)
		if err != nil {
			return bounds{}, err
		}
		if out, err = out.intersect(one); err != nil {
			return bounds{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	if err := out.check(); err != nil {
		return bounds{}, fmt.Errorf("%q: %w", s, err)
	}
	if pep508 {
		out.clauses = out.ordered()
	}
	return out, nil
}

// splitClauses splits at commas, and at spaces between clauses.
func splitClauses(s string) []string {
	s = spacedOperator.ReplaceAllString(s, "$1")
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// parseClause reads one clause.
func parseClause(clause string) (bounds, error) {
	m := poetryWord.FindStringSubmatch(clause)
	if m == nil {
		return bounds{}, fmt.Errorf("%q is not a constraint that lithe reads", clause)
	}
	op, text, wild := m[1], m[2], m[3] != ""
	v, err := version.Parse(text)
	if err != nil || v.Local() != "" || op == "===" {
		return bounds{}, fmt.Errorf("%q is not a constraint that lithe reads", clause)
	}
	plain := releaseOnly.MatchString(text)
	text = v.String() // 2024.01 is printed as 2024.1
	if (wild || strings.ContainsAny(op, "^~")) && !plain {
		return bounds{}, fmt.Errorf("%q: only plain releases are read with this operator", clause)
	}
	release := strings.Split(text, ".")
	switch {
	case wild:
		return wildcardClause(op, text, release)
	case op == "^":
		return rangeClause(text, raise(release, caretPart(release)), true), nil
	case op == "~" && len(release) == 1:
		return rangeClause(text, raise(release, 0), true), nil
	case op == "~":
		return rangeClause(text, raise(release, 1), true), nil
	case op == "~=":
		return rangeClause(text, raise(release, max(len(release)-2, 0)), true), nil
	}
	return comparisonClause(op, text, v)
}

// comparisonClause is one comparison; without an operator it is an exact version.
func comparisonClause(op, text string, v version.Version) (bounds, error) {
	end := &bound{v: v, text: text, inclusive: strings.HasSuffix(op, "=")}
	switch op {
	case ">", ">=":
		return bounds{low: end, clauses: []string{op + text}}, nil
	case "<", "<=":
		return bounds{high: end, clauses: []string{op + text}}, nil
	case "!=":
		return bounds{exclude: []spec{{op, text}}, clauses: []string{op + text}}, nil
	default:
		return bounds{exact: end, clauses: []string{"==" + text}}, nil
	}
}

// wildcardClause is "1.2.*": a range that is printed as it was written, unless another clause narrows it.
func wildcardClause(op, text string, release []string) (bounds, error) {
	switch op {
	case "", "==", "=":
		out := rangeClause(text, raise(release, len(release)-1), true)
		out.low.wildcard = true
		out.clauses = []string{"==" + text + ".*"}
		return out, nil
	case "!=":
		return bounds{exclude: []spec{{op, text + ".*"}}, clauses: []string{op + text + ".*"}}, nil
	default:
		return bounds{}, fmt.Errorf("%q cannot have a wildcard", op)
	}
}

// rangeClause is what ^, ~ and ~= stand for: from a version to below another.
func rangeClause(low, high string, inclusive bool) bounds {
	return bounds{
		low:     &bound{v: version.MustParse(low), text: low, inclusive: inclusive},
		high:    &bound{v: version.MustParse(high), text: high},
		clauses: []string{">=" + low, "<" + high},
	}
}

// caretPart is the part of a release that may not change: the first that is not zero.
func caretPart(release []string) int {
	for i, part := range release[:min(len(release), 3)] {
		if strings.Trim(part, "0") != "" {
			return i
		}
	}
	return min(len(release), 3) - 1
}

// raise adds one to a part of a release and zeroes those after it.
func raise(release []string, part int) string {
	out := slices.Clone(release)
	for i := range out {
		n, err := strconv.Atoi(out[i])
		if err != nil {
			n = 0 // releaseOnly admits no more digits than fit
		}
		switch {
		case i == part:
			out[i] = strconv.Itoa(n + 1)
		case i > part:
			out[i] = "0"
		default:
			out[i] = strconv.Itoa(n)
		}
	}
	return strings.Join(out, ".")
}

// intersect narrows a constraint by a clause. The constraint is not used any more: its lists grow.
func (b bounds) intersect(o bounds) (bounds, error) {
	if b.exact != nil || o.exact != nil && (b.low != nil || b.high != nil || len(b.exclude) > 0) {
		return bounds{}, fmt.Errorf("an exact version beside other clauses")
	}
	if o.exact != nil {
		return o, nil
	}
	if o.low != nil && (b.low == nil || b.low.v.Compare(o.low.v) < 0) {
		b.low = o.low
	}
	if o.high != nil && (b.high == nil || b.high.v.Compare(o.high.v) > 0) {
		b.high = o.high
	}
	b.exclude, b.clauses = append(b.exclude, o.exclude...), append(b.clauses, o.clauses...)
	return b, nil
}

// check refuses what poetry-core would print in a form of its own: empty ranges, ranges that are a wildcard only
// after the intersection, and exclusions that are not inside.
func (b bounds) check() error {
	if b.low != nil && b.high != nil && b.low.v.Compare(b.high.v) >= 0 {
		return fmt.Errorf("the range is empty or a single version")
	}
	if b.low != nil && b.low.wildcard && len(b.clauses) > 1 {
		return fmt.Errorf("a wildcard beside other clauses")
	}
	for _, e := range b.exclude {
		v, err := version.Parse(strings.TrimSuffix(e.version, ".*"))
		if err != nil || b.low != nil && v.Compare(b.low.v) <= 0 || b.high != nil && v.Compare(b.high.v) >= 0 {
			return fmt.Errorf("%s%s is not inside the range", e.op, e.version)
		}
	}
	return nil
}

// ordered returns the clauses in order of versions: lower end, exclusions, upper end.
func (b bounds) ordered() []string {
	switch {
	case b.exact != nil:
		return []string{"==" + b.exact.text}
	case b.low != nil && b.low.wildcard:
		return b.clauses
	}
	var out []string
	if b.low != nil {
		out = append(out, b.low.clause(">"))
	}
	sorted := slices.SortedStableFunc(slices.Values(b.exclude), func(x, y spec) int {
		return version.MustParse(strings.TrimSuffix(x.version, ".*")).Compare(version.MustParse(strings.TrimSuffix(y.version, ".*")))
	})
	for _, e := range sorted {
		out = append(out, e.op+e.version)
	}
	if b.high != nil {
		out = append(out, b.high.clause("<"))
	}
	return out
}

// clause prints an end of a range.
func (e *bound) clause(op string) string {
	if e.inclusive {
		op += "="
	}
	return op + e.text
}

// text prints the constraint for METADATA: without exclusions the range, with them each clause as it stands.
func (b bounds) text() string {
	if len(b.exclude) == 0 {
		return strings.Join(b.ordered(), ",")
	}
	return strings.Join(b.clauses, ",")
}

// admits reports whether a version is in the range.
func (b bounds) admits(v version.Version) bool {
	if b.exact != nil {
		return b.exact.v.Compare(v) == 0
	}
	if b.low != nil {
		if d := v.Compare(b.low.v); d < 0 || d == 0 && !b.low.inclusive {
			return false
		}
	}
	if b.high != nil {
		if d := v.Compare(b.high.v); d > 0 || d == 0 && !b.high.inclusive {
			return false
		}
	}
	return true
}

// overlaps reports whether the range and [low, high) have versions in common.
func (b bounds) overlaps(low, high version.Version) bool {
	if b.exact != nil {
		return b.exact.v.Compare(low) >= 0 && b.exact.v.Compare(high) < 0
	}
	below := b.high != nil && (b.high.v.Compare(low) < 0 || b.high.v.Compare(low) == 0 && !b.high.inclusive)
	above := b.low != nil && b.low.v.Compare(high) >= 0
	return !below && !above
}

// requiresPython prints a constraint on Python: wildcards and short exact versions become ranges.
func (b bounds) requiresPython() string {
	if b.exact != nil {
		switch release := strings.Split(b.exact.text, "."); len(release) {
		case 1:
			return ">=" + release[0] + ".0,<" + raise(release, 0) + ".0"
		case 2:
			return ">=" + b.exact.text + ",<" + raise(release, 1)
		default:
			return "==" + b.exact.text
		}
	}
	return cmp.Or(strings.Join(bounds{low: b.low.unwild(), high: b.high}.ordered(), ","), "*")
}

// unwild is the end without its wildcard: in Requires-Python, poetry-core writes wildcards out.
func (e *bound) unwild() *bound {
	if e == nil || !e.wildcard {
		return e
	}
	return &bound{v: e.v, text: e.text, inclusive: true}
}
