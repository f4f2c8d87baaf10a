package marker

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
)

// comparison is one condition. At least one side is a variable in every marker that means something.
type comparison struct {
	left, right operand
	operator    operator
	spec        version.Specifier // operator and right side, where those are a version specifier
	isSpec      bool
}

// operand is a variable, or a literal text.
type operand struct {
	name variable
	text string
}

func (o operand) isVariable() bool { return o.name != literal }

type operator uint8

const (
	in operator = iota
	notIn
	arbitrary
	equal
	compatible
	notEqual
	lessEqual
	greaterEqual
	less
	greater
)

var operatorNames = [...]string{
	in: "in", notIn: "not in", arbitrary: "===", equal: "==", compatible: "~=", notEqual: "!=", lessEqual: "<=",
	greaterEqual: ">=", less: "<", greater: ">",
}

func (op operator) String() string { return operatorNames[op] }

// newComparison prepares a comparison: names are normalized, and a version specifier is parsed once, not when evaluated.
func newComparison(left operand, op operator, right operand) *comparison {
	c := &comparison{left: left, right: right, operator: op}
	switch {
	case left.name == extra && !right.isVariable():
		c.right.text = name.Normalize(right.text)
	case !left.isVariable() && (right.name == extra || right.name.isSet()):
		c.left.text = name.Normalize(left.text)
	case left.name.comparesVersions() && !right.isVariable():
		c.spec, c.isSpec = specifier(op, right.text)
	}
	return c
}

func specifier(op operator, text string) (version.Specifier, bool) {
	if op == in || op == notIn {
		return version.Specifier{}, false
	}
	spec, err := version.ParseSpecifier(op.String() + text)
	return spec, err == nil
}

func (c *comparison) eval(env *Environment) bool {
	switch {
	case c.right.name.isSet():
		return c.evalMember(env)
	case c.left.name.isSet():
		return false
	case c.left.name == extra || c.right.name == extra:
		return c.evalExtra(env)
	case c.isSpec:
		text := env.text(c.left.name)
		v, _ := version.Parse(text)
		return c.spec.ContainsText(text, v)
	}
	left, right := c.left.value(env), c.right.value(env)
	if c.left.name.comparesVersions() || !c.left.isVariable() && c.right.name.comparesVersions() {
		if spec, ok := specifier(c.operator, right); ok {
			v, _ := version.Parse(left)
			return spec.ContainsText(left, v)
		}
	}
	return c.operator.compare(left, right)
}

func (o operand) value(env *Environment) string {
	if o.isVariable() {
		return env.text(o.name)
	}
	return o.text
}

// evalMember is `"x" in extras`.
func (c *comparison) evalMember(env *Environment) bool {
	switch c.operator {
	case in, notIn:
		return hasName(env.set(c.right.name), c.left.value(env)) == (c.operator == in)
	}
	return c.operator == notEqual // a text is never equal to a set
}

// hasName reports whether a list of names, normalized or not, has a name, normalized or not.
func hasName(list []string, want string) bool {
	for _, s := range list {
		if s == want || name.Normalize(s) == name.Normalize(want) {
			return true
		}
	}
	return false
}

// evalExtra compares extra with a text. It has as many values as extras are asked for: one that fits is enough, but
// "!=" and "not in" must hold for all.
func (c *comparison) evalExtra(env *Environment) bool {
	if len(env.Extras) == 0 {
		return c.compareExtra(env, "")
	}
	negative := c.operator == notEqual || c.operator == notIn
	for _, e := range env.Extras {
		if c.compareExtra(env, name.Normalize(e)) != negative {
			return !negative
		}
	}
	return negative
}

func (c *comparison) compareExtra(env *Environment, e string) bool {
	left, right := e, e
	if c.left.name != extra {
		left = c.left.value(env)
	}
	if c.right.name != extra {
		right = c.right.value(env)
	}
	return c.operator.compare(left, right)
}

// compare compares texts, for which no order is defined.
func (op operator) compare(left, right string) bool {
	switch op {
	case in:
		return strings.Contains(right, left)
	case notIn:
		return !strings.Contains(right, left)
	case equal, lessEqual, greaterEqual:
		return left == right
	case notEqual:
		return left != right
	}
	return false
}

// check refuses what eval can only call false.
func (c *comparison) check(env *Environment) error {
	for _, o := range [...]operand{c.left, c.right} {
		if o.name.isSet() && env.set(o.name) == nil {
			return fmt.Errorf("marker %q: %s is defined in lock files only", c, o.name)
		}
	}
	if c.left.name.isSet() {
		return fmt.Errorf("marker %q: %s is a set, which can only stand behind \"in\"", c, c.left.name)
	}
	if c.operator != compatible && c.operator != arbitrary || c.isSpec {
		return nil
	}
	if c.right.name.comparesVersions() {
		if _, ok := specifier(c.operator, c.right.value(env)); ok {
			return nil
		}
	}
	return fmt.Errorf("marker %q: %s is defined for versions only", c, c.operator)
}

// String returns the comparison as a marker prints it.
func (c *comparison) String() string {
	var b strings.Builder
	c.print(&b)
	return b.String()
}

func (c *comparison) print(b *strings.Builder) {
	c.left.print(b)
	b.WriteByte(' ')
	b.WriteString(c.operator.String())
	b.WriteByte(' ')
	c.right.print(b)
}

func (o operand) print(b *strings.Builder) {
	if o.isVariable() {
		b.WriteString(o.name.String())
		return
	}
	quote(b, o.text)
}
