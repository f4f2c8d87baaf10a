package name_test

import (
	"testing"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/vectortest"
)

func TestNormalize(t *testing.T) {
	tests := []struct{ in, want string }{
		{"click", "click"},
		{"Flask_SQLAlchemy", "flask-sqlalchemy"},
		{"zope.interface", "zope-interface"},
		{"A--b__c..d-_.e", "a-b-c-d-e"},
		{"-ends-", "-ends-"},
		{"", ""},
		{"BÁR", "bár"},
	}
	for _, tt := range tests {
		if got := name.Normalize(tt.in); got != tt.want {
			t.Errorf("Normalize(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestValid(t *testing.T) {
	for in, want := range map[string]bool{
		"a": true, "A1": true, "a.b-c_d": true, "": false, "-a": false, "a-": false, "a b": false, "é": false, "_x": false,
	} {
		if got := name.Valid(in); got != want {
			t.Errorf("Valid(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestNormalizeDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { name.Normalize("already-normal") }); n != 0 {
		t.Errorf("Normalize of a normalized name allocates %v times", n)
	}
}

func TestVectorsCanonicalizeName(t *testing.T) {
	type options struct{ Validate bool }
	rows := vectortest.Read[vectortest.Row[vectortest.Pair[string, options], vectortest.Result[string]]](t, "packaging/canonicalize_name.json")
	for _, row := range rows {
		in, opt := row.In.First, row.In.Second
		if opt.Validate && name.Valid(in) == row.Out.Refused {
			t.Errorf("Valid(%q) = %v", in, name.Valid(in))
		}
		if got := name.Normalize(in); !row.Out.Refused && got != row.Out.Value {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, row.Out.Value)
		}
	}
}

func TestVectorsIsNormalized(t *testing.T) {
	for _, row := range vectortest.Read[vectortest.Row[string, bool]](t, "packaging/is_normalized_name.json") {
		if got := name.IsNormalized(row.In); got != row.Out {
			t.Errorf("IsNormalized(%q) = %v, want %v", row.In, got, row.Out)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"", "A_b", "x..y", "é-É", "-", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := name.Normalize(s)
		if again := name.Normalize(got); again != got {
			t.Fatalf("Normalize(%q) = %q, and of that %q", s, got, again)
		}
		if name.Valid(s) && !name.IsNormalized(got) {
			t.Fatalf("%q is valid, but Normalize gives %q", s, got)
		}
		if name.IsNormalized(s) && got != s {
			t.Fatalf("%q is normalized, but becomes %q", s, got)
		}
	})
}
