package syntax

import (
	"strings"
	"testing"
)

// TestRead holds what is read of a module that is not run.
func TestRead(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"plain", "v = '1.2'\n", "1.2"},
		{"first", "v = '1'\nv = '2'\n", "1"},
		{"annotated", "v: str = \"1\"", "1"},
		{"chain", "a = v = '1'", "1"},
		{"parts", "v = ('1.'\n  \"2\")", "1.2"},
		{"raw", `v = r'1\n'`, `1\n`},
		{"escapes", `v = '\'1\\\"\
2'`, `'1\"2`},
		{"tuple", "v = (1, 2, 'b1')", "1.2.b1"},
		{"bare tuple", "v = 1, 2", "1.2"},
		{"list", "v = [1,\n # no\n 2,]", "1.2"},
		{"semicolon", "import x; v = '1'", "1"},
		{"comment", "# v = '0'\nv = '1' # v = '2'", "1"},
		{"in a string", "'''\nv = '0'\n'''\nv = '1'", "1"},
		{"indented", "if x:\n    v = '0'\nv = '1'", "1"},
		{"one line", "if x: v = '0'\nelse: v = '3'\nv = '1'", "1"},
		{"CRLF", "a = 1\r\nv = '1'\r\n", "1"},
		{"call", "v = f('1')", ""},
		{"format", "v = f'{x}'", ""},
		{"bytes", "v = b'1'", ""},
		{"sum", "v = '1' + x", ""},
		{"float", "v = 1.10", ""},
		{"name", "v = w", ""},
		{"attribute", "x.v = '1'", ""},
		{"comparison", "v == '1'", ""},
		{"augmented", "v += '1'", ""},
		{"unknown escape", `v = '\x31'`, ""},
		{"unclosed", "v = '1'\nw = '''", ""},
		{"deep", "v = " + strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Read(tt.src)
			v, _ := m.Assigned("v", "")
			got, _ := v.Dotted()
			if !m.OK {
				got = ""
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestReadLarge holds that the time grows with the length alone.
func TestReadLarge(t *testing.T) {
	for _, line := range []string{"(# comment\n)\n", "a b c\n", "'x' \"y\"\n", "\"\"\"\n\"\"\"\n", "1.5 + \\\n 2\n"} {
		if m := Read(strings.Repeat(line, 1<<20/len(line)) + "v = '1'\n"); !m.OK {
			t.Errorf("%q is not read", line)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("'''doc'''\nv: str = w = ('1' \"2\", 3)\nif x:\n  y = f'{z}'\n")
	f.Fuzz(func(t *testing.T, in string) {
		m := Read(in)
		m.Docstring()
		last := 1
		for _, l := range m.Lines {
			for _, token := range l.Statement {
				if token.Line < last || token.Line > len(in)+1 {
					t.Errorf("%+v behind line %d", token, last)
				}
				last = token.Line
			}
		}
		if v, ok := m.Assigned("v", ""); ok {
			v.Dotted()
		}
	})
}
