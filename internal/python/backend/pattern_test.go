package backend

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lithe-build/lithe/internal/testkit/interpreter"
	"github.com/lithe-build/lithe/internal/toml"
)

// ignorePaths is a tree on which patterns differ.
var ignorePaths = []string{"a", "b/a", "b/c/a", "x.log", "b/x.log", "build/y", "b/build/y", "keep/z", "deep/keep/z", "d/e/f/g",
	"d/g", "d/e/g", "#odd", "!bang", "sp ace", "trail ", "[x]", "x1", "x2", "b/x1", "a.b", "foo/bar", "foo/baz/bar", "q/foo/bar", ".hidden/h", "*star"}

// ignoreSets are .gitignore files.
var ignoreSets = []string{
	"a\n", "/a\n", "b/a\n", "*.log\n", "build/\n", "/build\n", "b/\n!b/a\n", "b/*\n!b/a\n", "**/g\n", "d/**/g\n", "d/**\n", "**\n!keep\n",
	"\\#odd\n#odd\n", "\\!bang\n", "trail\\ \n", "trail \n", "[x]\n", "x[12]\n", "x[!1]\n", "x?\n", "*\n!*/\n!*.log\n", "foo/*\n", "foo/**/bar\n",
	"foo/\n!foo/bar\n", "**/foo/bar\n", "/*\n!/d\n", ".*\n", "\\*star\n", "*.log\n!x.log\n/x.log\n", "sp ace\n", "d/e/\n", "*/e\n", "e/f\n", "\n\n  \n", "/\n", "a.b\r\n",
}

// TestGitIgnoreAsGit compares with git itself.
func TestGitIgnoreAsGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git to compare with")
	}
	a := &txtar.Archive{}
	for _, p := range ignorePaths {
		a.Files = append(a.Files, txtar.File{Name: p})
	}
	dir := unpack(t, a)
	run(t, dir, git, "init", "-q")
	tree, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range append(slices.Clone(ignoreSets), ignoreSets[0]+ignoreSets[6]) {
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(set), 0o644); err != nil {
			t.Fatal(err)
		}
		want := gitIgnored(t, git, dir)
		var got []string
		rules := newGitIgnore(tree)
		for _, p := range ignorePaths {
			out, err := rules.ignored(p)
			if err != nil {
				t.Fatal(err)
			}
			if out {
				got = append(got, p)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -git +ours\n%s", set, diff)
		}
	}
}

func gitIgnored(t *testing.T, git, dir string) []string {
	t.Helper()
	c := exec.Command(git, "check-ignore", "-z", "--stdin")
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	c.Stdin = strings.NewReader(strings.Join(ignorePaths, "\x00") + "\x00")
	out, err := c.Output()
	if err != nil && c.ProcessState.ExitCode() != 1 { // 1: nothing is ignored
		t.Fatal(err)
	}
	var paths []string
	for p := range bytes.SplitSeq(out, []byte{0}) {
		if len(p) > 0 {
			paths = append(paths, string(p))
		}
	}
	slices.Sort(paths)
	return paths
}

