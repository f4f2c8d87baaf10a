package toml

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gotoml "github.com/pelletier/go-toml/v2"

	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// reference decodes with the strict decoder, which checks the same rules in another way.
func reference(data []byte) (map[string]any, error) {
	var doc map[string]any
	err := gotoml.Unmarshal(data, &doc)
	return doc, err
}

// plain makes the reference's times comparable: ours are text, and that they are times is all that is compared.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case string, int64, float64, bool:
		return v
	default:
		return "time"
	}
}

// timeless writes "time" for every Time, as plain does.
func timeless(v *Value) any {
	switch data := v.Data.(type) {
	case Time:
		return "time"
	case *Table:
		out := map[string]any{}
		for _, key := range data.Keys() {
			out[key] = timeless(data.Value(key))
		}
		return out
	case []*Value:
		out := make([]any, len(data))
		for i := range data {
			out[i] = timeless(data[i])
		}
		return out
	default:
		return data
	}
}

func TestCorpusAgainstReference(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus.Dir(t, "locks"), "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		if !strings.HasSuffix(file, ".toml") && !strings.HasSuffix(file, ".lock") || strings.HasSuffix(file, "Pipfile.lock") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, refErr := reference(data)
		got, err := Parse("x", data)
		if (err == nil) != (refErr == nil) {
			t.Errorf("%s: %v, reference %v", file, err, refErr)
			continue
		}
		if err != nil {
			continue
		}
		compared++
		if diff := cmp.Diff(plain(want), timeless(&Value{Data: got})); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
	t.Logf("%d files equal", compared)
	if compared == 0 {
		t.Error("nothing compared")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "a = 1\n[b.c]\nd = 'x'\n[[e]]\n[[e]]\n", "a = {b.c = [1, {d = true}]}", "a.b = 1\na.c = 2\n[a.d]\n",
		"x = 1979-05-27T07:32:00-07:00\ny = 07:32:00\nz = 1e6\n", "[a]\n[a]", "\"\\u00e9\" = \"\"\"\n a \\\n b\"\"\"",
		"a = [[[[1]]]]\r\n# c\r\n", "<<<<<<< HEAD\n", "i = 0b101\nj = +1_0\nk = -inf\nl = 01",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse("f.toml", data)
		want, refErr := reference(data)
		if err == nil && refErr == nil {
			if diff := cmp.Diff(plain(want), timeless(&Value{Data: got}), cmp.Comparer(sameFloat)); diff != "" {
				t.Fatal(diff)
			}
		}
		if err == nil && refErr != nil && !strings.Contains(refErr.Error(), "out of range") {
			t.Fatalf("accepted, but the reference says %v", refErr)
		}
		if err != nil && refErr == nil && !strings.Contains(err.Error(), "nested") && !strings.Contains(err.Error(), "200 char") {
			t.Fatalf("refused (%v), but the reference accepts", err)
		}
	})
}

// sameFloat is equality that holds for nan.
func sameFloat(a, b float64) bool { return a == b || a != a && b != b }

func BenchmarkParse(b *testing.B) {
	var largest []byte
	for _, pattern := range []string{"uv-*/uv.lock", "poetry-*/poetry.lock"} {
		files, _ := filepath.Glob(filepath.Join(corpus.Dir(b, "locks"), pattern))
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil && len(data) > len(largest) {
				largest = data
			}
		}
	}
	b.SetBytes(int64(len(largest)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("x", largest); err != nil {
			b.Fatal(err)
		}
	}
}
