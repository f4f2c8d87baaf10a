package project

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern, yes, no string
	}{
		{"abc", "abc", "ab abcd x/abc"},
		{"*.log", "a.log .log", "a.txt a/b.log"},
		{"a/*", "a/b", "a/b/c b/a"},
		{"a/*/c", "a/b/c", "a/c a/b/b/c"},
		{"**", "a a/b", ""},
		{"**/b", "b a/b a/a/b", "ab a/ab b/a"},
		{"a/**", "a/b a/b/c", "a b/a"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb a/b/c"},
		{"a/**/**/b", "a/b a/x/b a/x/y/b", "a/xb"},
		{"a**/b", "ab axb/b a/x/b", "a axb"},
		{"?**/b", "xa/b", "xb x/y/b"},
		{"?a", "ba", "a /a bba"},
		{"[a-c]", "a b c", "d - /"},
		{"[!a-c]", "d -", "a /"},
		{"[^a]", "b", "a"},
		{"[]a]", "] a", "b"},
		{"[a-]", "a -", "b"},
		{"[-a]", "a -", "b"},
		{"[a\\-c]", "a - c", "b"},
		{"[[:digit:][:upper:]_]x", "1x Ax _x", "ax x"},
		{"[[:]x", ":x [x", "x"},
		{"[", "", "[ a"},
		{"[a", "", "a"},
		{"[[:nope:]]", "", "a :"},
		{"a[/]b", "", "a/b"},
		{`\*`, "*", "a"},
		{`a\`, "", `a a\`},
		{`\\`, `\`, "a"},
		{"é*", "éa", "e"},
	}
	for _, tt := range tests {
		p := compile(tt.pattern)
		for _, s := range strings.Fields(tt.yes) {
			if !p.match(s) {
				t.Errorf("%q does not match %q", tt.pattern, s)
			}
		}
		for _, s := range strings.Fields(tt.no) {
			if p.match(s) {
				t.Errorf("%q matches %q", tt.pattern, s)
			}
		}
	}
}

func TestIgnoreLine(t *testing.T) {
	tests := []struct{ line, yes, no string }{ // a path with "/" at its end is a directory
		{"build/", "build/ a/build/", "build a/build"},
		{"/build", "build build/", "a/build"},
		{"a/b", "a/b", "x/a/b"},
		{"# no", "", "# no"},
		{`\#x`, "#x", `\#x`},
		{`\!x`, "!x", "x"},
		{"x  ", "x", "x  "},
		{`x\ `, "x ", "x"},
		{`x\  `, "x ", "x"},
		{"x\t", "x\t", "x"},
		{"", "", "a"},
		{"/", "", "a a/"},
		{"!", "", "! a"},
		{"x\r", "x", "x\r"},
	}
	for _, tt := range tests {
		l, err := parseIgnore("", ".gitignore", []byte(tt.line))
		if err != nil {
			t.Fatal(err)
		}
		for want, paths := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, path := range splitPaths(paths) {
				name, isDir := strings.CutSuffix(path, "/")
				if got := (ignoreStack{l}).ignores(name, isDir); got != want {
					t.Errorf("%q ignores %q: %v", tt.line, path, got)
				}
			}
		}
	}
}

