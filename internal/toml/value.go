package toml

import "github.com/lithe-build/lithe/internal/diag"

// Value is what stands behind a key or in an array. A nil *Value is no value: its getters return false.
type Value struct {
	Pos  diag.Position
	Data any // string | int64 | float64 | bool | Time | []*Value | *Table
}

// Time is a date, a time or both, as written. Nothing that lithe reads computes with it.
type Time string

// Str returns a string.
func (v *Value) Str() (string, bool) {
	if v == nil {
		return "", false
	}
	s, ok := v.Data.(string)
	return s, ok
}

// Int returns an integer.
func (v *Value) Int() (int64, bool) {
	if v == nil {
		return 0, false
	}
	n, ok := v.Data.(int64)
	return n, ok
}

// Bool returns a boolean, and whether the value is one.
func (v *Value) Bool() (value, ok bool) {
	if v == nil {
		return false, false
	}
	value, ok = v.Data.(bool)
	return value, ok
}

// AsTable returns a table, be it inline or under a header.
func (v *Value) AsTable() (*Table, bool) {
	if v == nil {
		return nil, false
	}
	t, ok := v.Data.(*Table)
	return t, ok
}

// Array returns the elements of an array, nil for any other value.
func (v *Value) Array() []*Value {
	if v == nil {
		return nil
	}
	a, _ := v.Data.([]*Value)
	return a
}

// Kind names the type, for messages: "string", "array", …; "nothing" for no value.
func (v *Value) Kind() string {
	if v == nil {
		return "nothing"
	}
	switch v.Data.(type) {
	case string:
		return "string"
	case int64:
		return "integer"
	case float64:
		return "float"
	case bool:
		return "boolean"
	case Time:
		return "time"
	case []*Value:
		return "array"
	default:
		return "table"
	}
}

// Any returns plain Go values without positions: string, int64, float64, bool, []any, map[string]any; times are
// strings.
func (v *Value) Any() any {
	if v == nil {
		return nil
	}
	switch data := v.Data.(type) {
	case Time:
		return string(data)
	case *Table:
		return data.Any()
	case []*Value:
		out := make([]any, len(data))
		for i, element := range data {
			out[i] = element.Any()
		}
		return out
	default:
		return data
	}
}
