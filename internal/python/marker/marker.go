// Package marker reads and evaluates environment markers, the conditions behind ";" in dependency specifiers (PEP 508).
//
// Text goes in and a Marker comes out, which is evaluated for an Environment: that of the target, never of the host.
// Versions are compared by PEP 440, other values as texts. Evaluation allocates next to nothing, since a lock file holds
// thousands of markers. Parsing and printing follow pypa/packaging 26.
// See https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers.
package marker

import "strings"

// Marker is a condition. The zero value is always true. Markers are immutable and safe for several goroutines.
type Marker struct {
	all list // empty: always true
}

// list is conditions joined by "and" and "or"; "and" binds closer.
type list []item

// item is one comparison, or a list in parentheses.
type item struct {
	or   bool        // joined to the item before by "or", not "and"
	list list        // nil for a comparison
	cmp  *comparison // nil for a list
}

// IsZero reports whether m is the marker that is always true.
func (m Marker) IsZero() bool { return len(m.all) == 0 }

// And returns the condition that both hold.
func (m Marker) And(o Marker) Marker {
	switch {
	case m.IsZero():
		return o
	case o.IsZero():
		return m
	}
	return Marker{list{{list: m.all}, {list: o.all}}}
}

// Or returns the condition that at least one holds.
func (m Marker) Or(o Marker) Marker {
	if m.IsZero() || o.IsZero() {
		return Marker{}
	}
	return Marker{list{{list: m.all}, {list: o.all, or: true}}}
}

// Equal reports whether two markers have the same text. Markers that mean the same may differ in text.
func (m Marker) Equal(o Marker) bool { return m.String() == o.String() }

// String returns the marker in normal form: double quotes, single spaces, no needless parentheses; "" when zero.
func (m Marker) String() string {
	var b strings.Builder
	m.all.print(&b, true)
	return b.String()
}

// print writes the list, in parentheses unless it is the outermost. A list of one list is that list.
func (l list) print(b *strings.Builder, outermost bool) {
	for len(l) == 1 && l[0].list != nil {
		l = l[0].list
	}
	if len(l) == 1 {
		outermost = true
	}
	if !outermost {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, it := range l {
		switch {
		case i > 0 && it.or:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(" and ")
		}
		if it.cmp != nil {
			it.cmp.print(b)
		} else {
			it.list.print(b, false)
		}
	}
}

// MarshalText returns String, so that a Marker is a string in JSON.
func (m Marker) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText parses what MarshalText returned.
func (m *Marker) UnmarshalText(text []byte) (err error) {
	*m = Marker{}
	if len(text) > 0 {
		*m, err = Parse(string(text))
	}
	return err
}

// Eval reports whether the condition holds. A comparison that the specification leaves undefined does not hold.
func (m Marker) Eval(env Environment) bool {
	return m.all.eval(&env)
}

// Evaluate is Eval, but refuses comparisons that are undefined, as "~=" of texts is, and names that the environment
// does not have: `extras` and `dependency_groups` where its list is nil.
func (m Marker) Evaluate(env Environment) (bool, error) {
	if err := m.all.check(&env); err != nil {
		return false, err
	}
	return m.all.eval(&env), nil
}

func (l list) eval(env *Environment) bool {
	holds := true
	for _, it := range l {
		if it.or {
			if holds {
				return true
			}
			holds = true
		}
		if holds {
			holds = it.eval(env)
		}
	}
	return holds
}

func (it item) eval(env *Environment) bool {
	if it.cmp != nil {
		return it.cmp.eval(env)
	}
	return it.list.eval(env)
}

func (l list) check(env *Environment) error {
	for _, it := range l {
		if it.cmp != nil {
			if err := it.cmp.check(env); err != nil {
				return err
			}
		} else if err := it.list.check(env); err != nil {
			return err
		}
	}
	return nil
}

// Walk calls visit for each comparison of a variable with a literal, in order. Lock formats that hide meanings in
// markers, as uv does in extras, read them here.
func (m Marker) Walk(visit func(variable, operator, literal string)) {
	m.all.walk(visit)
}

func (l list) walk(visit func(variable, operator, literal string)) {
	for _, it := range l {
		switch {
		case it.cmp == nil:
			it.list.walk(visit)
		case it.cmp.left.isVariable() != it.cmp.right.isVariable():
			variable, literal := it.cmp.left, it.cmp.right
			if literal.isVariable() {
				variable, literal = literal, variable
			}
			visit(variable.name.String(), it.cmp.operator.String(), literal.text)
		}
	}
}
