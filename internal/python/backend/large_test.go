package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/toml"
)

// The tests of this file hand over what files may hold within their limits. What copied a text for each of its parts, or looked
// at each pair of two lists, would need minutes for each of them, and hours for the most that the limits let through.

// many is how much of something a test has.
const many = 1 << 16

// newBuild is a build in a directory with these files.
func newBuild(t *testing.T, files map[string]string) *build {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &build{tree: tr, file: "pyproject.toml"}
}

// wants checks the first problem of a build.
func wants(t *testing.T, b *build, want string) {
	t.Helper()
	err := b.err
	if err == nil {
		err = b.problems.Err()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("have %v, want %q", err, want)
	}
}

func TestLargeManifest(t *testing.T) {
	words := " " + strings.Repeat("a", 50)
	lines := manifestLines("include" + strings.Repeat(words+"\\\n", many) + "\ninclude b\n")
	if len(lines) != 2 || len(lines[0]) < many*50 {
		t.Errorf("%d lines", len(lines))
	}
	if _, err := parseManifest("graft " + strings.Repeat("a/", maxText/4)); err == nil || !strings.Contains(err.Error(), "has more than 4096 bytes") {
		t.Error(err)
	}
}

func TestLargeSources(t *testing.T) {
	files, list := make([]string, many), strings.Builder{}
	for i := range files {
		files[i] = fmt.Sprintf("a/%07d", i)
		fmt.Fprintf(&list, "a/%07d\n", 2*i)
	}
	s := &setuptools{build: newBuild(t, map[string]string{"a.egg-info/SOURCES.txt": list.String()}), project: &project{name: "a"}}
	if got := s.sourceList(files); len(got) != many/2 || s.err != nil {
		t.Errorf("%d files of %d, %v", len(got), many, s.err)
	}
}

