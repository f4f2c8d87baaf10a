package backend

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// TestParseINI holds the language of setup.cfg, whose cases are what configparser makes of them.
func TestParseINI(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"values", "[a]\nb = 1\nC: 2\nd=\n", "a.b=1 a.C=2 a.d="},
		{"lines", "[a]\nb =\n  x\n\n  y\n# no\n  ; no\n  z\n\n\nc = 1", "a.b=\nx\n\ny\nz a.c=1"},
		{"deeper key", "[a]\n  b = 1\n  c = 2\n   d", "a.b=1 a.c=2\nd"},
		{"first separator", "[a]\nb = c:d\ne: f=g", "a.b=c:d a.e=f=g"},
		{"after a header", "[a] x\nb = 1", "a.b=1"},
		{"before a section", "b = 1", "setup.cfg:1: this is neither"},
		{"no separator", "[a]\nb", "setup.cfg:2: this is neither"},
		{"twice", "[a]\nb=1\nb=2", "setup.cfg:3: the key b stands twice"},
		{"section twice", "[a]\n[a]", "setup.cfg:2: the section [a] stands twice"},
		{"defaults", "[DEFAULT]\na=1", "setup.cfg:1: the section [DEFAULT]"},
		{"too many", "[a]\n" + manyKeys(), "there are too many keys"},
		{"too many sections", strings.ReplaceAll(strings.ReplaceAll(manyKeys(), "k", "[k"), "=", "]"), "there are too many keys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parseINI("setup.cfg", tt.in)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %s", err, tt.want)
				}
				return
			}
			if diff := cmp.Diff(tt.want, printINI(f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLongINI reads values of as many lines as a file may have: a parser that copies a value for each would need days.
func TestLongINI(t *testing.T) {
	for name, line := range map[string]string{"text": " a\n", "nothing": "\n"} {
		t.Run(name, func(t *testing.T) {
			f, err := parseINI("setup.cfg", "[a]\nb = 1\n"+strings.Repeat(line, maxText/len(line))+" c\n")
			if err != nil {
				t.Fatal(err)
			}
			if value := f.section("a").option("b").value; !strings.HasPrefix(value, "1\n") || !strings.HasSuffix(value, "\nc") {
				t.Errorf("%d characters", len(value))
			}
		})
	}
}

// manyKeys makes more keys than a file may have.
func manyKeys() string {
	var b strings.Builder
	for i := range maxOptions + 1 {
		b.WriteString("k" + itoa(i) + "=\n")
	}
	return b.String()
}

func printINI(f *iniFile) string {
	var out []string
	for _, s := range f.sections() {
		for _, o := range s.options {
			out = append(out, s.name+"."+o.key+"="+o.value)
		}
	}
	return strings.Join(out, " ")
}

// TestParseManifest holds which files rules take.
func TestParseManifest(t *testing.T) {
	files := []string{"p/.h", "p/a.css", "p/b.txt", "p/sub/a.css", "p/sub/deep/c.txt"}
	tests := []struct{ name, rules, want string }{
		{"include", "include p/*.css p/sub/*", "p/a.css p/sub/a.css"},
		{"stars are one level", "include p/**/*.txt", ""},
		{"recursive", "recursive-include p *.txt", "p/b.txt p/sub/deep/c.txt"},
		{"recursive in part", "recursive-include p/s* *", "p/sub/a.css p/sub/deep/c.txt"},
		{"global", "global-include a.*", "p/a.css p/sub/a.css"},
		{"graft", "graft p/", "p/.h p/a.css p/b.txt p/sub/a.css p/sub/deep/c.txt"},
		{"graft all", "graft .", "p/.h p/a.css p/b.txt p/sub/a.css p/sub/deep/c.txt"},
		{"prune", "graft p\nprune p/sub", "p/.h p/a.css p/b.txt"},
		{"order", "prune p/sub\ngraft p/sub", "p/sub/a.css p/sub/deep/c.txt"},
		{"exclude", "graft p\nexclude p/*", "p/sub/a.css p/sub/deep/c.txt"},
		{"recursive exclude", "graft p\nrecursive-exclude p *.css .h", "p/b.txt p/sub/deep/c.txt"},
		{"global exclude", "graft p\nglobal-exclude *.txt", "p/.h p/a.css p/sub/a.css"},
		{"continued", "include p/a.css \\\n# no\n  p/b.txt # no", "p/a.css p/b.txt"},
		{"malformed", "include\ngraft a b\nrecursive-include p\nwhatever p\n\n#x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := parseManifest(tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			in := map[string]bool{}
			for _, r := range rules {
				for _, f := range files {
					if r.glob.match(f) {
						in[f] = r.include
					}
				}
			}
			got := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !in[f] })
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := parseManifest(strings.Repeat("include a b c d e f g h i j\n", maxManifestRules/10+1)); !errors.Is(err, errTree) {
		t.Errorf("too many rules: %v", err)
	}
}

// TestSetuptoolsFiles holds what other files beside pyproject.toml make of a project.
func TestSetuptoolsFiles(t *testing.T) {
	tests := []struct{ name, pyproject, file, text, want string }{
		{"setup.py with code", projectHead + setupSystem, "setup.py", "from setuptools import setup\nsetup(name='x')\n", "setup.py:1: setup.py does more than call setup()"},
		{"setup.py with more behind the call", projectHead + setupSystem, "setup.py", "import setuptools\nif __name__ == '__main__':\n    setuptools.setup()\n    x()\n", "setup.py:1: setup.py does more than call setup()"},
		{"setup.py that calls", projectHead + setupSystem, "setup.py", "'''\n  Doc.\n'''\nimport setuptools\nif __name__ == '__main__': # yes\n    # no\n    setuptools.setup()\n", ""},
		{"setup.py that is no Python", projectHead + setupSystem, "setup.py", "setup(", "setup.py:1: setup.py does more"},
		{"setup.cfg beside", projectHead + setupSystem, "setup.cfg", "\n[metadata]\nname = x\n", "setup.cfg:2: setup.cfg has [metadata] beside pyproject.toml"},
		{"command", projectHead + setupSystem, "setup.cfg", "[build]\nbuild_base = x\n", `setup.cfg:2: setup.cfg sets "build_base" of the command build`},
		{"tag", projectHead + setupSystem, "setup.cfg", "[egg_info]\ntag_build = dev\n", `setup.cfg:2: setup.cfg sets "tag_build"`},
		{"broken", projectHead + setupSystem, "setup.cfg", "x\n", "setup.cfg:1: this is neither a section"},
		{"interpolation", setupSystem, "setup.cfg", "[metadata]\nname = %(x)s\n", `setup.cfg:2: "name" has a percent sign`},
		{"unknown key", setupSystem, "setup.cfg", "[metadata]\nname = x\nversion = 1\nnope = 1\n", `setup.cfg:4: [metadata] sets "nope"`},
		{"unknown option", setupSystem, "setup.cfg", "[metadata]\nname = x\nversion = 1\n[options]\ncmdclass = 1\n", `setup.cfg:5: [options] sets "cmdclass"`},
		{"unknown section", setupSystem, "setup.cfg", "[metadata]\nname = x\n[options.nope]\nx = 1\n", "setup.cfg:3: setup.cfg has [options.nope]"},
		{"setup_requires", setupSystem, "setup.cfg", "[metadata]\nname = x\n[options]\nsetup_requires = cython\n", "setup.cfg:4: setup_requires names cython"},
		{"left-over list", projectHead + setupSystem, "src/demo.egg-info/SOURCES.txt", "src/demo/data.txt\n", "the package demo has files only because an .egg-info of an earlier build lists them"},
		{"list that adds nothing", projectHead + setupSystem, "src/demo.egg-info/SOURCES.txt", "src/demo/__init__.py\n", ""},
		{"flit no docstring", "[project]\nname = \"demo\"\nversion = \"1\"\ndynamic = [\"description\"]\n" + flitSystem, "LICENSE", "", "pyproject.toml:4: the module demo has no plain docstring"},
		{"pdm hook", projectHead + pdmSystem, "pdm_build.py", "", "pdm_build.py:1: pdm_build.py is a build hook"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := demo(t, tt.pyproject, "src/demo/__init__.py", "src/demo/data.txt", tt.file)
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(tt.file)), []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := makeWheel(t, dir)
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if _, ok := diag.Problems(err); !ok {
				t.Errorf("%v holds no problem", err)
			}
		})
	}
}

