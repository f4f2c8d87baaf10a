package version

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

func TestCompare(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0},
		{"1.0", "1.0-0", 0},
		{"0:1.0", "1.0", 0},
		{"1:0.1", "2.0", 1},
		{"2.36-9+deb12u14", "2.36-9+deb12u9", 1},
		{"3.13.5-2", "3.13.5-2+deb13u5", -1},
		{"1.0~rc1", "1.0", -1},
		{"1.0~~", "1.0~", -1},
		{"1.0a", "1.0", 1},
		{"1.0+", "1.0a", 1},
		{"1.010", "1.9", 1},
		{"1.18446744073709551616", "1.0", 1},
		{"00001", "1", 0},
		{"1-1-1", "1-1-2", -1},
	}
	for _, test := range tests {
		t.Run(test.a+" "+test.b, func(t *testing.T) {
			if got := Compare(test.a, test.b); got != test.want {
				t.Errorf("Compare = %d, want %d", got, test.want)
			}
			if got := Compare(test.b, test.a); got != -test.want {
				t.Errorf("the other way round Compare = %d, want %d", got, -test.want)
			}
		})
	}
}

func TestSatisfies(t *testing.T) {
	for op, want := range map[string][3]bool{
		"<<": {true, false, false}, "<=": {true, true, false}, "=": {false, true, false},
		">=": {false, true, true}, ">>": {false, false, true}, "": {true, true, true}, "==": {false, false, false},
	} {
		t.Run(op, func(t *testing.T) {
			got := [3]bool{Satisfies("1", op, "2"), Satisfies("2", op, "2-0"), Satisfies("3", op, "2")}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The vectors come from dpkg's own tests and from dpkg itself.
func TestCorpus(t *testing.T) {
	var corpus struct {
		Compare []struct {
			A, B string
			Cmp  int
		}
		Valid, Invalid []string
	}
	readCorpus(t, "vectors/debian/versions.json", &corpus)
	if len(corpus.Compare) == 0 || len(corpus.Valid) == 0 || len(corpus.Invalid) == 0 {
		t.Fatal("the corpus has no rows")
	}
	for _, row := range corpus.Compare {
		if got := Compare(row.A, row.B); got != row.Cmp {
			t.Errorf("Compare(%q, %q) = %d, want %d", row.A, row.B, got, row.Cmp)
		}
	}
	for _, s := range corpus.Valid {
		if err := Check(s); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
	for _, s := range corpus.Invalid {
		if Valid(s) {
			t.Errorf("%q is valid", s)
		}
	}
}

func readCorpus(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(corpus.Dir(t, filepath.FromSlash(name)))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The order must be total over anything, or sorting would depend on the order of the input.
func FuzzCompare(f *testing.F) {
	f.Add("1:1.0-1", "1.0~rc1", "1.0+b1")
	f.Add("~", "", "a:b-c")
	f.Add("1-", "-1", "0:")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if Compare(a, a) != 0 || Compare(a, b) != -Compare(b, a) {
			t.Fatalf("%q and %q have no order", a, b)
		}
		three := []string{a, b, c}
		slices.SortFunc(three, Compare)
		if Compare(three[0], three[2]) > 0 {
			t.Fatalf("no order among %q", three)
		}
	})
}
