package script

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

func TestParse(t *testing.T) {
	const block = "# /// script\n# requires-python = \">=3.12\"\n# dependencies = [\n#   \"a\",\n#\n#   \"b[x]>=1\", # why\n# ]\n# ///\n"
	for _, tt := range []struct{ name, in, want string }{
		{"the block", block, "a b[x]>=1"},
		{"behind other lines", "#!/usr/bin/env python\n\n" + block + "import a\n", "a b[x]>=1"},
		{"in a text of the program, as the expression has it", "x = '''\n" + block + "'''\n", "a b[x]>=1"},
		{"other line ends", strings.ReplaceAll(block, "\n", "\r\n"), "a b[x]>=1"},
		{"old line ends", strings.ReplaceAll(block, "\n", "\r"), "a b[x]>=1"},
		{"no line end at the end", strings.TrimSuffix(block, "\n"), "a b[x]>=1"},
		{"another block before it", "# /// other\n# x = 1\n# ///\n\n" + block, "a b[x]>=1"},
		{"a comment below it goes on", "# /// script\n# dependencies = [\"a\"]\n# ///\n# more\n", "a"},
		{"a text of several lines", "# /// script\n# dependencies = ['''a''']\n# ///\n", "a"},
		{"empty", "# /// script\n#\n# ///\n", ""},
		{"none", "print(1)\n", "s.py: the script has no block"},
		{"no lines", "# /// script\n# ///\n", "s.py:1: the block `# /// script` has no end"},
		{"no end", "# /// script\n# dependencies = []\nimport a\n# ///\n", "s.py:1: the block `# /// script` has no end"},
		{"no space", "# /// script\n#dependencies = []\n# ///\n", "s.py:1: the block `# /// script` has no end"},
		{"indented", "  # /// script\n  # x = 1\n  # ///\n", "s.py: the script has no block"},
		{"other words", "# /// script here\n# x = 1\n# ///\n", "s.py: the script has no block"},
		{"twice", block + "\n" + block, "s.py:10: the script has a second block of metadata; the first begins in line 1"},
		{"the last end counts", "# /// script\n# x = 1\n# ///\n# y = [\n# ///\n", "s.py:3: "},
		{"no TOML", "import a\n# /// script\n# dependencies = [\n# ///\n", "s.py:3: "},
		{"too large", strings.Repeat("#", MaxSize+1), "s.py: the script has more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := Parse("s.py", []byte(tt.in))
			if err != nil {
				problems, ok := diag.Problems(err)
				if !ok || !strings.HasPrefix(problems[0].Error(), tt.want) || tt.want == "" {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if got := strings.Join(table.Strings("dependencies"), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Positions are those of the script, so that an editor goes where the mistake is.
func TestPositions(t *testing.T) {
	table, err := Parse("s.py", []byte("import a\n# /// script\n# requires-python = '3'\n# [tool.lithe]\n# base = 'x'\n# ///\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(diag.Position{File: "s.py", Line: 3, Column: 3}, table.KeyPos("requires-python")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(diag.Position{File: "s.py", Line: 5, Column: 3}, table.Table("tool", "lithe").KeyPos("base")); diff != "" {
		t.Error(diff)
	}
}

// reference is the expression of the specification.
var reference = regexp.MustCompile(`(?m)^# /// ([a-zA-Z0-9-]+)$\s((?:^#(?:| .*)$\s)+)^# ///$`)

// FuzzParse compares the blocks with those that the specification's expression finds, and reads them.
// TestManyOpenings has very many lines that begin a block, in a comment that ends none.
func TestManyOpenings(t *testing.T) {
	const line = "# /// a\n"
	comment := strings.Repeat(line, MaxSize/len(line)-20)
	if _, err := Parse("s.py", []byte(comment)); err == nil || !strings.Contains(err.Error(), "has no block") {
		t.Error(err)
	}
	if _, err := Parse("s.py", []byte(comment+"\n# /// script\n# x = 1\n# ///\n")); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"# /// script\n# dependencies = ['a']\n# ///\n", "# /// a\n#\n# /// b\n# x\n# ///\n# ///\n#", "\r# /// script\r# x = '''\r# '''\r# ///",
		"# /// script\n# ///\n# ///\n", "# ///  x\n# /// -\n#\n# ///x\n# ///"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := newlines.Replace(string(data))
		var want, got [][2]string
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			want = append(want, [2]string{m[1], m[2]})
		}
		for _, b := range blocks(strings.Split(text, "\n")) {
			got = append(got, [2]string{b.kind, strings.Join(b.lines, "\n") + "\n"})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		table, err := Parse("s.py", data)
		if (table == nil) == (err == nil) {
			t.Fatalf("got %v and %v", table, err)
		}
	})
}
