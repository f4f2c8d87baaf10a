package lock

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/toml"
)

var update = flag.Bool("update", false, "rewrite docs/locks/versions.md")

// generations are the versions of each format, and a lock of nothing in one of them.
var generations = []struct {
	file, key string
	versions  []string
	empty     string
}{
	{"uv.lock", "version, revision", []string{"1, 0", "1, 1", "1, 2", "1, 3", "1, 5", "1, 6", "2, 0"}, "version = %s\nrevision = %s\nrequires-python = '>=3.9'\n[[package]]\nname = 'app'\nversion = '1'\nsource = { virtual = '.' }\n"},
	{"poetry.lock", "lock-version", []string{"0.9", "1.0", "1.1", "2.0", "2.1", "2.2", "3.0"}, "package = []\n[metadata]\nlock-version = '%s'\npython-versions = '>=3.9'\ncontent-hash = '0'\n[metadata.files]\n"},
	{"pdm.lock", "lock_version", []string{"3.1", "4.0", "4.1", "4.2", "4.3", "4.4", "4.4.1", "4.5.0", "4.6.0", "5.0"}, "[metadata]\nlock_version = '%s'\ngroups = ['default']\n"},
	{"Pipfile.lock", "pipfile-spec", []string{"5", "6", "7"}, `{"_meta": {"hash": {"sha256": "0"}, "pipfile-spec": %s, "requires": {}, "sources": []}, "default": {}, "develop": {}}`},
	{"pylock.toml", "lock-version", []string{"0.9", "1.0", "1.1", "2.0"}, "lock-version = '%s'\ncreated-by = 'x'\npackages = []\n"},
}

// TestVersions holds which versions are read, and the page that tells so.
func TestVersions(t *testing.T) {
	page := "# Versions of lock files\n\nWhich versions are read, as a test of lithe finds by reading a lock of each. requirements.txt has none.\n\n" +
		"| file | key | version | |\n|---|---|---|---|\n"
	outcomes := map[string]int{}
	for _, g := range generations {
		for _, v := range g.versions {
			var parts []any
			for part := range strings.SplitSeq(v, ", ") {
				parts = append(parts, part)
			}
			l, err := Parse(g.file, []byte(fmt.Sprintf(g.empty, parts...)), nil)
			outcome := "read"
			if problems, ok := diag.Problems(err); ok && problems[0].Code == "lock-version" && problems[0].Hint != "" {
				outcome = "refused: " + problems[0].Hint
			} else if err != nil {
				t.Fatalf("%s %s: %v", g.file, v, err)
			} else if len(l.Warnings) > 0 {
				outcome = "read, with a warning"
			}
			kind, _, _ := strings.Cut(outcome, ":")
			outcomes[kind]++
			page += fmt.Sprintf("| %s | %s | %s | %s |\n", g.file, g.key, v, outcome)
		}
	}
	if outcomes["read"] < 17 || outcomes["refused"] < 8 || len(outcomes) != 3 {
		t.Errorf("%v", outcomes)
	}
	golden.Compare(t, filepath.Join("..", "..", "docs", "locks", "versions.md"), []byte(page), *update)
}

// TestVersionOfTheProject holds that another version of the project alone makes no lock stale. That of uv is in TestUVFresh; a
// Pipfile has none.
func TestVersionOfTheProject(t *testing.T) {
	const before = "[project]\nname = 'app'\nversion = '1'\ndependencies = ['a>=1']\n[tool.poetry]\nversion = '1'\n"
	after := strings.ReplaceAll(before, "'1'", "'2'")
	other := strings.ReplaceAll(before, "a>=1", "a>=3")
	parse := func(text string) *toml.Table {
		p, err := toml.Parse("pyproject.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pdm := pdmGeneration{"resolution", true}.hash(parse(before))
	for file, text := range map[string]string{
		"poetry.lock":      "package = []\n[metadata]\nlock-version = '2.1'\npython-versions = '*'\ncontent-hash = '" + contentHash(parse(before), true) + "'\n",
		"pdm.lock":         "[metadata]\nlock_version = '4.5.0'\ngroups = ['default']\nstrategy = ['inherit_metadata']\ncontent_hash = 'sha256:" + pdm + "'\n",
		"pylock.toml":      "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'a'\nversion = '2'\nsdist = {url = 'https://h/a-2.tar.gz', hashes = {sha256 = '" + strings.Repeat("a", 64) + "'}}\n",
		"requirements.txt": "a==2 --hash=" + hashA + "\n",
	} {
		for project, stale := range map[string]bool{before: false, after: false, other: true} {
			l, err := Parse(file, []byte(text), []byte(project))
			if err != nil || (len(l.Stale) > 0) != stale {
				t.Errorf("%s with %q: %v, %v", file, project, l, err)
			}
		}
	}
}
