package control

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRelations(t *testing.T) {
	tests := []struct {
		in   string
		want [][]Relation
		err  string
	}{
		{in: ""},
		{in: " , "},
		{in: "libc6 (>= 2.38)", want: [][]Relation{{{Name: "libc6", Op: ">=", Version: "2.38"}}}},
		{in: "a1|b1 (<<1:2-3) ,\n c1:any(= 1),", want: [][]Relation{
			{{Name: "a1"}, {Name: "b1", Op: "<<", Version: "1:2-3"}},
			{{Name: "c1", Arch: "any", Op: "=", Version: "1"}},
		}},
		{in: "aa (< 1), bb (> 1)", want: [][]Relation{
			{{Name: "aa", Op: "<=", Version: "1"}}, {{Name: "bb", Op: ">=", Version: "1"}},
		}},
		{in: "libstdc++6, G++", want: [][]Relation{{{Name: "libstdc++6"}}, {{Name: "G++"}}}},
		{in: "aa | ", err: "package name"},
		{in: "aa (>= 1", err: "parentheses"},
		{in: "aa (>= 1) x", err: "parentheses"},
		{in: "aa (>= 1)) ", err: "parentheses"},
		{in: "aa (1)", err: "not a relation"},
		{in: "aa (!= 1)", err: "not a relation"},
		{in: "aa (>= )", err: "empty"},
		{in: "aa (>= a)", err: "digit"},
		{in: "aa [amd64]", err: "not allowed"},
		{in: "aa:", err: "architecture"},
		{in: "../etc/passwd", err: "not allowed"},
		{in: strings.Repeat("aa,", maxRelations+1), err: "more than 20000"},
	}
	for _, test := range tests {
		t.Run(test.in[:min(len(test.in), 30)], func(t *testing.T) {
			got, err := ParseRelations(test.in)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdmits(t *testing.T) {
	r := Relation{Name: "libc6", Op: ">=", Version: "2.36-9"}
	if !r.Admits("2.36-9+deb12u14") || r.Admits("2.31-13") || !(Relation{Name: "libc6"}).Admits("1") {
		t.Error("the wrong versions are admitted")
	}
}

// What parses prints and parses back to the same relations.
func FuzzParseRelations(f *testing.F) {
	f.Add("libc6 (>= 2.38), a1 | b2:any (= 1:2~3), ")
	f.Add("x (")
	f.Fuzz(func(t *testing.T, s string) {
		want, err := ParseRelations(s)
		if err != nil {
			return
		}
		var clauses []string
		for _, alternatives := range want {
			var texts []string
			for _, r := range alternatives {
				texts = append(texts, r.String())
			}
			clauses = append(clauses, strings.Join(texts, " | "))
		}
		got, err := ParseRelations(strings.Join(clauses, ", "))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