// TestVirtualEnvironmentBeside holds that discovery does not look into what it leaves out.
func TestVirtualEnvironmentBeside(t *testing.T) {
	dir := demo(t, projectHead+setupSystem, "demo/__init__.py", "venv/lib/python3.13/x.py", ".venv/lib/y.py")
	for _, venv := range []string{"venv", ".venv"} {
		if err := os.Symlink("lib", filepath.Join(dir, venv, "lib64")); err != nil {
			t.Skip(err)
		}
	}
	w, err := makeWheel(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Files) != 5 {
		t.Errorf("%d files", len(w.Files))
	}
}

// TestSeveralPackages holds that setuptools' own refusal is ours.
func TestSeveralPackages(t *testing.T) {
	_, err := makeWheel(t, demo(t, projectHead+setupSystem, "two/__init__.py", "one/__init__.py"))
	if err == nil || !strings.Contains(err.Error(), "setuptools finds several packages at the top (one, two) and takes none") {
		t.Error(err)
	}
}

// TestSupported holds that a project without a backend is setuptools'.
func TestSupported(t *testing.T) {
	for pyproject, want := range map[string]bool{"": true, "[build-system]\nrequires = ['setuptools']": true, setupSystem: true,
		flitSystem: true, "[build-system]\nbuild-backend = 'maturin'": false, "[build-system]\nbuild-backend = ''": false} {
		doc, err := toml.Parse("pyproject.toml", []byte(pyproject))
		if err != nil || Supported(doc) != want {
			t.Errorf("%q: %v, %v", pyproject, Supported(doc), err)
		}
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[a]\nb = 1\n  c\n\n d\n# e\n[f]\ng:h")
	f.Fuzz(func(t *testing.T, in string) {
		file, err := parseINI("setup.cfg", in)
		if err != nil {
			return
		}
		for _, s := range file.sections() {
			for _, o := range s.options {
				if o.key == "" || strings.TrimRight(o.value, " \t\n\v\f") != o.value || o.pos.Line < 1 {
					t.Errorf("%+v", o)
				}
				_ = o.items(",")
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add("include a *.b \\\n c # d\ngraft e\nrecursive-exclude f **/g [!h]", "a/b/c")
	f.Fuzz(func(t *testing.T, in, path string) {
		rules, err := parseManifest(in)
		if err != nil && !errors.Is(err, errTree) {
			t.Error(err)
		}
		for _, r := range rules {
			r.glob.match(path)
		}
	})
}
