package lock

import (
	"math"
	"testing"
)

// The expectations are what Python 3.13 prints for json.dumps(value, sort_keys=True).
func TestAppendJSON(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, "null"},
		{true, "true"},
		{int64(-3), "-3"},
		{1.0, "1.0"},
		{0.1, "0.1"},
		{1e16, "1e+16"},
		{1.5e-5, "1.5e-05"},
		{123456789012345.6, "123456789012345.6"},
		{math.Inf(-1), "-Infinity"},
		{math.NaN(), "NaN"},
		{"a\"b\\c\n\t\r\b\f\x01\x7f", `"a\"b\\c\n\t\r\b\f\u0001\u007f"`},
		{"é€😀</>&", `"\u00e9\u20ac\ud83d\ude00</>&"`},
		{[]any{}, "[]"},
		{[]any{int64(1), "x"}, `[1, "x"]`},
		{map[string]any{}, "{}"},
		{map[string]any{"b": []any{nil}, "a": map[string]any{"Z": "", "aa": int64(0)}}, `{"a": {"Z": "", "aa": 0}, "b": [null]}`},
	} {
		if got := string(appendJSON(nil, tt.in)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.in, got, tt.want)
		}
	}
}
