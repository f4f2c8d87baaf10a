package lock

import (
	"io/fs"
	"slices"
	"testing"
)

// seeds are small locks that reach most of the readers.
var seeds = []struct{ file, lock, project string }{
	{"uv.lock", uvLock, uvProject},
	{"uv.lock", "version = 1\nsupported-markers = ['os_name == \"posix\"']\n[manifest]\nmembers = ['a']\nrequirements = [{name = 'a'}]\n" +
		"[[package]]\nname = 'a'\nversion = '1'\nsource = { path = 'a-1.tar.gz' }\nsdist = { hash = 'sha256:00' }\n", ""},
	{"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\noptional = false\npython-versions = \"^3.6 || 2.7\"\ngroups = [\"main\", \"dev\"]\n" +
		"markers = {main = \"extra == 'x'\"}\nfiles = [{file = \"a-1-py3-none-any.whl\", hash = \"sha256:00\"}]\n" +
		"[package.dependencies]\nb = [{version = \"~1\", markers = \"os_name == 'nt'\"}, {git = \"https://h/b\"}]\n[package.extras]\nx = [\"b (>=1)\", \"a[x]\"]\n" +
		"[extras]\nx = [\"a\"]\n[metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"\"\n", uvProject},
	{"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\n[metadata]\nlock-version = \"1.1\"\n[metadata.files]\na = [{file = \"a-1.tar.gz\", hash = \"\"}]\n",
		"[tool.poetry.dependencies]\npython = \"*\"\na = { version = \"*\", platform = \"!=win32,linux || x\", optional = true }\n[tool.poetry.extras]\ne = [\"a\"]\n"},
}

// moreSeeds are those of formats that came later.
var moreSeeds = []struct{ file, lock, project string }{
	{"pdm.lock", pdmFlat, pdmProject}, {"pdm.lock", pdmWalked, pdmProject},
	{"Pipfile.lock", pipenvHead + `, "default": {"a": {"version": "==1", "hashes": ["` + hashA + `"], "markers": "os_name == 'nt'", "index": "i", "extras": ["x"]}, "b": "==2"},
 "develop": {"a": {"version": "==2"}, "c": {"git": "https://h/c", "ref": "` + full + `"}, "d": {"path": ".", "editable": true, "sys_platform": "== 'linux'"}}}`, ""},
	{"pylock.toml", pylockHead + "extras = ['x']\ndependency-groups = ['g']\ndefault-groups = ['g']\nenvironments = [\"os_name == 'posix'\"]\n[[packages]]\nname = 'a'\nversion = '1'\n" +
		"marker = \"'x' in extras\"\nsdist = {path = 'a-1.tar.gz', hashes = {sha256 = '00'}}\ndependencies = [{name = 'b'}]\n[[packages]]\nname = 'b'\n" +
		"archive = {url = 'https://h/b.zip', hashes = {sha512 = '00'}}\n", uvProject},
}

func fuzzFormat(f *testing.F, file string) {
	for _, seed := range slices.Concat(seeds, moreSeeds) {
		if seed.file == file {
			f.Add([]byte(seed.lock), []byte(seed.project))
		}
	}
	f.Fuzz(func(t *testing.T, data, project []byte) {
		l, err := Parse(file, data, project)
		if (l == nil) == (err == nil) {
			t.Fatalf("got %v and %v", l, err)
		}
		if err != nil {
			return
		}
		if l.Root >= len(l.Packages) {
			t.Fatalf("root %d of %d packages", l.Root, len(l.Packages))
		}
		for _, p := range l.Packages {
			for _, d := range p.Dependencies {
				for _, to := range d.To {
					if l.Packages[to].Name != d.Name {
						t.Fatalf("an edge to %s leads to %s", d.Name, l.Packages[to].Name)
					}
				}
			}
			for _, file := range p.Files {
				if unsafeName(file.Name) != "" {
					t.Fatalf("unsafe file name %q", file.Name)
				}
			}
		}
	})
}

func FuzzUV(f *testing.F)     { fuzzFormat(f, "uv.lock") }
func FuzzPoetry(f *testing.F) { fuzzFormat(f, "poetry.lock") }

// FuzzScript reads the lock of a script beside the script.
func FuzzScript(f *testing.F) {
	f.Add([]byte("version = 1\nrequires-python = '>=3.12'\n[manifest]\nrequirements = [{name = 'a', specifier = '>=1'}]\n[[package]]\nname = 'a'\nversion = '1'\n"+
		"source = { registry = 'https://pypi.org/simple' }\n"), []byte("# /// script\n# requires-python = '>=3.12'\n# dependencies = ['a>=1', 'b[x]; os_name == \"nt\"']\n# ///\n"))
	f.Add([]byte("version = 1\n"), []byte("# /// script\n# tool.uv.sources.a = [{path = '../a'}]\n# ///"))
	f.Fuzz(func(t *testing.T, data, text []byte) {
		format := uvFormat
		format.decode = decodeScript
		s := &source{format: format, path: "s.py.lock", script: "s.py", data: data, open: func(name string) ([]byte, error) {
			if name == "s.py" {
				return text, nil
			}
			return nil, fs.ErrNotExist
		}}
		l, err := s.read()
		if (l == nil) == (err == nil) {
			t.Fatalf("got %v and %v", l, err)
		}
		if l != nil && l.Script != "s.py" {
			t.Fatalf("a lock of %q", l.Script)
		}
	})
}

func FuzzConstraint(f *testing.F) {
	for _, seed := range []string{"^1.2 || ~3", ">= 1.0 <2", "!=1.*", "*", "1!^2", "~", "=======VV", "===VV", "===x", "V=X", "===\x1f!", "V0  VVV0", "V0  VV0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConstraint(text)
		if err != nil {
			return
		}
		again, err := parseConstraint(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q became %q, which became %q (%v)", text, c, again, err)
		}
	})
}
