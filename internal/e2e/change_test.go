//go:build linux

package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The parts of pyproject.toml that Poetry's content hash is taken over, as its json.dumps writes them: Python's
// separators, sorted keys, and null for old keys that are absent where there is no [project].
const (
	worldHash  = `{"project": {"dependencies": ["click (>=8.1.7,<9.0.0)"%s], "requires-python": ">=3.12"}, "tool": {"poetry": {"group": {"dev": {"dependencies": {%s"ruff": "^0.14"}}}}}}`
	scriptHash = `{"dependencies": {"click": "^8.1.7", "python": "^3.12"%s}, "dev-dependencies": null, "extras": null, "group": {"dev": {"dependencies": {%s"ruff": "^0.14"}}}, "source": null}`
)

// relock adds the packages of a fragment that Poetry wrote to poetry.lock, and says what pyproject.toml's hash is now.
func relock(t *testing.T, dir, fragment, before, after string) {
	t.Helper()
	packages, err := os.ReadFile(filepath.Join("testdata", fragment))
	if err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, "poetry.lock")
	edit(t, lock, "[metadata]", string(packages)+"[metadata]")
	// This fails where the constants above do not fit the example any more.
	edit(t, lock, fmt.Sprintf("%x", sha256.Sum256([]byte(before))), fmt.Sprintf("%x", sha256.Sum256([]byte(after))))
}

// changes are edits of an example, and which layers they may touch.
var changes = []struct {
	name, example string
	edit          func(t *testing.T, dir string)
	want          []string // kinds of the layers that the first build did not have
	downloads     int      // at most: other tests have the same store
	compiled      int64    // sources, likewise
}{
	{"greeting of a package", "hello-world", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "src/hello_world/main.py"), "Hello, {name}!", "Good evening, {name}!")
	}, []string{"project"}, 0, 1},
	{"greeting of a script", "hello-script", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "hello_world/main.py"), "Hello, {name}!", "Good evening, {name}!")
	}, []string{"project"}, 0, 1},
	{"greeting of a service", "fastapi-service", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "src/fastapi_service/app.py"), `"hello": "world"`, `"hello": "moon"`)
	}, []string{"project"}, 0, 1},
	{"main dependency of a package", "hello-world", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "pyproject.toml"), `"click (>=8.1.7,<9.0.0)"`, `"click (>=8.1.7,<9.0.0)", "pyyaml (==6.0.3)"`)
		relock(t, dir, "pyyaml.lock", fmt.Sprintf(worldHash, "", ""), fmt.Sprintf(worldHash, `, "pyyaml (==6.0.3)"`, ""))
	}, []string{"wheels", "project"}, 1, 18}, // METADATA names the requirement; the project's sources are the same
	{"main dependency of a script", "hello-script", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "pyproject.toml"), `click = "^8.1.7"`, "click = \"^8.1.7\"\npyyaml = \"6.0.3\"")
		relock(t, dir, "pyyaml.lock", fmt.Sprintf(scriptHash, "", ""), fmt.Sprintf(scriptHash, `, "pyyaml": "6.0.3"`, ""))
	}, []string{"wheels"}, 1, 18},
	{"another version of a dependency", "hello-world", func(t *testing.T, dir string) {
		lock := filepath.Join(dir, "poetry.lock")
		edit(t, lock, `version = "8.5.1"`, `version = "8.5.0"`)
		edit(t, lock, "click-8.5.1-", "click-8.5.0-")
		edit(t, lock, "click-8.5.1.tar.gz", "click-8.5.0.tar.gz")
		edit(t, lock, "8bb5376d2006950386f8c6427613334a2acadc5f559cb80e638d00b4df957e37", "255bc9599cf7748b4b1a446ccc735421bd08a2ae529a8b88597d3de5664ee360")
	}, []string{"wheels"}, 2, 10}, // the index is asked for the address; ten of seventeen sources differ
	{"dev dependency of a package", "hello-world", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "pyproject.toml"), `ruff = "^0.14"`, "ruff = \"^0.14\"\nmypy = \"^1.18\"")
		relock(t, dir, "mypy.lock", fmt.Sprintf(worldHash, "", ""), fmt.Sprintf(worldHash, "", `"mypy": "^1.18", `))
	}, nil, 0, 0},
	{"dev dependency of a script", "hello-script", func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "pyproject.toml"), `ruff = "^0.14"`, "ruff = \"^0.14\"\nmypy = \"^1.18\"")
		relock(t, dir, "mypy.lock", fmt.Sprintf(scriptHash, "", ""), fmt.Sprintf(scriptHash, "", `"mypy": "^1.18", `))
	}, nil, 0, 0},
}

// TestLayersThatChange counts the layers that an edit touches, and what is done for them: layers made, requests, programs started, sources compiled.
func TestLayersThatChange(t *testing.T) {
	l := need(t)
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			dir := l.project(t, c.example)
			c.edit(t, dir)
			first, now := l.first[c.example], l.build(t, dir, call{})
			if kinds := newKinds(first.layers(), now.layers()); !slices.Equal(kinds, c.want) {
				t.Errorf("new layers are %q, want %q", kinds, c.want)
			}
			if (first.Digest == now.Digest) != (len(c.want) == 0) {
				t.Errorf("digest was %s, is %s", first.Digest, now.Digest)
			}
			if got := now.Counts; got.Layers > int64(len(c.want)) || got.Requests > int64(c.downloads) ||
				got.Processes > int64(runtime.NumCPU()*len(c.want)) || got.Compiled > c.compiled {
				t.Errorf("%+v for %d new layers, %d downloads and %d sources to compile", got, len(c.want), c.downloads, c.compiled)
			}
			if gone := newKinds(now.layers(), first.layers()); len(gone) > len(c.want) {
				t.Errorf("layers %q are gone", gone)
			}
		})
	}
}

// TestDevTarget shows that the dev target has what prod has not.
func TestDevTarget(t *testing.T) {
	l := need(t)
	t.Parallel()
	dev := l.build(t, l.project(t, "hello-world"), call{args: []string{"--target", "dev"}})
	var packages []string
	for _, layer := range dev.layers() {
		packages = append(packages, layer.Packages...)
	}
	if !slices.ContainsFunc(packages, func(p string) bool { return strings.HasPrefix(p, "ruff ") }) {
		t.Errorf("no ruff among %q", packages)
	}
}

// newKinds returns the kinds of the layers that were not there before.
func newKinds(before, after []layer) []string {
	var kinds []string
	for _, l := range after {
		if !slices.ContainsFunc(before, func(b layer) bool { return b.Digest == l.Digest && b.DiffID == l.DiffID }) {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}
