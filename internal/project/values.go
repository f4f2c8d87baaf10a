package project

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// value is the type of a key: it decodes what a file says, and describes itself in JSON Schema, so that the two cannot
// disagree.
type value interface {
	decode(d *decoder, path string, v *toml.Value)
	schema() schema
}

// maxItems is a limit on arrays and tables of the configuration; people write a handful of lines.
const maxItems = 10_000

// rule restricts texts. The zero value allows all.
type rule struct {
	pattern *lazyregexp.Regexp
	words   []string // the only texts allowed, if any
	want    string   // what fits, for the message: "an absolute path"
	most    int      // bytes; 0 means that there is no limit
}

func (r rule) allows(s string) bool {
	if r.words != nil {
		return slices.Contains(r.words, s)
	}
	return r.pattern == nil || r.pattern.MatchString(s)
}

func (r rule) schema() schema {
	s := schema{Type: "string"}
	if r.pattern != nil {
		s.Pattern = r.pattern.String()
	}
	s.Enum = r.words
	return s
}

// check reports a text that the rule does not allow.
func (r rule) check(d *decoder, path string, pos diag.Position, s string) bool {
	// No argument, variable or path can hold one: the kernel would cut the text there.
	if strings.ContainsRune(s, 0) {
		d.problem(pos, "config-value", fmt.Sprintf("%s has a zero byte", path), "")
		return false
	}
	if r.most > 0 && len(s) > r.most {
		d.problem(pos, "config-value", fmt.Sprintf("%s has %d bytes, more than %d", path, len(s), r.most), "")
		return false
	}
	if r.allows(s) {
		return true
	}
	hint := "it must be " + r.want
	if near := nearest(s, r.words); near != "" {
		hint = "did you mean `" + near + "`?"
	}
	d.problem(pos, "config-value", fmt.Sprintf("%s is %q", path, s), hint)
	return false
}

// text is a string.
type text struct {
	to *string
	rule
}

func (t text) decode(d *decoder, path string, v *toml.Value) {
	if s, ok := v.Str(); !ok {
		d.wrongType(path, v, "a string")
	} else if t.check(d, path, v.Pos, s) {
		*t.to = s
	}
}

// number is an integer from 1 to max, or a string, kept as a string: users and ports are written both ways.
type number struct {
	to  *string
	max int
	rule
}

func (n number) decode(d *decoder, path string, v *toml.Value) {
	s, ok := v.Str()
	if i, isInt := v.Int(); isInt {
		s, ok = fmt.Sprint(i), true
	}
	if !ok {
		d.wrongType(path, v, "a number or a string")
	} else if n.check(d, path, v.Pos, s) && n.fits(d, path, v.Pos, s) {
		*n.to = s
	}
}

// fits reports a number that is too large, be it alone or behind a colon.
func (n number) fits(d *decoder, path string, pos diag.Position, s string) bool {
	for part := range strings.SplitSeq(s, ":") {
		if i, err := strconv.Atoi(part); err == nil && i > n.max {
			d.problem(pos, "config-value", fmt.Sprintf("%s is %q", path, s), fmt.Sprintf("%d is the highest", n.max))
			return false
		}
	}
	return true
}

func (n number) schema() schema {
	return schema{AnyOf: []schema{{Type: "integer", Minimum: new(1), Maximum: new(n.max)}, n.rule.schema()}}
}

// boolean is a boolean.
type boolean struct{ to *bool }

func (f boolean) decode(d *decoder, path string, v *toml.Value) {
	if b, ok := v.Bool(); ok {
		*f.to = b
		return
	}
	d.wrongType(path, v, "true or false")
}

func (boolean) schema() schema { return schema{Type: "boolean"} }

// count is a whole number that is not negative.
type count struct{ to *int }

func (c count) decode(d *decoder, path string, v *toml.Value) {
	i, ok := v.Int()
	switch {
	case !ok:
		d.wrongType(path, v, "a number")
	case i < 0 || i > 1<<30:
		d.problem(v.Pos, "config-value", fmt.Sprintf("%s is %d", path, i), "it must not be negative")
	default:
		*c.to = int(i)
	}
}

func (count) schema() schema { return schema{Type: "integer", Minimum: new(0)} }

// duration is a string such as "30s".
type duration struct{ to *time.Duration }

var durationRule = rule{pattern: lazyregexp.New(`^([0-9]{1,9}(ms|s|m|h))+$`), want: "a duration such as \"30s\" or \"1m30s\""}

func (t duration) decode(d *decoder, path string, v *toml.Value) {
	var s string
	text{&s, durationRule}.decode(d, path, v)
	if s == "" {
		return
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		d.problem(v.Pos, "config-value", fmt.Sprintf("%s is %q", path, s), "it must be "+durationRule.want)
		return
	}
	*t.to = parsed
}

