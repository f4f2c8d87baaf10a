package version_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/version"
)

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{ // want "" is refused
		{"1", "1"},
		{"v1.0", "1.0"},
		{" 1.0\n", "1.0"},
		{"0!01.002", "1.2"},
		{"2!1.0", "2!1.0"},
		{"1.0-ALPHA_3", "1.0a3"},
		{"1.0.preview", "1.0rc0"},
		{"1.0c2-1.dev", "1.0rc2.post1.dev0"},
		{"1.0.a.post-.dev_4+Ubuntu_1-01", "1.0a0.post0.dev4+ubuntu.1.1"},
		{"1.0+00", "1.0+0"},
		{"2024.01.02.030405060708", "2024.1.2.30405060708"},
		{"1.000000000000000000000000000001", "1.1"},
		{"", ""},
		{"v", ""},
		{"1.", ""},
		{".1", ""},
		{"1.0.x", ""},
		{"1!", ""},
		{"1.0+", ""},
		{"1.0+a.", ""},
		{"1.0+a+b", ""},
		{"1.0.*", ""},
		{"١.0", ""}, // digits are ASCII
		{"1.9999999999999999999", ""},
		{strings.Repeat("1.", 600) + "0", ""},
	}
	for _, tt := range tests {
		v, err := version.Parse(tt.in)
		if got := v.String(); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Parse(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestZero(t *testing.T) {
	var zero version.Version
	if !zero.IsZero() || zero.String() != "" || zero.IsPrerelease() || zero.Canonical() != "" {
		t.Errorf("the zero value is %+v", zero)
	}
	if first := version.MustParse("0.dev0"); zero.Compare(first) >= 0 || first.Compare(zero) <= 0 {
		t.Error("the zero value is not less than 0.dev0")
	}
	if version.Specifiers(nil).Contains(zero, true) {
		t.Error("no version is contained in a set")
	}
}

func TestCompareLocal(t *testing.T) {
	for _, pair := range [][2]string{
		{"1.0", "1.0+a"},
		{"1.0+z", "1.0+1"},
		{"1.0+2", "1.0+10"},
		{"1.0+1", "1.0+1.0"},
		{"1.0+99999999999999999998", "1.0+99999999999999999999"},
	} {
		if a, b := version.MustParse(pair[0]), version.MustParse(pair[1]); a.Compare(b) >= 0 || b.Compare(a) <= 0 {
			t.Errorf("%v is not less than %v", a, b)
		}
	}
}

func TestSpecifierParts(t *testing.T) {
	s, err := version.ParseSpecifier(" == V1.0.* ")
	if err != nil {
		t.Fatal(err)
	}
	if s.Operator() != "==" || s.Text() != "V1.0.*" || !s.Wildcard() || s.Version().String() != "1.0" {
		t.Errorf("got %q %q %v %v", s.Operator(), s.Text(), s.Wildcard(), s.Version())
	}
	same, _ := version.ParseSpecifier("~=1.0")
	other, _ := version.ParseSpecifier("~=1.0.0")
	if same.Equal(other) || !same.Equal(same) {
		t.Error("~=1.0 and ~=1.0.0 differ")
	}
}

// Requires-Python is about an interpreter that is given, so its pre-releases count; elsewhere they must be asked for.
func TestContainsPrereleases(t *testing.T) {
	tests := []struct {
		spec, version  string
		plain, allowed bool
	}{
		{">=3.14", "3.15.0rc1", false, true},
		{">=3.15.0a1", "3.15.0rc1", true, true},
		{"!=3.15.0a1", "3.15.0rc1", false, true},
		{"", "3.15.0rc1", false, true},
		{"<3.15", "3.15.0rc1", false, false},
		{"===3.15.0RC1", "3.15.0rc1", true, true},
	}
	for _, tt := range tests {
		s, err := version.ParseSpecifiers(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		v := version.MustParse(tt.version)
		if got := s.Contains(v, false); got != tt.plain {
			t.Errorf("%q contains %v: %v", tt.spec, v, got)
		}
		if got := s.Contains(v, true); got != tt.allowed {
			t.Errorf("%q contains %v with pre-releases: %v", tt.spec, v, got)
		}
	}
}

func TestContainsText(t *testing.T) {
	for _, tt := range []struct {
		spec, text string
		want       bool
	}{
		{"===foobar", "FooBar", true},
		{"===foobar,>=1", "foobar", false},
		{"===1.0", "1.0", true},
		{"===1.0", "1.0.0", false},
		{"!=1.0", "not a version", false},
	} {
		s, err := version.ParseSpecifiers(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ContainsText(tt.text, true); got != tt.want {
			t.Errorf("%q contains the text %q: %v", tt.spec, tt.text, got)
		}
	}
}

func TestJSON(t *testing.T) {
	type pair struct {
		V version.Version
		S version.Specifiers
	}
	in := `{"V":"1.0rc1","S":"!=2,\u003e=1"}`
	var p pair
	if err := json.Unmarshal([]byte(in), &p); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(p); err != nil || string(out) != in {
		t.Errorf("%s became %s, %v", in, out, err)
	}
	if err := json.Unmarshal([]byte(`{"V":"x"}`), &p); err == nil {
		t.Error("a version that is none was read")
	}
}

func FuzzVersion(f *testing.F) {
	for _, s := range []string{"1.0", "v2!1.0a1.post2.dev3+l.1", "1.0-1", "1.0.RC-0_dev", "0.dev0", "1..2", "1a.+b"} {
		f.Add(s, "1.0.post1")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := version.Parse(a)
		if err != nil {
			return
		}
		again, err := version.Parse(v.String())
		if err != nil || again.Compare(v) != 0 || again.String() != v.String() {
			t.Fatalf("%q prints as %q, which is read as %q, %v", a, v, again, err)
		}
		if c, err := version.Parse(v.Canonical()); err != nil || !c.Equal(v) {
			t.Fatalf("%q has the canonical form %q, which is not equal", a, v.Canonical())
		}
		w, err := version.Parse(b)
		if err != nil {
			return
		}
		if v.Compare(w) != -w.Compare(v) || v.Equal(w) != (v.Canonical() == w.Canonical()) {
			t.Fatalf("%v and %v compare as %d and %d", v, w, v.Compare(w), w.Compare(v))
		}
	})
}

func FuzzSpecifiers(f *testing.F) {
	for _, s := range []string{">=1.0,<2", "==1.*", "~=1.4.5", "===any thing", "!=1.0+x", "> 1a1.post2,<=3.dev1", ","} {
		f.Add(s, "1.0.post1")
	}
	f.Fuzz(func(t *testing.T, text, v string) {
		s, err := version.ParseSpecifiers(text)
		if err != nil {
			return
		}
		again, err := version.ParseSpecifiers(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q prints as %q, which is read as %q, %v", text, s, again, err)
		}
		if s.ContainsText(v, true) != again.ContainsText(v, true) {
			t.Fatalf("%q and %q disagree about %q", text, s, v)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = version.Parse("1.26.4rc1")
	}
}

func BenchmarkContains(b *testing.B) {
	s, err := version.ParseSpecifiers(">=3.9,!=3.9.1,<4")
	if err != nil {
		b.Fatal(err)
	}
	v := version.MustParse("3.13.5")
	b.ReportAllocs()
	for b.Loop() {
		s.Contains(v, true)
	}
}
