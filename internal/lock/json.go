package lock

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// appendJSON writes a value as Python's json.dumps(value, sort_keys=True) does, since hashes are taken over that.
// Go's encoder differs in spaces, in what it escapes and in floats.
func appendJSON(b []byte, value any) []byte { return spaced.append(b, value) }

// appendCompactJSON is appendJSON with separators=(",", ":").
func appendCompactJSON(b []byte, value any) []byte { return compact.append(b, value) }

// separators stand between elements, and between a key and its value.
type separators struct{ element, key string }

var spaced, compact = separators{", ", ": "}, separators{",", ":"}

func (s separators) append(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return append(b, pythonFloat(v)...)
	case string:
		return appendString(b, v)
	case []any:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, s.element...)
			}
			b = s.append(b, element)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, s.element...)
			}
			b = append(appendString(b, key), s.key...)
			b = s.append(b, v[key])
		}
		return append(b, '}')
	default:
		panic(fmt.Sprintf("lock: a value of type %T in a TOML document", value)) // toml.Value.Any has no other types
	}
}

// escapes are the characters with an escape of their own.
var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// appendString escapes everything but printable ASCII, characters beyond U+FFFF as two surrogates.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range s {
		escape, ok := escapes[c]
		switch {
		case ok:
			b = append(b, escape...)
		case c >= ' ' && c <= '~':
			b = append(b, byte(c))
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(b, '"')
}

// pythonFloat writes a float as repr does: as short as it can be read back, with an exponent from 1e16 on.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
