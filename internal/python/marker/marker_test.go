package marker_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/marker"
)

var trixie = marker.CPython("3.13.5", "x86_64")

func TestCPython(t *testing.T) {
	if trixie.PythonVersion != "3.13" || trixie.ImplementationVersion != "3.13.5" {
		t.Errorf("%+v", trixie)
	}
	if got := marker.CPython("3", "x86_64").PythonVersion; got != "3" {
		t.Errorf("python_version of 3 is %q", got)
	}
}

func TestEval(t *testing.T) {
	tests := []struct {
		marker string
		extras string
		want   bool
	}{
		{`python_version >= "3.9"`, "", true}, // as versions: as texts, 3.13 is less
		{`python_version < "3.9"`, "", false},
		{`python_version == "3.13.*"`, "", true},
		{`"3.9" <= python_version`, "", true},
		{`"3.13.*" == python_version`, "", false}, // the wildcard must stand on the right
		{`python_version in "3.12 3.13"`, "", true},
		{`python_version not in "3.12, 3.13"`, "", false},
		{`python_full_version < "3.13.5.post1"`, "", true},
		{`python_full_version === "3.13.5"`, "", true},
		{`python_version >= "three"`, "", false},
		{`python_version != "three"`, "", true},
		{`platform_release >= "5"`, "", false}, // an image has no kernel
		{`platform_release == ""`, "", true},
		{`sys_platform == "linux" and platform_machine != "aarch64"`, "", true},
		{`sys_platform == "win32" or sys_platform == "darwin" and os_name == "posix"`, "", false},
		{`sys_platform == "win32" and os_name == "nt" or sys_platform == "linux"`, "", true},
		{`sys_platform == "linux" and (os_name == "nt" or os_name == "posix")`, "", true},
		{`sys_platform > "a"`, "", false}, // texts have no order
		{`sys_platform >= "linux"`, "", true},
		{`"inu" in sys_platform`, "", true},
		{`os_name == "p" "osix"`, "", false},
		{`extra == "A_b"`, "a-B", true},
		{`extra == "b"`, "a b", true},
		{`extra != "b"`, "a b", false},
		{`extra != "c"`, "a b", true},
		{`"a" == extra and "b" == extra`, "a b", true},
		{`extra == "a" and extra != "b"`, "a b", false},
		{`extra == "a"`, "", false},
		{`extra != "a"`, "", true},
		{`extra == ""`, "", true},
		{`extra == ""`, "a", false},
		{`extra in "a b"`, "b", true},
		{`extra not in "a b"`, "b c", false},
		{`"A.b" in extras`, "a-b", true},
		{`"c" not in extras`, "a b", true},
		{`"a" != extras`, "a", true},
		{`extras == "a"`, "a", false},
		{`"a" in dependency_groups`, "a", false},
		{`"x" == "x"`, "", true},
	}
	for _, tt := range tests {
		m, err := marker.Parse(tt.marker)
		if err != nil {
			if tt.want {
				t.Errorf("Parse(%s): %v", tt.marker, err)
			}
			continue
		}
		env := trixie
		env.Extras = strings.Fields(tt.extras)
		if got := m.Eval(env); got != tt.want {
			t.Errorf("%s with extras %q gives %v", tt.marker, tt.extras, got)
		}
	}
}

