package requirement_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/vectortest"
)

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{ // want "" is refused
		{"click", "click"},
		{"  click\t", "click"},
		{"click>=8,<9", "click<9,>=8"},
		{"click (>=8 , <9,)", "click<9,>=8"},
		{"uvicorn[standard, a_b,a_b]>=0.3;os_name=='posix'", `uvicorn[a_b,standard]>=0.3; os_name == "posix"`},
		{"a[]", "a"},
		{"a @ https://e.org/a.whl;x ; extra == 'B_c'", `a @ https://e.org/a.whl;x ; extra == "b-c"`},
		{"a@file:///x", "a @ file:///x"},
		{"a_", "a_"},
		{"a()", "a"},
		{"a===x,y", ""},
		{"", ""},
		{"-a", ""},
		{"_a", ""},
		{"é", ""},
		{"a é", ""},
		{"aé", ""},
		{"a.", ""},
		{"a b", ""},
		{"a[b", ""},
		{"a[b c]", ""},
		{"a[b,]", ""},
		{"a[,b]", ""},
		{"a>=1,,<2", ""},
		{"a,>=1", ""},
		{"a(>=1", ""},
		{"a>=1)", ""},
		{"a>=1\n", ""},
		{"a\n>=1", ""},
		{"a 1.0", ""},
		{"a @ ", ""},
		{"a @ https://e.org b", ""},
		{"a;", ""},
		{"a; os_name", ""},
		{"a>=1; os_name == 'x' b", ""},
		{"./dir", ""},
		{strings.Repeat("a", 2<<20), ""},
	}
	for _, tt := range tests {
		r, err := requirement.Parse(tt.in)
		if got := r.String(); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Parse(%.40q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("Parse(%.40q): an error of %d characters", tt.in, len(err.Error()))
		}
	}
}

func TestVectors(t *testing.T) {
	type parsed struct {
		Name, Specifier, Str string
		Extras               []string
		Marker, URL          *string
	}
	for _, row := range vectortest.Read[vectortest.Row[string, vectortest.Result[parsed]]](t, "packaging/requirement_parse.json") {
		r, err := requirement.Parse(row.In)
		if (err != nil) != row.Out.Refused {
			t.Errorf("Parse(%q): %v", row.In, err)
		}
		if err != nil {
			continue
		}
		got := parsed{Name: r.Name, Specifier: r.Specifiers.String(), Str: r.String(), Extras: slices.Clone(r.Extras)}
		if r.URL != "" {
			got.URL = &r.URL
		}
		if m := r.Marker.String(); m != "" {
			got.Marker = &m
		}
		want := row.Out.Value
		want.Extras = slices.Clip(want.Extras)
		if len(want.Extras) == 0 {
			want.Extras = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", row.In, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	in := `["a[b]==1.*; os_name == \"x\""]`
	var rs []requirement.Requirement
	if err := json.Unmarshal([]byte(in), &rs); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(rs); err != nil || string(out) != in {
		t.Errorf("%s became %s, %v", in, out, err)
	}
}

func FuzzRequirement(f *testing.F) {
	for _, s := range []string{
		`a[b,c] (>=1.0, !=1.1) ; python_version > "3"`, "a @ https://e.org/x;y ; extra == 'z'", "a===b", "a>=1,", "A.b-c_",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := requirement.Parse(s)
		if err != nil {
			return
		}
		again, err := requirement.Parse(r.String())
		if err != nil || !again.Equal(r) || again.Name != r.Name || again.URL != r.URL || !slices.Equal(again.Extras, r.Extras) {
			t.Fatalf("%q prints as %q, which is read as %q, %v", s, r, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = requirement.Parse(`uvicorn[standard]>=0.30,<1; python_version > "3.8"`)
	}
}