// splitPaths splits at single spaces that no other space follows, so that names may end in spaces.
func splitPaths(s string) []string {
	if strings.HasSuffix(s, " ") || s == "# no" {
		return []string{s}
	}
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

func TestIgnoreStack(t *testing.T) {
	root, _ := parseIgnore("", ".gitignore", []byte("\uFEFF*.log\n!keep.log\n/sub/x\n"))
	sub, _ := parseIgnore("sub", "sub/.gitignore", []byte("!*.log\nkeep.log\n/y\n"))
	stack := ignoreStack{root, sub}
	for path, want := range map[string]bool{
		"sub/a.log": false, "sub/keep.log": true, "sub/x": true, "sub/y": true, "sub/z/y": false, "sub/z": false,
	} {
		if got := stack.ignores(path, false); got != want {
			t.Errorf("%s ignored: %v", path, got)
		}
	}
	if _, err := parseIgnore("", ".gitignore", []byte("a\n"+strings.Repeat("b", maxIgnoreLine+1))); err == nil || !strings.Contains(err.Error(), ".gitignore:2: ") {
		t.Errorf("a line that is too long: %v", err)
	}
}

// A matcher that backtracks would need longer than the universe is old.
func TestPatternCost(t *testing.T) {
	p := compile(strings.Repeat("a*", 500) + strings.Repeat("**/", 200) + "b")
	if p.match(strings.Repeat("a", 4000)) {
		t.Error("it matches")
	}
}

// TestAgainstGit makes random trees with random .gitignore files, and compares with what git would commit.
func TestAgainstGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here to compare with")
	}
	for seed := range uint64(40) {
		dir := t.TempDir()
		tree := randomTree(rand.New(rand.NewPCG(seed, 1)))
		for name, content := range tree {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for _, name := range strings.Split(runGit(t, git, dir), "\x00") {
			if name != "" && filepath.Base(name) != gitignoreFile {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		got := unignored(t, dir, "", nil)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d (-git +lithe):\n%s%s", seed, diff, ignoreFiles(tree))
		}
	}
}

func runGit(t *testing.T, git, dir string) string {
	t.Helper()
	var out string
	for _, args := range [][]string{{"init", "-q"}, {"ls-files", "-z", "-o", "--exclude-standard"}} {
		cmd := exec.Command(git, args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir + "/none", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}
		data, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		out = string(data)
	}
	return out
}

// unignored lists the files below a directory that no .gitignore excludes.
func unignored(t *testing.T, root, dir string, stack ignoreStack) (files []string) {
	t.Helper()
	if data, err := os.ReadFile(filepath.Join(root, dir, gitignoreFile)); err == nil {
		l, err := parseIgnore(dir, "", data)
		if err != nil {
			t.Fatal(err)
		}
		stack = append(slices.Clip(stack), l)
	}
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := strings.TrimPrefix(dir+"/"+e.Name(), "/")
		switch {
		case e.Name() == ".git" || e.Name() == gitignoreFile || stack.ignores(path, e.IsDir()):
		case e.IsDir():
			files = append(files, unignored(t, root, path, stack)...)
		default:
			files = append(files, path)
		}
	}
	return files
}

// randomTree returns files with contents. Names and patterns share few letters, so that much matches.
func randomTree(r *rand.Rand) map[string]string {
	tree := map[string]string{}
	names := []string{"a", "b", "ab", "a.b", "abc", "ba", "#a", "!b", "a b", "b ", "[a]", "*", `a\b`, "é"}
	dirs := []string{""}
	for range 8 {
		dirs = append(dirs, dirs[r.IntN(len(dirs))]+names[r.IntN(6)]+".d/")
	}
	for range 60 {
		tree[dirs[r.IntN(len(dirs))]+names[r.IntN(len(names))]] = "x"
	}
	for _, dir := range dirs[:4] {
		var lines strings.Builder
		for range 1 + r.IntN(6) {
			fmt.Fprintf(&lines, "%s%s", randomPattern(r), []string{"\n", "\n", "\r\n", " \n"}[r.IntN(4)])
		}
		tree[dir+gitignoreFile] = lines.String()
	}
	return tree
}

func randomPattern(r *rand.Rand) string {
	parts := []string{"a", "b", "*", "**", "?", "/", "/", ".d", ".", "[ab]", "[!a]", "[[:alpha:]]", `\*`, `\`, "**/", "/**", "c", " ", "a.d/", "#", "é", "[a-", "]"}
	s := []string{"", "", "!", "/", "!/", "#", `\!`, `\#`}[r.IntN(8)]
	for range 1 + r.IntN(5) {
		s += parts[r.IntN(len(parts))]
	}
	return s
}

func ignoreFiles(tree map[string]string) string {
	var b strings.Builder
	for name, content := range tree {
		if filepath.Base(name) == gitignoreFile {
			fmt.Fprintf(&b, "%s: %q\n", name, content)
		}
	}
	return b.String()
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"**/a", "a/**/b", "[a-z]*?", `\[x`, "[[:alpha:]-z]", "a**b/*"} {
		f.Add(s, "a/x/b")
	}
	f.Fuzz(func(t *testing.T, s, path string) {
		if len(s) > 200 || len(path) > 200 {
			return
		}
		got := compile(s).match(path)
		if !strings.ContainsAny(s, `*?[\`) && got != (s == path) {
			t.Fatalf("the plain pattern %q matches %q: %v", s, path, got)
		}
		// Behind "**/", a pattern matches whatever it matches, at any depth.
		if got && !strings.Contains(s, "**") && !compile("**/"+s).match("x/y/"+path) {
			t.Fatalf("%q matches %q, but not below directories", s, path)
		}
	})
}