func TestCombine(t *testing.T) {
	a, b, c := marker.MustParse(`os_name == "a"`), marker.MustParse(`os_name == "b"`), marker.MustParse(`os_name == "c"`)
	var always marker.Marker
	for _, tt := range []struct {
		got  marker.Marker
		want string
	}{
		{always, ""},
		{a.And(always), `os_name == "a"`},
		{always.And(a), `os_name == "a"`},
		{a.Or(always), ""},
		{always.Or(a), ""},
		{a.And(b), `os_name == "a" and os_name == "b"`},
		{a.Or(b).And(c), `(os_name == "a" or os_name == "b") and os_name == "c"`},
		{a.And(b).Or(c), `(os_name == "a" and os_name == "b") or os_name == "c"`},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	env := marker.Environment{OSName: "c"}
	if !a.Or(b).Or(c).Eval(env) || a.Or(b).And(c).Eval(env) || !always.Eval(env) {
		t.Error("combined markers do not hold as their parts do")
	}
	if !a.Equal(marker.MustParse(`(os_name=='a')`)) || a.Equal(b) {
		t.Error("equality does not look at the text")
	}
}

func TestLiterals(t *testing.T) {
	tests := []struct{ in, want string }{ // want "" is refused
		{`os_name == 'a"b'`, `os_name == 'a"b'`},
		{`os_name == "a\x22b'"`, `os_name == "a\x22b'"`},
		{`os_name == "a\\b\d"`, `os_name == "a\\b\\d"`},
		{`os_name == "\101\u00e9\U0001F40D"`, `os_name == "Aé🐍"`},
		{`os_name == "\t"`, `os_name == "\x09"`},
		{`os_name == "\x4"`, ""},
		{`os_name == "\ud800"`, ""},
		{`os_name == "\U00110000"`, ""},
		{`os_name == "\N{DASH}"`, ""},
		{`os_name == "a\"`, ""},
		{"os_name == \"a\nb\"", ""},
		{`os_name == "a`, ""},
	}
	for _, tt := range tests {
		m, err := marker.Parse(tt.in)
		if got := m.String(); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Parse(%s) = %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	deep := strings.Repeat("(", 90) + `os_name == "a"` + strings.Repeat(")", 90)
	if m, err := marker.Parse(deep); err != nil || m.String() != `os_name == "a"` {
		t.Errorf("90 parentheses: %v, %v", m, err)
	}
	for what, in := range map[string]string{
		"100000 parentheses": strings.Repeat("(", 100000),
		"two megabytes":      `os_name == "` + strings.Repeat("a", 2<<20) + `"`,
		"an unknown name":    `kernel_name == "linux"`,
		"no operator":        `os_name "posix"`,
		"not without in":     `os_name not "posix"`,
		"notin":              `os_name notin "posix"`,
		"a letter after and": `os_name == "a" andé os_name == "b"`,
		"nothing":            "",
	} {
		if m, err := marker.Parse(in); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %.40s, %.400v", what, m, err)
		}
	}
}

func TestWalk(t *testing.T) {
	m := marker.MustParse(`extra == "extra-3-foo-bar" and ("3.9" < python_version or "x" in extras) and "a" == "a"`)
	var got []string
	m.Walk(func(variable, operator, literal string) { got = append(got, variable+operator+literal) })
	if s := strings.Join(got, " "); s != "extra==extra-3-foo-bar python_version<3.9 extrasinx" {
		t.Error(s)
	}
}

func TestJSON(t *testing.T) {
	in := `["os_name == \"posix\"",""]`
	var ms []marker.Marker
	if err := json.Unmarshal([]byte(in), &ms); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(ms); err != nil || string(out) != in {
		t.Errorf("%s became %s, %v", in, out, err)
	}
}

func FuzzMarker(f *testing.F) {
	for _, s := range []string{
		`python_version >= "3.9" and (sys_platform == 'linux' or extra == "A_b")`, `"x" in extras or os.name not in '"'`,
		`(("a" == "b"))`, `platform_release ~= "5.0" and python_full_version === '3\x2e1'`, `os_name == "\\\n"`,
	} {
		f.Add(s)
	}
	env := trixie
	env.Extras = []string{"a-b"}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := marker.Parse(s)
		if err != nil {
			return
		}
		again, err := marker.Parse(m.String())
		if err != nil || !again.Equal(m) || again.Eval(env) != m.Eval(env) {
			t.Fatalf("%q prints as %q, which is read as %q, %v", s, m, again, err)
		}
		if got, err := m.Evaluate(env); err == nil && got != m.Eval(env) {
			t.Fatalf("%q: Eval and Evaluate differ", s)
		}
	})
}

const typical = `python_full_version >= '3.9' and platform_machine == 'x86_64' and sys_platform == 'linux' or extra == 'extra-3-foo-cpu'`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = marker.Parse(typical)
	}
}

func BenchmarkEval(b *testing.B) {
	m := marker.MustParse(typical)
	b.ReportAllocs()
	for b.Loop() {
		m.Eval(trixie)
	}
}

func ExampleMarker_Eval() {
	m := marker.MustParse(`python_version < "3.11" or sys_platform == "win32"`)
	fmt.Println(m.Eval(marker.CPython("3.10.14", "x86_64")), m.Eval(marker.CPython("3.13.5", "x86_64")))
	// Output: true false
}
