package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

const hatchling = "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"

// read reads a project of these files.
func read(t testing.TB, files map[string]string) *Project {
	t.Helper()
	p, err := Read(tree(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMetadata(t *testing.T) {
	p := read(t, map[string]string{"pyproject.toml": `[project]
name = "Flask_App"
version = "1.0rc1"
requires-python = ">=3.12"

[project.scripts]
serve = "flask_app:main"
admin = "flask_app.admin:main"
`})
	want := Metadata{
		Name: "Flask_App", NamePos: at(2), Version: "1.0rc1", VersionPos: at(3), RequiresPython: ">=3.12", RequiresPythonPos: at(4),
		Scripts: []Script{{"admin", "flask_app.admin:main", at(8)}, {"serve", "flask_app:main", at(7)}},
	}
	got := p.Metadata
	if got.PythonSpecifiers.String() != ">=3.12" || got.NormalizedName() != "flask-app" {
		t.Errorf("%v, %s", got.PythonSpecifiers, got.NormalizedName())
	}
	got.PythonSpecifiers = nil
	sameLine := cmp.Comparer(func(a, b diag.Position) bool { return a.File == b.File && a.Line == b.Line })
	if diff := cmp.Diff(want, got, sameLine); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if v, err := p.StaticVersion(); v != "1.0rc1" || err != nil {
		t.Errorf("%s, %v", v, err)
	}
}

func at(line int) diag.Position { return diag.Position{File: "pyproject.toml", Line: line} }

func TestPoetryMetadata(t *testing.T) {
	p := read(t, map[string]string{"pyproject.toml": `[tool.poetry]
name = "demo"
version = "0.1.0"
[tool.poetry.dependencies]
python = "^3.12"
[tool.poetry.scripts]
demo = "demo:main"
tool = {reference = "bin/tool", type = "file"}
`})
	if p.Name != "demo" || p.Version != "0.1.0" || p.RequiresPython != "^3.12" || p.PythonSpecifiers != nil || p.RequiresPythonPos.Line != 5 {
		t.Errorf("%+v", p.Metadata)
	}
	if len(p.Scripts) != 2 || p.Scripts[1].Target != "bin/tool" {
		t.Errorf("%+v", p.Scripts)
	}
	both := read(t, map[string]string{"pyproject.toml": "[project]\nname = 'a'\ndynamic = ['version']\n[tool.poetry]\nname = 'b'\nversion = '2'\ndependencies.python = '>=3.9'\n"})
	if both.Name != "a" || both.Version != "2" || both.Dynamic || both.PythonSpecifiers.String() != ">=3.9" {
		t.Errorf("[project] wins, and Poetry fills in: %+v", both.Metadata)
	}
}

func TestDynamicVersion(t *testing.T) {
	p := read(t, map[string]string{"pyproject.toml": "[project]\nname = 'a'\ndynamic = ['readme', 'version']\n" + hatchling})
	_, err := p.StaticVersion()
	if err == nil || !strings.Contains(err.Error(), "pyproject.toml:3: the version of a is dynamic; wheels are made of static metadata") {
		t.Errorf("%v", err)
	}
	p = read(t, map[string]string{"pyproject.toml": "[project]\nname = 'a'\n"})
	if _, err := p.StaticVersion(); err == nil || !strings.Contains(err.Error(), "pyproject.toml:1: a has no version") {
		t.Errorf("%v", err)
	}
}

func TestReadProblems(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", map[string]string{"main.py": ""}, "pyproject.toml: there is no pyproject.toml in "},
		{"syntax", map[string]string{"pyproject.toml": "[project\n"}, "pyproject.toml:1: "},
		{"huge", map[string]string{"pyproject.toml": strings.Repeat("#\n", maxPyproject)}, "the file is larger than 4194304 bytes"},
		{"directory", map[string]string{"pyproject.toml/x": ""}, "pyproject.toml is not a regular file"},
		{"two configurations", map[string]string{"pyproject.toml": "", "lithe.toml": "\nbase = 'debian'"}, "lithe.toml stands beside pyproject.toml"},
		{"no name", map[string]string{"pyproject.toml": "[project]\nversion = '1'\n"}, "pyproject.toml:1: [project] has no name"},
		{"bad name", map[string]string{"pyproject.toml": "[project]\nname = '-x'\n"}, `pyproject.toml:2: "-x" is not a valid name`},
		{"name of a type", map[string]string{"pyproject.toml": "[project]\nname = 1\n"}, "pyproject.toml:2: name is of type integer, not a string"},
		{"bad version", map[string]string{"pyproject.toml": "[project]\nname = 'x'\nversion = 'one'\n"}, `pyproject.toml:3: "one" is not a version`},
		{"bad Python", map[string]string{"pyproject.toml": "[project]\nname = 'x'\nrequires-python = '3.12'\n"}, `pyproject.toml:3: requires-python: "3.12" is not a version specifier`},
		{"bad script", map[string]string{"pyproject.toml": "[project]\nname = 'x'\n[project.scripts]\nx = 1\n"}, "pyproject.toml:4: the script x is of type integer"},
		{"project of a type", map[string]string{"pyproject.toml": "project = 1\n"}, "project is of type integer, not a table"},
		{"build system of a type", map[string]string{"pyproject.toml": "build-system = 1\n"}, "build-system is of type integer, not a table"},
		{"build system without requires", map[string]string{"pyproject.toml": "[build-system]\nbuild-backend = 'x'\n"}, "pyproject.toml:1: [build-system] has no requires"},
		{"lithe of a type", map[string]string{"pyproject.toml": "[tool]\nlithe = 1\n"}, "pyproject.toml:2: tool.lithe is of type integer, not a table"},
		{"lithe.toml", map[string]string{"lithe.toml": "\nfile.include = []\n"}, "lithe.toml:2: unknown key \"file\" in lithe.toml; did you mean `files`?"},
		{"lithe.toml nested", map[string]string{"lithe.toml": "[files]\nincl = []\n"}, `lithe.toml:2: unknown key "incl" in [files] of lithe.toml`},
		{"Python version", map[string]string{"pyproject.toml": "", ".python-version": "# x\npypy3.10\n"}, ".python-version:2: .python-version names the Python \"pypy3.10\""},
		{"Pipfile", map[string]string{"Pipfile": "[requires]\npython_version = '3.x'\n"}, "Pipfile:2: Pipfile names the Python \"3.x\""},
		{"broken Pipfile", map[string]string{"Pipfile": "[requires\n"}, "Pipfile:1: "},
		{"Python version file", map[string]string{"pyproject.toml": "", ".python-version": strings.Repeat("#", maxVersionFile+1)}, ".python-version: the file is larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(tree(t, tt.files), Options{})
			if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestReadReportsAll(t *testing.T) {
	_, err := Read(tree(t, map[string]string{"pyproject.toml": "[project]\nname = 1\nversion = 'x'\n[tool.lithe]\nfoo = 1\nuser = 0\n"}), Options{})
	if problems, _ := diag.Problems(err); len(problems) != 4 {
		t.Errorf("%d problems: %v", len(problems), err)
	}
}

func TestReadFails(t *testing.T) {
	dir := tree(t, map[string]string{"pyproject.toml": ""})
	if err := os.Chmod(filepath.Join(dir, "pyproject.toml"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Skip("root reads every file")
	}
	if _, err := Read(dir, Options{}); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
}

func TestPrefix(t *testing.T) {
	p, err := Read(tree(t, map[string]string{"pyproject.toml": anApplication}), Options{Prefix: "packages/core"})
	if err != nil || p.File != "packages/core/pyproject.toml" || p.NamePos.File != p.File {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestPackage(t *testing.T) {
	tests := []struct {
		name, in, backend, reason string
		is                        bool
		line                      int
	}{
		{"backend", "\n" + hatchling, "hatchling.build", "the build backend is hatchling.build", true, 4},
		{"backend by default", "[build-system]\nrequires = ['setuptools']\n", legacyBackend, "the build backend is " + legacyBackend, true, 1},
		{"none", "[project]\nname = 'x'\n", "", "there is no build backend", false, 1},
		{"Poetry says no", hatchling + "[tool.poetry]\npackage-mode = false\n", "", "tool.poetry.package-mode is false", false, 5},
		{"uv says no", hatchling + "[tool.uv]\npackage = false\n", "", "tool.uv.package is false", false, 5},
		{"pdm says no", hatchling + "[tool.pdm]\ndistribution = false\n", "", "tool.pdm.distribution is false", false, 5},
		{"uv says yes", hatchling + "[tool.uv]\npackage = true\n", "hatchling.build", "the build backend is hatchling.build", true, 3},
		{"uv says yes without backend", "[tool.uv]\npackage = true\n", legacyBackend, "tool.uv.package is true", true, 2},
		{"Poetry says yes without backend", "[tool.poetry]\npackage-mode = true\n", "", "there is no build backend", false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := read(t, map[string]string{"pyproject.toml": tt.in + "[tool.x]\n"})
			if p.Package != tt.is || p.Backend.Name != tt.backend {
				t.Errorf("%v, %+v", p.Package, p.Backend)
			}
			e := p.Evidence[0]
			if e.Decision != "package" || e.Reason != tt.reason || e.Pos.Line != tt.line || e.Override == "" || e.Value == "" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestWithoutModule(t *testing.T) {
	p := read(t, map[string]string{"pyproject.toml": anApplication + hatchling})
	cause := &diag.Error{Pos: at(2), Code: "no-module", What: "no module is called x"}
	q := p.WithoutModule(cause)
	if !p.Package || q.Package || q.Backend.Name != "" || len(q.Evidence) != 1 || q.Evidence[0].Pos != at(2) {
		t.Errorf("%+v", q)
	}
	if len(q.Warnings) != 1 || !strings.Contains(q.Warnings[0].Error(), "pyproject.toml:2: no module is called x, so the files of the project are copied to /app") {
		t.Errorf("%v", q.Warnings)
	}
	if q = p.WithoutModule(errors.New("nothing")); q.Evidence[0].Pos.Line != 6 || len(p.Warnings) != 0 {
		t.Errorf("%+v", q.Evidence)
	}
}

func TestPython(t *testing.T) {
	tests := []struct {
		name, version string
		pos           string
		files         map[string]string
	}{
		{"nothing", "", "", nil},
		{"configuration", "3.13", "pyproject.toml:2", map[string]string{"pyproject.toml": "[tool.lithe]\npython = '3.13'\n", ".python-version": "3.12"}},
		{"pyenv", "3.12.1", ".python-version:3", map[string]string{".python-version": "# comment\n\n 3.12.1 # why\n3.11\n", ".tool-versions": "python 3.11"}},
		{"uv", "3.12", ".python-version:1", map[string]string{".python-version": "cpython@3.12"}},
		{"asdf", "3.11.9", ".tool-versions:2", map[string]string{".tool-versions": "nodejs 20.1\npython 3.11.9 system\n"}},
		{"no Python in asdf", "", "", map[string]string{".tool-versions": "nodejs 20.1\npython\n"}},
		{"Pipenv", "3.11", "Pipfile:2", map[string]string{"Pipfile": "[requires]\npython_version = '3.11'\n", "runtime.txt": "python-3.9.9\n"}},
		{"Pipenv in full", "3.11.4", "Pipfile:3", map[string]string{"Pipfile": "[requires]\npython_version = '3.11'\npython_full_version = '3.11.4'\n"}},
		{"Pipenv's lock alone", "3.11", "Pipfile.lock:4", map[string]string{"Pipfile.lock": "{\n\"_meta\": {\n\"requires\": {\n\"python_version\": \"3.11\"}}}"}},
		{"Pipenv's lock without", "", "", map[string]string{"Pipfile.lock": "{\"_meta\": {\"requires\": {\"python_version\": 3}}}"}},
		{"a broken lock of Pipenv", "", "", map[string]string{"Pipfile.lock": "{"}},
		{"Pipenv with any", "", "", map[string]string{"Pipfile": "[requires]\npython_version = '3'\n"}},
		{"Pipenv without", "", "", map[string]string{"Pipfile": "[packages]\nflask = '*'\n"}},
		{"pyenv before Pipenv", "3.12", ".python-version:1", map[string]string{".python-version": "3.12", "Pipfile": "[requires]\npython_version = '3.11'\n"}},
		{"Pipenv forgotten", "", "", map[string]string{"Pipfile": "[", "pyproject.toml": "[project]\nname='x'\nrequires-python='>=3.12'\n"}},
		{"Heroku", "3.11.9", "runtime.txt:1", map[string]string{"runtime.txt": "python-3.11.9\n"}},
		{"Heroku forgotten", "", "", map[string]string{"runtime.txt": "python-3.11.9\n", "pyproject.toml": "[project]\nname='x'\nrequires-python='>=3.12'\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"pyproject.toml": ""}
			for name, content := range tt.files {
				files[name] = content
			}
			p := read(t, files)
			if p.Python.Version != tt.version || p.Python.Pos.String() != tt.pos {
				t.Errorf("%+v", p.Python)
			}
			if last := p.Evidence[len(p.Evidence)-1]; (last.Decision == "python") != (tt.version != "") {
				t.Errorf("%+v", last)
			}
		})
	}
}

// FuzzWish: whatever stands in a file that names a Python, it is read or refused, and what is read has a line of the file.
func FuzzWish(f *testing.F) {
	for _, seed := range []string{"3.13", "cpython@3.12\n", "python 3.11", "[requires]\npython_version = '3.9'", `{"_meta": {"requires": {"python_version": "3.9"}}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range wishFiles {
			found, pos, err := w.find(&Project{}, w.file, []byte(text))
			if err == nil && found != "" && (pos.File != w.file || pos.Line < 1 || pos.Line > 1+strings.Count(text, "\n")) {
				t.Errorf("%s: %q at %v", w.file, found, pos)
			}
		}
	})
}

// Who asks for a Python comes before the project's files.
func TestWants(t *testing.T) {
	p := read(t, map[string]string{"pyproject.toml": "", ".python-version": "3.12"})
	if err := p.Wants("3.11", diag.Position{}, "--python says so"); err != nil || p.Python.Version != "3.11" {
		t.Errorf("%+v, %v", p.Python, err)
	}
	var said []string
	for _, e := range p.Evidence {
		if e.Decision == "python" {
			said = append(said, e.Value+": "+e.Reason)
		}
	}
	if diff := cmp.Diff([]string{"3.11: --python says so"}, said); diff != "" {
		t.Error(diff)
	}
	if err := p.Wants("pypy", diag.Position{}, ""); err == nil || !strings.Contains(err.Error(), `"pypy" is no version of Python`) {
		t.Errorf("%v", err)
	}
}

func TestLitheTOML(t *testing.T) {
	p := read(t, map[string]string{"lithe.toml": "ports = [80]\n[targets.dev]\ngroups = ['x']\n", "main.py": ""})
	if p.File != "" || p.ConfigFile != "lithe.toml" || p.Config.Ports[0] != "80" || p.Package {
		t.Errorf("%+v", p)
	}
	if dev, err := p.Target("dev"); err != nil || dev.Groups[0] != "x" {
		t.Errorf("%+v, %v", dev, err)
	}
}