// TestRealPatterns compares with pathspec, by way of the files that hatchling's exclude leaves.
func TestRealPatterns(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("installs hatchling from PyPI; set LITHE_E2E=1")
	}
	venv := filepath.Join(t.TempDir(), "venv")
	run(t, "", interpreter.Find(t), "-m", "venv", venv)
	python := filepath.Join(venv, "bin", "python")
	run(t, "", python, "-m", "pip", "install", "-q", "--disable-pip-version-check", packages["hatch"].pip)
	const program = `
import sys, json, pathspec
sets, paths = json.loads(sys.argv[1])
for s in sets:
    try:
        spec = pathspec.GitIgnoreSpec.from_lines(s.splitlines(True))
    except ValueError:
        print("null")
        continue
    print(json.dumps([p for p in paths if spec.match_file(p)]))
`
	paths := append(slices.Clone(ignorePaths), "b/", "build/", "b/build/", "d/", "d/e/", "foo/", "keep/", "deep/keep/")
	args, err := jsonText([]any{ignoreSets, paths})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-c", program, args)
	c.Stderr = t.Output()
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, set := range ignoreSets {
		if lines[i] == "null" {
			continue // hatchling cannot read it
		}
		b := &build{tree: &tree{}}
		patterns, err := b.tree.parseIgnore(strings.SplitAfter(set, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, p := range paths {
			if b.ignored(patterns, p) {
				got = append(got, p)
			}
		}
		text, err := jsonText(got)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(lines[i], ", ", ","); text != want {
			t.Errorf("%q\nreal %s\nours %s", set, want, text)
		}
	}
}

func TestPortableGlob(t *testing.T) {
	tests := []struct {
		pattern   string
		match, no []string
	}{
		{"LICEN[CS]E*", []string{"LICENSE", "LICENCE.md"}, []string{"a/LICENSE", "LICENxE"}},
		{"**/*.pyc", []string{"a.pyc", "a/b.pyc"}, []string{"a.py"}},
		{"a/**", []string{"a/b", "a/b/c"}, []string{"a", "b/a"}},
		{"a/**/b", []string{"a/b", "a/x/y/b"}, []string{"ab", "a/bb"}},
		{"**", []string{"a", "a/b"}, nil},
		{`\@x`, []string{"@x"}, []string{`\@x`}},
		{"a?c", []string{"abc"}, []string{"a/c"}},
	}
	for _, tt := range tests {
		re, err := portableGlob(tt.pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tt.match {
			if !re.MatchString(p) {
				t.Errorf("%s does not match %s", tt.pattern, p)
			}
		}
		for _, p := range tt.no {
			if re.MatchString(p) {
				t.Errorf("%s matches %s", tt.pattern, p)
			}
		}
	}
	for _, bad := range []string{"../a", "a/..", "a**", "***", "{a,b}", "a b", `a\`, `a\/b`, "a!"} {
		if _, err := portableGlob(bad, true); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	if _, err := portableGlob(`\@x`, false); err == nil {
		t.Error("an escape is accepted where there is none")
	}
}

func TestCanonicalExpression(t *testing.T) {
	for in, want := range map[string]string{
		"mit": "MIT", "mit OR apache-2.0": "MIT OR Apache-2.0", "(MIT and (0bsd or isc))": "(MIT AND (0BSD OR ISC))",
		"": "", "MIT OR": "", "OR MIT": "", "(MIT": "", "MIT)": "", "MIT MIT": "", "Proprietary": "", "Nonsense-1": "", "MIT ( ISC": "",
	} {
		if got, ok := canonicalExpression(in); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

// FuzzProject feeds configurations to all backends: whatever is asked for, no panic, and nothing from outside.
func FuzzProject(f *testing.F) {
	dir := f.TempDir()
	for _, p := range []string{"demo/__init__.py", "src/demo/__init__.py", "LICENSE", "data/x/y.txt"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), nil, 0o644); err != nil {
			f.Fatal(err)
		}
	}
	for _, s := range []string{
		projectHead + hatchSystem + "[tool.hatch.build.targets.wheel]\npackages = [\"src/demo\"]\nforce-include = {\"data\" = \"x\"}\n",
		projectHead + "license-files = [\"L*\"]\ndependencies = [\"a>=1; os_name == 'x'\"]\n" + uvSystem + "[tool.uv.build-backend]\ndata = {data = \"data\"}\n",
		poetryHead + "packages = [{include = \"d*/**/*\", from = \"src\"}]\nexclude = [\"**/x\"]\n[tool.poetry.dependencies]\npython = \"^3.9\"\na = \"~1.2\"\n" + poetrySystem,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := toml.Parse("pyproject.toml", []byte(s))
		if err != nil {
			return
		}
		w, err := Wheel(dir, doc, "pyproject.toml")
		if err != nil {
			return
		}
		for _, file := range w.Files {
			if strings.HasPrefix(file.Path, "/") || strings.Contains(file.Path, "..") && !strings.Contains(s, "..") {
				t.Errorf("file %q", file.Path)
			}
		}
	})
}

// FuzzDependency holds that what parses prints and parses back to the same text.
func FuzzDependency(f *testing.F) {
	for _, s := range requirementTexts[:40] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDependency(s)
		if err != nil || d.url != "" {
			return
		}
		first := requirement{dependency: d}.hatchText()
		again, err := parseDependency(first)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", s, first, err)
		}
		if second := (requirement{dependency: again}).hatchText(); first != second {
			t.Errorf("%q prints as %q and then as %q", s, first, second)
		}
	})
}

// FuzzConstraint holds that a printed constraint means the same.
func FuzzConstraint(f *testing.F) {
	for _, s := range []string{"^1.2", "~0.3,!=0.3.1", ">=1 <2", "1.*", "==1.2.3", "<2,>=1.0rc1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := parsePoetryConstraint(s, false)
		if err != nil {
			return
		}
		again, err := parsePoetryConstraint(b.text(), false)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", s, b.text(), err)
		}
		if again.text() != b.text() {
			t.Errorf("%q prints as %q and then as %q", s, b.text(), again.text())
		}
	})
}

func FuzzIgnore(f *testing.F) {
	for _, s := range ignoreSets {
		f.Add(s, "b/c/a")
	}
	f.Fuzz(func(t *testing.T, lines, p string) {
		b := &build{tree: &tree{}}
		patterns, err := b.tree.parseIgnore(strings.Split(lines, "\n"))
		if err != nil {
			return
		}
		if len(patterns) == 0 && b.ignored(patterns, p) {
			t.Error("nothing ignores something")
		}
	})
}

func jsonText(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(b.String()), err
}
