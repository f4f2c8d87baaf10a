package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/store/storetest"
)

type part struct {
	Name  string `json:"-"` // tags do not take a field out of the key
	Bytes []byte
}

type input struct {
	Format int
	Names  []string
	Env    map[string]string
	Parts  []part
	Sum    [32]byte
	Any    any
	Next   *input
	When   time.Time
	Ratio  float64
	On     bool
	Small  uint16
}

func TestKeyCountsEveryField(t *testing.T) {
	storetest.EveryFieldCounts(t, withoutAny{Format: 1, Names: []string{"a"}, Env: map[string]string{"x": "1"},
		Parts: []part{{"n", []byte("b")}}, Next: &withoutAny{Format: 9}})
}

// withoutAny leaves out the interface, whose values cannot be invented.
type withoutAny struct {
	Format int
	Names  []string
	Env    map[string]string
	Parts  []part
	Sum    [32]byte
	When   time.Time
	Ratio  float64
	On     bool
	Small  uint16
	Next   *withoutAny
}

func sample() input {
	return input{Format: 1, Names: []string{"a", "b"}, Env: map[string]string{"x": "1", "y": "2", "z": "3"},
		Parts: []part{{"n", []byte("b")}}, Any: 1}
}

func TestKeyIsStable(t *testing.T) {
	first := store.Key(sample())
	for range 20 {
		if again := store.Key(sample()); again != first {
			t.Fatalf("key is %s, was %s", again, first)
		}
	}
	s := sample()
	if store.Key(&s) != first {
		t.Error("a pointer has another key")
	}
	s.Next, s.Parts[0].Bytes = nil, append([]byte{}, s.Parts[0].Bytes...)
	if store.Key(s) != first {
		t.Error("equal values have different keys")
	}
	empty := input{Names: []string{}, Env: map[string]string{}}
	if store.Key(empty) != store.Key(input{}) {
		t.Error("nil and empty differ")
	}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	if store.Key(input{When: noon}) != store.Key(input{When: noon.In(time.FixedZone("x", 3600))}) {
		t.Error("one instant has two keys")
	}
}

func TestKeyKeepsValuesApart(t *testing.T) {
	values := map[string]any{
		"one string":      input{Names: []string{"a,b"}},
		"two strings":     input{Names: []string{"a", "b"}},
		"quoted":          input{Names: []string{`a","b`}},
		"int":             input{Any: 1},
		"int64":           input{Any: int64(1)},
		"string":          input{Any: "1"},
		"nil pointer":     input{},
		"pointer to zero": input{Next: &input{}},
		"invalid UTF-8":   input{Names: []string{"\xff"}},
		"replacement":     input{Names: []string{"\ufffd"}},
		"other type":      part{},
	}
	seen := map[string]string{}
	for name, v := range values {
		key := store.Key(v)
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same key", name, other)
		}
		seen[key] = name
	}
}

func TestKeyPanicsWhereItCannotSee(t *testing.T) {
	type hidden struct{ secret int }
	type function struct{ F func() }
	loop := &input{}
	loop.Next = loop
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"unexported": {hidden{1}, "secret"},
		"function":   {function{}, "function.F"},
		"loop":       {loop, "holds itself"},
		"no struct":  {"text", "string"},
		"nil":        {nil, "nil"},
		"anonymous":  {struct{ A int }{}, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, test.want) {
					t.Errorf("panic says %q, want %q in it", said, test.want)
				}
			}()
			store.Key(test.value)
		})
	}
}