func (duration) schema() schema { return durationRule.schema() }

// array is a list of values of one type. one returns the type that decodes into an element.
type array[T any] struct {
	to       *[]T
	one      func(*T) value
	nonEmpty bool
}

func (a array[T]) decode(d *decoder, path string, v *toml.Value) {
	items, ok := v.Data.([]*toml.Value)
	switch {
	case !ok:
		d.wrongType(path, v, "an array")
		return
	case len(items) > maxItems:
		d.problem(v.Pos, "config-value", fmt.Sprintf("%s has %d elements, more than %d", path, len(items), maxItems), "")
		return
	case len(items) == 0 && a.nonEmpty: // an empty list would mean nothing where none means inferred
		d.problem(v.Pos, "config-value", path+" is empty", "leave it out, or give at least one element")
		return
	}
	list := make([]T, len(items)) // not nil: an empty list is not the same as none
	for i, item := range items {
		a.one(&list[i]).decode(d, fmt.Sprintf("%s[%d]", path, i), item)
	}
	*a.to = list
}

func (a array[T]) schema() schema {
	items := a.one(new(T)).schema()
	s := schema{Type: "array", Items: &items}
	if a.nonEmpty {
		s.MinItems = 1
	}
	return s
}

// texts is a list of strings.
func texts(to *[]string, r rule) array[string] {
	return array[string]{to: to, one: func(s *string) value { return text{s, r} }}
}

// command is a program and its arguments. A string would need a shell, and images have none.
type command struct{ to *[]string }

func (c command) decode(d *decoder, path string, v *toml.Value) {
	if s, ok := v.Str(); ok {
		d.problem(v.Pos, "config-type", path+" is a string, not an array",
			"write program and arguments one by one, since there is no shell in the image: "+lastPart(path)+" = "+execForm(s))
		return
	}
	c.array().decode(d, path, v)
}

func (c command) array() array[string] {
	a := texts(c.to, rule{})
	a.nonEmpty = true
	return a
}

func (c command) schema() schema { return c.array().schema() }

// execForm shows how a command line is written as an array, where it has no quotes.
func execForm(s string) string {
	parts := strings.Fields(s)
	if strings.ContainsAny(s, "\"'\\$|&;<>") || len(parts) == 0 || len(parts) > 20 {
		return `["PROGRAM", "ARGUMENT"]`
	}
	for i, part := range parts {
		parts[i] = fmt.Sprintf("%q", part)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// textMap is a table of strings. What it decodes is added to what is there.
type textMap struct {
	to        *map[string]string
	key       rule
	value     rule
	normalize func(string) string // of values; nil leaves them
}

func (m textMap) decode(d *decoder, path string, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		d.wrongType(path, v, "a table")
		return
	}
	if !d.few(path, t) {
		return
	}
	if *m.to == nil {
		*m.to = map[string]string{}
	}
	for _, k := range t.Keys() {
		var s string
		item := t.Value(k)
		if !m.key.check(d, "the key in "+path, t.KeyPos(k), k) {
			continue
		}
		if _, isText := item.Str(); !isText {
			d.wrongType(path+"."+k, item, "a string")
			continue
		}
		text{&s, m.value}.decode(d, path+"."+k, item)
		if m.normalize != nil {
			s = m.normalize(s)
		}
		(*m.to)[k] = s
	}
}

// textTables is a table of tables of texts, by the name of a distribution.
type textTables struct{ to *map[string]map[string]string }

func (m textTables) decode(d *decoder, path string, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		d.wrongType(path, v, "a table")
		return
	}
	if !d.few(path, t) {
		return
	}
	all := maps.Clone(*m.to)
	if all == nil {
		all = map[string]map[string]string{}
	}
	for _, k := range t.Keys() {
		if !projName.check(d, "the key in "+path, t.KeyPos(k), k) {
			continue
		}
		one := maps.Clone(all[name.Normalize(k)])
		textMap{to: &one}.decode(d, path+"."+k, t.Value(k))
		all[name.Normalize(k)] = one
	}
	*m.to = all
}

func (m textTables) schema() schema {
	one := textMap{}.schema()
	return schema{Type: "object", AdditionalProperties: &one, PropertyNames: &schema{Pattern: projName.pattern.String()}}
}

func (m textMap) schema() schema {
	value := m.value.schema()
	s := schema{Type: "object", AdditionalProperties: &value}
	if m.key.pattern != nil {
		s.PropertyNames = &schema{Pattern: m.key.pattern.String()}
	}
	return s
}
