package docstest_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/docstest"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/toml"
)

// link is [text](target).
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// heading is a line that begins a section.
var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// Every link to a page or file of the repository leads to one, and to a heading of it where it names one.
func TestLinks(t *testing.T) {
	seen := 0
	for _, page := range docstest.Pages(t) {
		for _, m := range link.FindAllStringSubmatch(docstest.Prose(t, page), -1) {
			target, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if target.Scheme != "" || target.Host != "" {
				continue
			}
			seen++
			file := path.Join(path.Dir(page), target.Path)
			if target.Path == "" {
				file = page
			}
			if _, err := os.Stat(filepath.Join(docstest.Root, filepath.FromSlash(file))); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			} else if target.Fragment != "" && !slices.Contains(anchors(t, file), target.Fragment) {
				t.Errorf("%s: the link %s leads to no heading", page, m[1])
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d links: the pattern is broken", seen)
	}
}

// anchors returns the names that GitHub gives the headings of a page.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var names []string
	for _, m := range heading.FindAllStringSubmatch(docstest.Prose(t, page), -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(m[1])))
	}
	return names
}

// No page is an orphan: the map in docs/index.md leads to every other one of docs.
func TestIndexIsComplete(t *testing.T) {
	index := docstest.Read(t, "docs/index.md")
	for _, page := range docstest.Pages(t) {
		name, below := strings.CutPrefix(page, "docs/")
		if below && name != "index.md" && !strings.Contains(index, "("+name+")") {
			t.Errorf("docs/index.md does not lead to %s", name)
		}
	}
}

// Every example of a configuration is one: the decoder takes it.
func TestExamplesOfConfiguration(t *testing.T) {
	seen := 0
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			if b.Language != "toml" {
				continue
			}
			if _, err := toml.Parse(page, []byte(b.Code)); err != nil {
				t.Errorf("%s:%d: %v", page, b.Line, err)
			}
			if !strings.Contains(b.Code, "[tool.lithe") {
				continue
			}
			seen++
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(b.Code), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := project.Read(dir, project.Options{}); err != nil {
				t.Errorf("%s:%d: %v", page, b.Line, err)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d examples: the search is broken", seen)
	}
}

// The page on the base lists the suites that there are, with their Pythons.
func TestBases(t *testing.T) {
	var want []string
	for _, p := range base.Pythons() {
		want = append(want, p.Base)
		row := "| `" + p.Base + "` | " + p.Version + " |"
		if !strings.Contains(docstest.Read(t, "docs/concepts/base.md"), row) {
			t.Errorf("docs/concepts/base.md has no row %q", row)
		}
	}
	if diff := cmp.Diff(want, docstest.FirstColumn(t, "docs/concepts/base.md", "Suites")); diff != "" {
		t.Errorf("suites (-there are +documented):\n%s", diff)
	}
}

// The page on lithe.lock has every key that is written, and its example can be read.
func TestLitheLock(t *testing.T) {
	const page = "docs/reference/lithe-lock.md"
	var full lithelock.Lock
	docstest.Fill(&full)
	written, err := toml.Parse(page, full.Encode())
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(written.Any())
	if err != nil {
		t.Fatal(err)
	}
	got := docstest.FirstColumn(t, page, "The file")
	slices.Sort(got)
	if diff := cmp.Diff(docstest.PathsOf(t, document), got); diff != "" {
		t.Errorf("keys (-written +documented):\n%s", diff)
	}
	examples := 0
	for _, b := range docstest.Blocks(t, page) {
		if b.Language == "toml" {
			examples++
			if _, err := lithelock.Parse(page, []byte(b.Code)); err != nil {
				t.Errorf("%s:%d: %v", page, b.Line, err)
			}
		}
	}
	if examples == 0 {
		t.Errorf("%s has no example", page)
	}
}

// reads is how the program asks for a variable of the environment, by its name or through a list of names.
var reads = regexp.MustCompile(`(?:[Ee]nv|Getenv)\("([A-Z][A-Z0-9_]+)"\)`)

// The page on the environment has every variable that the program asks for by name.
func TestEnvironment(t *testing.T) {
	const page = "docs/reference/exit-codes-and-environment.md"
	documented := docstest.FirstColumn(t, page, "")
	found := map[string]bool{}
	for _, file := range docstest.Sources(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reads.FindAllStringSubmatch(string(data), -1) {
			found[m[1]] = true
			if !slices.Contains(documented, m[1]) {
				t.Errorf("%s does not tell of %s, which %s reads", page, m[1], file)
			}
		}
	}
	if len(found) < 15 {
		t.Errorf("only %d variables: the search is broken", len(found))
	}
}
