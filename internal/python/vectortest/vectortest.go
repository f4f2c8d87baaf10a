// Package vectortest reads the test vectors of pypa/packaging, which the corpus of test material holds, for the tests of
// the packages beside it. It skips a test, with the reason, where the corpus is absent.
package vectortest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// Row is one case: what goes in and what must come out.
type Row[In, Out any] struct {
	In  In  `json:"in"`
	Out Out `json:"out"`
}

// Pair is a JSON array of two values of different types.
type Pair[A, B any] struct {
	First  A
	Second B
}

// UnmarshalJSON reads [first, second].
func (p *Pair[A, B]) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.First, &p.Second})
}

// Result is a value, or {"error": NAME} where the input must be refused.
type Result[T any] struct {
	Value   T
	Refused bool
}

// UnmarshalJSON reads the value or the error.
func (r *Result[T]) UnmarshalJSON(data []byte) error {
	var e struct{ Error string }
	if json.Unmarshal(data, &e) == nil && e.Error != "" {
		r.Refused = true
		return nil
	}
	return json.Unmarshal(data, &r.Value)
}

// Read returns the rows of a file below vectors/ in the corpus.
func Read[T any](t testing.TB, file string) []T {
	t.Helper()
	rows := ReadOne[[]T](t, file)
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", file)
	}
	return rows
}

// ReadOne returns a whole file below vectors/ in the corpus.
func ReadOne[T any](t testing.TB, file string) (value T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus.Dir(t, "vectors"), filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return value
}