func TestLargeMarkers(t *testing.T) {
	n := &markerNode{}
	for i := range many {
		n.kids = append(n.kids, &markerNode{left: "sys_platform", op: "==", right: fmt.Sprintf(`"x%07d"`, i)})
		n.words = append(n.words, "or")
	}
	n.words = n.words[1:]
	want := n.text(true)
	if out, ok := poetryAlternatives(n); !ok || len(out) != 1 || out[0] != want {
		t.Errorf("the alternatives are others than the %d characters of the text", len(want))
	}
	var b bounds
	for range many {
		var err error
		if b, err = b.intersect(bounds{exclude: []spec{{"!=", "1.1"}}, clauses: []string{"!=1.1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.exclude) != many || len(b.clauses) != many {
		t.Errorf("%d clauses", len(b.clauses))
	}
}

func TestLargeEntryPoints(t *testing.T) {
	g := group{name: "g"}
	for i := range many {
		g.entries = append(g.entries, pair{key: fmt.Sprintf("k%07d", i), value: "a:b"})
	}
	m := setupMetadata{groups: []group{g}}
	if text := m.entryPoints(); strings.Count(text, "\n") != many+1 {
		t.Errorf("%d lines", strings.Count(text, "\n"))
	}
}

func TestLargeExcludes(t *testing.T) {
	p := &pdm{build: newBuild(t, nil)}
	var excludes []string
	for i := range many / 4 {
		excludes = append(excludes, fmt.Sprintf("a/%07d", i))
	}
	excluded := p.matcher(excludes)
	for _, e := range excludes {
		if !excluded(e) || !excluded(e+"/x/y") || excluded(e+"x") {
			t.Fatal(e)
		}
	}
}

// TestLargeExtras has very many dependencies that extras name, and one that stands in more rows than they may have.
func TestLargeExtras(t *testing.T) {
	read := func(text string) (*poetry, []poetryRequirement) {
		doc, err := toml.Parse("pyproject.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p := &poetry{build: newBuild(t, nil), tool: doc}
		list, _ := p.toolRequirements()
		return p, list
	}
	var text, names strings.Builder
	text.WriteString("[dependencies]\n")
	for i := range maxItems {
		fmt.Fprintf(&text, "a%d = '*'\n", i)
		fmt.Fprintf(&names, "'A%d',", i)
	}
	p, list := read(text.String() + "[extras]\nx = [" + names.String() + "]\n")
	if len(list) != maxItems || len(p.problems) > 0 || !slices.Equal(list[maxItems-1].inExtras, []string{"x"}) {
		t.Errorf("%d requirements, %v", len(list), p.problems.Err())
	}
	p, _ = read("[dependencies]\na = [" + strings.Repeat("{},", 1000) + "]\n[extras]\nx = [" + strings.Repeat("'a',", 1000) + "]\n")
	wants(t, p.build, "tool.poetry.extras has more than 100000 dependencies")
}

func TestLargeSetupPy(t *testing.T) {
	s := &setuptools{build: newBuild(t, map[string]string{"setup.py": strings.Repeat("'a' ", many/4) + "\n" + strings.Repeat("a\n", many/4)})}
	s.readSetupPy()
	wants(t, s.build, "setup.py does more than call setup()")
	for size, want := range map[int]int{10: 0, maxModule: 1} {
		s := &setuptools{build: newBuild(t, map[string]string{"setup.py": "from setuptools import setup\nsetup()\n" + strings.Repeat("#", size)})}
		if s.readSetupPy(); len(s.problems) != want {
			t.Errorf("%d bytes: %v", size, s.problems.Err())
		}
	}
}

// TestLimits goes past each limit of a whole project.
func TestLimits(t *testing.T) {
	b := newBuild(t, map[string]string{"a": "text", "b": ""})
	b.tree.seen = maxSeen - 2
	if _, err := b.tree.walk("", nil); err != nil {
		t.Error(err)
	}
	for _, find := range []func() ([]node, error){
		func() ([]node, error) { return b.tree.walk("", nil) },
		func() ([]node, error) { return b.tree.glob("", "a") },
		func() ([]node, error) { return b.tree.find("a", true, true) },
	} {
		if _, err := find(); err == nil || !strings.Contains(err.Error(), "look at more than 10000000 files and directories") {
			t.Error(err)
		}
	}
	b.tree.texts = maxTexts - len("text")
	if _, err := b.tree.read("a"); err != nil {
		t.Error(err)
	}
	if _, err := b.tree.read("a"); err == nil || !strings.Contains(err.Error(), "whose text is used have more than 67108864 bytes together") {
		t.Error(err)
	}
	all, err := b.tree.parseIgnore([]string{"*.x"})
	if err != nil || b.ignored(all, "a") {
		t.Error(err)
	}
	b.tree.matches = maxMatches
	if !b.ignored(all, "a") {
		t.Error("a comparison too many was made")
	}
	wants(t, b, "there are too many patterns for so many files: more than 50000000 comparisons")
	if _, err := (&tree{}).parseIgnore(slices.Repeat([]string{"a"}, maxItems+1)); err == nil || !strings.Contains(err.Error(), "more than 10000 patterns") {
		t.Error(err)
	}
}

// TestLongNames goes past the limits of names and lists.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("a", maxName+1)
	for text, want := range map[string]string{
		"[project]\nname = '" + long + "'":                                "is not the name of a project",
		"[project.optional-dependencies]\n" + long + " = []":              "has more than 255 bytes",
		"[project]\nkeywords = [" + strings.Repeat("'a',", 10_001) + "]":  "project.keywords has 10001 elements, more than 10000",
		"[project.urls]\n" + strings.ReplaceAll(manyKeys(), "=", " = ''"): "more than 10000",
	} {
		doc, err := toml.Parse("pyproject.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b := newBuild(t, nil)
		b.doc = doc
		b.identity(b.readProject(), doc.Pos, doc.Pos)
		wants(t, b, want)
	}
	s := &setuptools{build: newBuild(t, nil)}
	s.dirOf(strings.Repeat("a.", maxPattern))
	wants(t, s.build, "has more than 4096 bytes")
}
