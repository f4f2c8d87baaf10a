package lock

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

func TestParseRefuses(t *testing.T) {
	const (
		uv     = "version = 1\nrequires-python = '>=3.9'\n[[package]]\nname = 'app'\nversion = '1'\nsource = { virtual = '.' }\n"
		poetry = "[metadata]\nlock-version = '2.1'\npython-versions = '*'\ncontent-hash = ''\n"
	)
	pkg := func(rest string) string { return uv + "[[package]]\nname = 'lib'\nversion = '1'\n" + rest }
	registry := "source = { registry = 'https://pypi.org/simple' }\n"
	for _, tt := range []struct{ name, file, in, want string }{
		{"no version", "uv.lock", "", "no version"},
		{"version as text", "uv.lock", "version = '1'", "lithe reads version 1 of uv.lock only, and this file has 1"},
		{"no project", "uv.lock", "version = 1", "uv.lock:1: the file holds no project"},
		{"bad requires-python", "uv.lock", "version = 1\nrequires-python = 'x'", "uv.lock:2: requires-python"},
		{"bad marker", "uv.lock", pkg(registry) + "dependencies = [{name = 'app', marker = 'nope'}]", "uv.lock:11: marker \"nope\""},
		{"marker of another type", "uv.lock", pkg(registry) + "dependencies = [{name = 'app', marker = 1}]", "a marker is a string, not a integer"},
		{"dependency of another type", "uv.lock", pkg(registry) + "dependencies = ['app']", "a dependency of lib is a table, not a string"},
		{"unknown dependency", "uv.lock", pkg(registry) + "dependencies = [{name = 'gone'}]", "lib depends on gone, which is not in the file"},
		{"bad name", "uv.lock", pkg(registry) + "dependencies = [{name = '../x'}]", `"../x" is not the name of a package`},
		{"no source", "uv.lock", pkg(""), "lib has no source"},
		{"new source", "uv.lock", pkg("source = { moon = 'x' }"), "lib has no source"},
		{"option as git address", "uv.lock", pkg("source = { git = '--upload-pack=x#0123456789012345678901234567890123456789' }"), "git"},
		{"short commit", "uv.lock", pkg("source = { git = 'https://h/r#0123456' }"), "no full commit"},
		{"address without a host", "uv.lock", pkg("source = { url = 'https:///lib-1.tar.gz' }"), "names no host"},
		{"file of another type", "uv.lock", pkg(registry + "wheels = ['x']"), "a file of lib is a table"},
		{"another version", "uv.lock", pkg(registry + "sdist = { url = 'https://h/lib-2.tar.gz' }"), "has version 2, but lib is locked at 1"},
		{"another project", "uv.lock", pkg(registry + "sdist = { url = 'https://h/lib_x-1.tar.gz' }"), "is not of lib"},
		{"control character", "uv.lock", pkg(registry + "sdist = { url = 'https://h/lib-1%0a.tar.gz' }"), "control characters"},
		{"backslash", "uv.lock", pkg(registry + `sdist = { url = 'https://h/..%5clib-1.tar.gz' }`), "is a path"},
		{"long name", "uv.lock", pkg(registry + "sdist = { url = 'https://h/lib-1" + strings.Repeat("0", 300) + ".tar.gz' }"), "too long"},
		{"several, unsaid which", "uv.lock", pkg(registry) + "[[package]]\nname = 'lib'\nversion = '2'\n" + registry + "dependencies = [{name = 'lib'}]", "does not say which"},
		{"unknown member", "uv.lock", uv + "[manifest]\nmembers = ['gone']", "the member gone is not in the file once"},
		{"unknown requirement", "uv.lock", uv + "[manifest]\nrequirements = [{name = 'gone'}]", "gone is required, but not in the file"},

		{"no metadata", "poetry.lock", "package = []", "poetry.lock has no [metadata]"},
		{"no lock-version", "poetry.lock", "[metadata]\n", "lock-version \"\" is no version"},
		{"lock-version 0", "poetry.lock", "[metadata]\nlock-version = '0.9'", "and this file has 0.9"},
		{"bad Python", "poetry.lock", strings.Replace(poetry, "'*'", "'^y'", 1), "poetry.lock:3: version constraint \"^y\""},
		{"no group", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\n" + poetry, "a belongs to no group"},
		{"twice", "poetry.lock", strings.Repeat("[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\n", 2) + poetry, "poetry.lock:6: a 1 is in the file twice"},
		{"new source type", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\nsource = {type = 'hg'}\n" + poetry, `the type "hg"`},
		{"git without a commit", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\nsource = {type = 'git', url = 'https://h/r', reference = 'main'}\n" + poetry, "no full commit"},
		{"file address", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\nsource = {type = 'url', url = 'file:///etc/a'}\n" + poetry, "is for file:, not https:"},
		{"dependency of another type", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\ndependencies = {b = 1}\n" + poetry, "the dependency b is a integer"},
		{"unknown format", "Cargo.lock", "", "Cargo.lock is not the name of a lock file that lithe reads"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(tt.file, []byte(tt.in), nil)
			problems, ok := diag.Problems(err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %v, want a problem with %q", l, err, tt.want)
			}
			for _, p := range problems {
				if p.Pos.File != tt.file || p.Code == "" || p.Hint == "" {
					t.Errorf("incomplete: %+v", p)
				}
			}
		})
	}
}

// TestParseReportsAll wants every problem of a file, in the order of the lines.
func TestParseReportsAll(t *testing.T) {
	_, err := Parse("poetry.lock", []byte(`[[package]]
name = "a"
version = "1"
groups = ["main"]
files = [{file = "../a", hash = ""}, {file = "b-1.tar.gz", hash = ""}]
[[package]]
name = "c"
version = "1"
markers = "wrong"
groups = ["main"]
[metadata]
lock-version = "2.1"
`), nil)
	problems, _ := diag.Problems(err)
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Pos.Line)
	}
	if diff := cmp.Diff([]int{5, 5, 9}, lines); diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestParseWarns(t *testing.T) {
	for _, tt := range []struct{ name, file, in, want string }{
		{"newer revision", "uv.lock", "version = 1\nrevision = 9\n[[package]]\nname = 'a'\nsource = { virtual = '.' }", "uv.lock:2: revision 9"},
		{"newer minor version", "poetry.lock", "[metadata]\nlock-version = '2.9'", "poetry.lock:2: lock-version 2.9"},
		{"unreadable wheel", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\nfiles = [{file = 'a-1.whl'}]\n[metadata]\nlock-version = '2.1'", "the file is not used"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(tt.file, []byte(tt.in), nil)
			if err != nil {
				t.Fatal(err)
			}
			check(t, "warnings", l.Warnings.Error(), tt.want)
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir, Options{}); err == nil || !strings.Contains(err.Error(), "no lock file") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Read(dir, Options{Path: "gone.lock"}); err == nil || !strings.Contains(err.Error(), "gone.lock") {
		t.Errorf("an absent file: %v", err)
	}
	for name, text := range map[string]string{
		"poetry.lock":           "[metadata]\nlock-version = '2.1'\n",
		"locks/uv-old.lock":     "version = 1\n[[package]]\nname = 'a'\nsource = { virtual = '.' }\n",
		"locks/pyproject.toml":  "[project]\nname = 'a'\ndependencies = ['b']\n",
		"broken/uv.lock":        "version = 1\n[[package]]\nname = 'a'\nsource = { virtual = '.' }\n",
		"broken/pyproject.toml": "[project\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Read(dir, Options{})
	if err != nil || l.Format != "poetry" || l.Path != "poetry.lock" || !strings.HasPrefix(l.Digest, "sha256:") || len(l.Warnings) > 0 {
		t.Errorf("got %+v, %v", l, err)
	}
	l, err = Read(dir, Options{Path: "locks/uv-old.lock"})
	if err != nil || l.Format != "uv" || len(l.Stale) != 1 || l.Stale[0].Pos.String() != "locks/pyproject.toml:3" {
		t.Errorf("got %+v, %v", l, err)
	}
	if _, err := Read(filepath.Join(dir, "broken"), Options{}); err == nil || !strings.HasPrefix(err.Error(), "pyproject.toml:1:") {
		t.Errorf("a broken pyproject.toml: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "uv.lock"), []byte("version = 1\n[[package]]\nname = 'a'\nsource = { virtual = '.' }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Read(dir, Options{})
	if err != nil || l.Format != "uv" || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].What, "poetry.lock is not used") {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestOutside(t *testing.T) {
	for path, want := range map[string]bool{
		".": false, "a/b": false, "..a": false, "..": true, "../a": true, "/a": true, "C:/a": true, "a/../b": false,
	} {
		if got := Outside(cleanPath(path)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if !Outside(cleanPath(`a\..\..\b`)) {
		t.Error("backslashes lead out, too")
	}
}

func TestNoLockHints(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", map[string]string{"pyproject.toml": "[project]\nname = 'a'"}, "run `uv lock`, `poetry lock`, `pdm lock`, `pipenv lock` or `pip-compile --generate-hashes`, or name a file with --lock"},
		{"uv", map[string]string{"pyproject.toml": "[tool.uv]"}, "run `uv lock`, or"},
		{"poetry", map[string]string{"pyproject.toml": "[tool.poetry]"}, "run `poetry lock`, or"},
		{"pdm", map[string]string{"pyproject.toml": "[tool.pdm]"}, "run `pdm lock`, or"},
		{"pipenv", map[string]string{"Pipfile": ""}, "run `pipenv lock`, or"},
		{"uv by its file", map[string]string{"uv.toml": ""}, "run `uv lock`, or"},
		{"poetry by its backend", map[string]string{"pyproject.toml": "[build-system]\nbuild-backend = 'poetry.core.masonry.api'"}, "run `poetry lock`, or"},
		{"pdm by its backend", map[string]string{"pyproject.toml": "[build-system]\nbuild-backend = 'pdm.backend'"}, "run `pdm lock`, or"},
		{"pip-tools", map[string]string{"requirements.in": "flask"}, "run `pip-compile --generate-hashes requirements.in`, or"},
		{"setuptools", map[string]string{"setup.py": ""}, "run `pip-compile --generate-hashes setup.py`, or"},
		{"conda beside uv", map[string]string{"environment.yml": "", "pyproject.toml": "[tool.uv]"}, "run `uv lock`, or"},
		{"letters dropped", map[string]string{"poetry.lck": "", "pyproject.toml": "[tool.poetry]"}, "if poetry.lck is the one, rename it: it is called poetry.lock"},
		{"letters exchanged", map[string]string{"Pipfile.lokc": "", "Pipfile": ""}, "if Pipfile.lokc is the one, rename it: it is called Pipfile.lock"},
		{"letters added", map[string]string{"pylocks.toml": ""}, "if pylocks.toml is the one, rename it: it is called pylock.toml"},
		{"misspelt", map[string]string{"requirments.txt": "", "Pipfile": ""}, "if requirments.txt is the one, name it with --lock"},
		{"elsewhere", map[string]string{"requirements/prod.txt": ""}, "if requirements/prod.txt is the one"},
		{"for one service", map[string]string{"pylock.web.toml": ""}, "if pylock.web.toml is the one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(writeFiles(t, tt.files), Options{})
			if problems, _ := diag.Problems(err); len(problems) != 1 || problems[0].Code != "no-lock" || !strings.Contains(problems[0].Hint, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Projects of conda and pixi are refused, whether their file is found or named.
func TestConda(t *testing.T) {
	const hint = "list what the project needs from PyPI in pyproject.toml and run `%s`; Debian has the C libraries, by the key `system-packages`"
	for _, tt := range []struct {
		name, path string
		files      []string
		want       string
		command    string
	}{
		{"conda-lock", "", []string{"conda-lock.yml", "environment.yml"}, "conda-lock.yml: the file is of conda", "uv lock"},
		{"environment", "", []string{"environment.yaml"}, "environment.yaml: the file is of conda", "uv lock"},
		{"pixi", "", []string{"pixi.lock", "pixi.toml"}, "pixi.lock: the file is of pixi", "uv lock"},
		{"pixi beside Poetry", "", []string{"pixi.lock", "poetry.toml"}, "pixi.lock: the file is of pixi", "poetry lock"},
		{"named", "env/linux.conda-lock.yml", []string{"env/linux.conda-lock.yml"}, "env/linux.conda-lock.yml: the file is of conda", "uv lock"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range tt.files {
				files[f] = ""
			}
			_, err := Read(writeFiles(t, files), Options{Path: tt.path})
			problems, _ := diag.Problems(err)
			if len(problems) != 1 || problems[0].Code != "unsupported-lock" || !strings.HasPrefix(err.Error(), tt.want) ||
				problems[0].Hint != fmt.Sprintf(hint, tt.command) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	l, err := Read(writeFiles(t, map[string]string{"environment.yml": "", "requirements.txt": ""}), Options{})
	if err != nil || l.Format != "requirements" {
		t.Errorf("a lock beside it is read: %v", err)
	}
}

func TestUnknownName(t *testing.T) {
	for path, want := range map[string]string{
		"Pipfile.lok": "Pipfile.lok is not the name of a lock file that lithe reads; rename it, if it is a Pipfile.lock",
		"other.json":  "other.json is not the name of a lock file that lithe reads; known are uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pylock.toml, requirements.txt",
		"a":           "a is not the name of a lock file",
	} {
		if _, err := Parse(path, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Real locks beat requirements.txt, and what is not used is told.
func TestSeveralLocks(t *testing.T) {
	dir := writeFiles(t, map[string]string{"requirements.txt": "a==1", "Pipfile.lock": pipenvHead + "}", "pylock.toml": "x", "pdm.lock": pdmFlat})
	l, err := Read(dir, Options{})
	if err != nil || l.Format != "pdm" {
		t.Fatalf("%v, %v", l, err)
	}
	var told []string
	for _, w := range l.Warnings {
		told = append(told, w.Pos.File+": "+w.Code)
	}
	if diff := cmp.Diff([]string{"Pipfile.lock: several-locks", "pylock.toml: several-locks", "requirements.txt: several-locks"}, told); diff != "" {
		t.Error(diff)
	}
}

// Paths of a lock may lead as far up as its Top, and no further.
func TestLockOutside(t *testing.T) {
	for _, tt := range []struct {
		top, path string
		want      bool
	}{
		{"", "libs/core", false}, {"", ".", false}, {"", "../core", true}, {"", "..", true}, {"", "/core", true},
		{"..", "../core", false}, {"..", "..", false}, {"..", "../../core", true}, {"..", "/core", true}, {"..", "c:/core", true},
		{"../..", "../../libs/core", false}, {"../..", "../../../core", true}, {"../..", "..core", false},
	} {
		if got := (&Lock{Top: tt.top}).Outside(tt.path); got != tt.want {
			t.Errorf("%q below %q: got %v", tt.path, tt.top, got)
		}
	}
}
