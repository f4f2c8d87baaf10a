package backend

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/toml"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// unpack writes an archive's files; lines "exec PATH" of its comment make files executable.
func unpack(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	// A name of its own, so that no pattern of a test's .gitignore matches the path of the checkout.
	dir := filepath.Join(t.TempDir(), "checkout")
	for _, f := range a.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "exec "); ok {
			if err := os.Chmod(filepath.Join(dir, path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// makeWheel builds the project in dir.
func makeWheel(t *testing.T, dir string) (*wheel.Wheel, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := toml.Parse("pyproject.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	return Wheel(dir, doc, "pyproject.toml")
}

// cases returns the projects of a backend.
func cases(t *testing.T, backend string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", backend, "*.txtar"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	return files
}

// render lists a wheel, with the contents of the files that the backend makes.
func render(t *testing.T, w *wheel.Wheel) []byte {
	t.Helper()
	out := &txtar.Archive{}
	var list bytes.Buffer
	for _, f := range w.Files {
		mode := "-"
		if f.Executable {
			mode = "x"
		}
		fmt.Fprintf(&list, "%s %s\n", mode, f.Path)
		_, base, _ := strings.Cut(f.Path, ".dist-info/")
		if slices.Contains([]string{"METADATA", "WHEEL", "entry_points.txt", "top_level.txt", "RECORD"}, base) {
			data, err := entry.Entry{Content: f.Content}.Read()
			if err != nil {
				t.Fatal(err)
			}
			out.Files = append(out.Files, txtar.File{Name: base, Data: data})
		}
	}
	out.Comment = list.Bytes()
	return txtar.Format(out)
}

// TestGoldens holds what TestRealBackends has compared with the real backends.
func TestGoldens(t *testing.T) {
	for _, backend := range slices.Sorted(maps.Keys(packages)) {
		for _, file := range cases(t, backend) {
			t.Run(strings.TrimSuffix(file, ".txtar"), func(t *testing.T) {
				a, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				w, err := makeWheel(t, unpack(t, a))
				if err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, strings.TrimSuffix(file, ".txtar")+".golden", render(t, w), *update)
			})
		}
	}
}

const (
	poetrySystem = "[build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n"
	hatchSystem  = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
	flitSystem   = "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n"
	pdmSystem    = "[build-system]\nrequires = [\"pdm-backend\"]\nbuild-backend = \"pdm.backend\"\n"
	setupSystem  = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n"
	uvSystem     = "[build-system]\nrequires = [\"uv_build\"]\nbuild-backend = \"uv_build\"\n"
	projectHead  = "[project]\nname = \"demo\"\nversion = \"1\"\n"
	flitHead     = projectHead + "description = \"\"\n"
	poetryHead   = "[tool.poetry]\nname = \"demo\"\nversion = \"1\"\ndescription = \"\"\nauthors = []\n"
)

// demo writes a project with both layouts of a module named demo.
func demo(t *testing.T, pyproject string, files ...string) string {
	t.Helper()
	a := &txtar.Archive{Files: []txtar.File{{Name: "pyproject.toml", Data: []byte(pyproject)}}}
	for _, f := range files {
		a.Files = append(a.Files, txtar.File{Name: f})
	}
	return unpack(t, a)
}

// TestRefusals holds that what is not handled is named, with the line of the key.
func TestRefusals(t *testing.T) {
	tests := []struct{ name, pyproject, want string }{
		{"unknown backend", "[project]\nname = \"demo\"\n[build-system]\nbuild-backend = \"mesonpy\"\n", "pyproject.toml:4: demo is built by mesonpy; lithe builds projects of poetry-core 2.5.0, hatchling 1.33.0, uv 0.13.6, flit 4.2.0, flit 3.12.0, pdm-backend 2.5.0, setuptools 84.2.1"},
		{"plugin", projectHead + "[build-system]\nrequires = [\"hatchling\", \"hatch-vcs\"]\nbuild-backend = \"hatchling.build\"\n", "pyproject.toml:5: build-system.requires[1] names hatch-vcs"},
		{"backend-path", projectHead + hatchSystem + "backend-path = [\".\"]\n", `pyproject.toml:7: build-system sets "backend-path"`},
		{"dynamic version", "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n" + hatchSystem, `pyproject.toml:3: project.dynamic lists "version"`},
		{"unknown project key", projectHead + "import-names = []\n" + uvSystem, `pyproject.toml:4: project sets "import-names"`},
		{"hatch hook", projectHead + hatchSystem + "[tool.hatch.build.hooks.custom]\n", `tool.hatch.build sets "hooks"`},
		{"hatch target hook", projectHead + hatchSystem + "[tool.hatch.build.targets.wheel.hooks.custom]\n", `targets.wheel sets "hooks"`},
		{"hatch metadata hook", projectHead + hatchSystem + "[tool.hatch.metadata.hooks.custom]\n", `tool.hatch.metadata sets "hooks"`},
		{"hatch strict naming", projectHead + hatchSystem + "[tool.hatch.build.targets.wheel]\nstrict-naming = false\n", `pyproject.toml:8: tool.hatch.build.targets.wheel sets "strict-naming"`},
		{"hatch outside", projectHead + hatchSystem + "[tool.hatch.build.targets.wheel.force-include]\n\"../x\" = \"x\"\n", `pyproject.toml:8: tool.hatch.build.targets.wheel.force-include names "../x"`},
		{"hatch type", projectHead + hatchSystem + "[tool.hatch.build.targets.wheel]\ninclude = \"x\"\n", "pyproject.toml:8: tool.hatch.build.targets.wheel.include is not an array"},
		{"licence", projectHead + "license = \"Frobnicate-1.0\"\n" + hatchSystem, `pyproject.toml:4: project.license is "Frobnicate-1.0"`},
		{"url", projectHead + "dependencies = [\n\"a\",\n\"b @ https://example.org/b.whl\"]\n" + uvSystem, "pyproject.toml:6: project.dependencies has b by URL"},
		{"uv marker", projectHead + "dependencies = [\"a; os_name == 'nt' or os_name == 'posix'\"]\n" + uvSystem, "pyproject.toml:4: a has a marker"},
		{"uv key", projectHead + uvSystem + "[tool.uv.build-backend]\nmodulename = \"x\"\n", `pyproject.toml:8: tool.uv.build-backend sets "modulename"`},
		{"uv module", projectHead + uvSystem + "[tool.uv.build-backend]\nmodule-name = \"x.y\"\n", "pyproject.toml:8: tool.uv.build-backend.module-name: there is no file src/x/y/__init__.py"},
		{"uv root", projectHead + uvSystem + "[tool.uv.build-backend]\nmodule-root = \"../..\"\n", "leads out of the project"},
		{"uv glob", projectHead + uvSystem + "[tool.uv.build-backend]\nwheel-exclude = [\"../x\"]\n", "two dots"},
		{"uv licence glob", projectHead + "license-files = [\"**/L\"]\n" + uvSystem, "project.license-files has **"},
		{"poetry build script", poetryHead + "[tool.poetry.build]\nscript = \"build.py\"\n" + poetrySystem, `pyproject.toml:6: tool.poetry sets "build"`},
		{"poetry git", poetryHead + "[tool.poetry.dependencies]\nx = { git = \"https://example.org/x\" }\n" + poetrySystem, `pyproject.toml:7: tool.poetry.dependencies.x sets "git"`},
		{"poetry or", poetryHead + "[tool.poetry.dependencies]\nx = \"^1 || ^2\"\n" + poetrySystem, `pyproject.toml:7: tool.poetry.dependencies.x has the constraint "^1 || ^2"`},
		{"poetry python", poetryHead + "[tool.poetry.dependencies]\npython = \"^3.8 || ^3.10\"\n" + poetrySystem, "pyproject.toml:7: the Python constraint"},
		{"poetry package", poetryHead + "packages = [{ include = \"gone\" }]\n" + poetrySystem, "pyproject.toml:6: gone: there is no such file"},
		{"poetry package key", poetryHead + "packages = [{ include = \"demo\", where = \"x\" }]\n" + poetrySystem, `tool.poetry.packages sets "where"`},
		{"poetry extra", poetryHead + "[tool.poetry.extras]\nx = [\"gone\"]\n" + poetrySystem, `"gone" is not among the dependencies`},
		{"poetry readme", poetryHead + "readme = \"README.md\"\n" + poetrySystem, "pyproject.toml:6: README.md is not a file"},
		{"poetry license", poetryHead + "license = \"Frobnicate\"\n" + poetrySystem, `pyproject.toml:6: the license is "Frobnicate"`},
		{"flit release", projectHead + "description = \"\"\n[build-system]\nrequires = [\"flit_core <3\"]\nbuild-backend = \"flit_core.buildapi\"\n", "pyproject.toml:6: the project wants flit_core <3, and lithe reproduces the wheels of flit 4.2.0"},
		{"flit no description", projectHead + flitSystem, "pyproject.toml:1: flit_core wants project.description"},
		{"flit both", flitHead + flitSystem, "the module demo may be any of demo, src/demo"},
		{"flit old table", "[tool.flit.metadata]\nmodule = \"demo\"\n" + flitSystem, "pyproject.toml:1: tool.flit.metadata stands in place of [project]"},
		{"pdm scm", "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n" + pdmSystem + "[tool.pdm.version]\nsource = \"scm\"\n", `pyproject.toml:3: the version comes from "scm"`},
		{"pdm call", "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n" + pdmSystem + "[tool.pdm.version]\nsource = \"call\"\ngetter = \"x:y\"\n", `pyproject.toml:3: the version comes from "call"`},
		{"pdm hook", projectHead + pdmSystem + "[tool.pdm.build]\ncustom-hook = \"demo/__init__.py\"\n", "pyproject.toml:8: demo/__init__.py is a build hook"},
		{"pdm setuptools", projectHead + pdmSystem + "[tool.pdm.build]\nrun-setuptools = true\n", "pyproject.toml:8: tool.pdm.build.run-setuptools runs setuptools"},
		{"pdm data", projectHead + pdmSystem + "[tool.pdm.build]\nwheel-data = {}\n", `tool.pdm.build sets "wheel-data"`},
		{"pdm outside", projectHead + pdmSystem + "[tool.pdm.build]\nincludes = [\"../x\"]\n", "../x leads out of the project"},
		{"setuptools release", projectHead + "[build-system]\nrequires = [\"setuptools<70\"]\nbuild-backend = \"setuptools.build_meta\"\n", "pyproject.toml:5: the project wants setuptools <70, and lithe reproduces the wheels of setuptools 84.2.1; admit that release"},
		{"setuptools plugin", projectHead + "[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\nbuild-backend = \"setuptools.build_meta\"\n", "pyproject.toml:5: build-system.requires[1] names setuptools-scm, which may be a plugin"},
		{"setuptools no version", "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n" + setupSystem, `pyproject.toml:3: project.dynamic lists "version", and tool.setuptools.dynamic does not say where it is from`},
		{"setuptools version", "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n" + setupSystem + "[tool.setuptools.dynamic]\nversion = { attr = \"demo.version\" }\n", "pyproject.toml:8: src/demo/__init__.py assigns no literal to version"},
		{"setuptools extensions", projectHead + setupSystem + "[[tool.setuptools.ext-modules]]\nname = \"x\"\n", `tool.setuptools sets "ext-modules"`},
		{"setuptools commands", projectHead + setupSystem + "[tool.setuptools.cmdclass]\nx = \"y\"\n", `tool.setuptools sets "cmdclass"`},
		{"setuptools options", projectHead + setupSystem + "[tool.distutils.bdist_wheel]\npython-tag = \"cp3\"\n", `tool.distutils sets "python-tag" of the command bdist_wheel`},
		{"setuptools outside", projectHead + setupSystem + "[tool.setuptools.packages.find]\nwhere = [\"..\"]\n", `packages.find looks in "..", which is not a directory of the project`},
		{"setuptools data outside", projectHead + setupSystem + "[tool.setuptools.package-data]\ndemo = [\"../../../x\"]\n", "leads out of it"},
		{"setuptools data beside", projectHead + setupSystem + "[tool.setuptools.package-data]\ndemo = [\"../x\"]\n", `the data pattern "../x" of the package demo leads out of it`},
		{"setuptools licence", projectHead + "license-files = [\"a/../L*\"]\n" + setupSystem, `pyproject.toml:4: the pattern "a/../L*" of licence files has two dots`},
		{"setuptools old licence", projectHead + "license = { text = \"x\" }\nlicense-files = [\"L*\"]\n" + setupSystem, "pyproject.toml:4: project.license must be a string"},
		{"readme outside", projectHead + "readme = \"../README.md\"\n" + uvSystem, "../README.md is outside of the project"},
		{"version", "[project]\nname = \"demo\"\nversion = \"one\"\n" + uvSystem, "pyproject.toml:3:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := makeWheel(t, demo(t, tt.pyproject, "src/demo/__init__.py", "demo/__init__.py"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if _, ok := diag.Problems(err); !ok {
				t.Errorf("%v holds no problem", err)
			}
			if errors.Is(err, ErrNoModule) {
				t.Errorf("%v is ErrNoModule", err)
			}
		})
	}
}

// TestSeveralProblems holds that one run reports all of them.
func TestSeveralProblems(t *testing.T) {
	_, err := makeWheel(t, demo(t, projectHead+"a = 1\nb = 2\n"+uvSystem+"[tool.uv.build-backend]\n", "src/demo/__init__.py"))
	if list, ok := diag.Problems(err); !ok || len(list) != 2 {
		t.Errorf("got %v", err)
	}
}

// TestNoModule holds that a project without a module can be told from a broken one.
func TestNoModule(t *testing.T) {
	tests := []struct {
		name, pyproject string
		files           []string
	}{
		{"poetry, name unlike module, no README", poetryHead + "readme = \"README.md\"\n" + poetrySystem, []string{"hello_world/main.py"}},
		{"poetry, directory without modules", poetryHead + poetrySystem, []string{"demo/data.txt"}},
		{"poetry, package-mode", "[tool.poetry]\npackage-mode = false\n" + poetrySystem, []string{"demo/__init__.py"}},
		{"hatch", projectHead + hatchSystem, []string{"other/__init__.py"}},
		{"uv", projectHead + uvSystem, []string{"demo/__init__.py"}},
		{"flit", flitHead + flitSystem, []string{"other/__init__.py"}},
		{"pdm", projectHead + pdmSystem, []string{"other/x.txt"}},
		{"setuptools", projectHead + setupSystem, []string{"tests/x.py", "setup.cfg"}},
		{"setuptools without a description", setupSystem, []string{"demo/__init__.py"}},
		{"uv namespace", projectHead + uvSystem + "[tool.uv.build-backend]\nnamespace = true\n", []string{"src/x/y.py"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := makeWheel(t, demo(t, tt.pyproject, tt.files...)); !errors.Is(err, ErrNoModule) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestSymlinks holds that files of the host do not get into a wheel.
func TestSymlinks(t *testing.T) {
	for name, target := range map[string]string{"file": "/etc/hostname", "directory": "/etc", "parent": "../../.."} {
		for system, pyproject := range map[string]string{
			"poetry": poetryHead + poetrySystem, "hatch": projectHead + hatchSystem, "flit": flitHead + flitSystem,
			"pdm": projectHead + pdmSystem, "setuptools": projectHead + setupSystem + "[tool.setuptools.package-data]\n\"*\" = [\"*\"]\n",
			"uv": projectHead + uvSystem + "[tool.uv.build-backend]\nmodule-root = \"\"\n"} {
			t.Run(system+" "+name, func(t *testing.T) {
				dir := demo(t, pyproject, "demo/__init__.py")
				if err := os.Symlink(target, filepath.Join(dir, "demo", "link")); err != nil {
					t.Skip(err)
				}
				if _, err := makeWheel(t, dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	dir := demo(t, projectHead+hatchSystem, "demo/__init__.py")
	if err := os.Symlink("__init__.py", filepath.Join(dir, "demo", "inside.py")); err != nil {
		t.Skip(err)
	}
	if w, err := makeWheel(t, dir); err != nil || len(w.Files) != 5 {
		t.Errorf("a link inside of the project: %v", err)
	}
}

// Folders among the requirements are names alone: what Poetry and PDM write of them is where the checkout stands.
func TestLocalRequirements(t *testing.T) {
	for name, pyproject := range map[string]string{
		"poetry": "[tool.poetry]\nname = \"demo\"\nversion = \"1\"\ndescription = \"\"\nauthors = []\n[tool.poetry.dependencies]\npython = \"*\"\n" +
			"core = {path = \"../core\", develop = true, extras = [\"x\"]}\n" + poetrySystem,
		"pdm": projectHead + "dependencies = [\"core[x] @ file:///${PROJECT_ROOT}/../core\"]\n" + pdmSystem,
	} {
		t.Run(name, func(t *testing.T) {
			w, err := makeWheel(t, demo(t, pyproject, "demo.py"))
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Metadata.All("Requires-Dist"); !slices.Equal(got, []string{"core[x]"}) {
				t.Errorf("got %q", got)
			}
		})
	}
}
