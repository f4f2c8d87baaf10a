package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// locked is a project, and a uv.lock whose packages have the wheels that are named: "fast" by "cp311 cp312", each for both
// platforms, or "cp311-cp311-macosx_11_0_arm64"; "sdist" is source code.
func locked(t *testing.T, config, requires string, packages ...string) Options {
	t.Helper()
	const hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	var edges, tables strings.Builder
	for _, p := range packages {
		name, files, _ := strings.Cut(p, " ")
		fmt.Fprintf(&edges, "{ name = %q }, ", name)
		fmt.Fprintf(&tables, "[[package]]\nname = %q\nversion = \"1.0\"\nsource = { registry = \"https://pypi.org/simple\" }\n", name)
		var wheels []string
		for file := range strings.FieldsSeq(files) {
			if file == "sdist" {
				fmt.Fprintf(&tables, "sdist = { url = \"https://files.example/%s-1.0.tar.gz\", hash = %q }\n", name, hash)
				continue
			}
			if !strings.Contains(file, "-") {
				file += "-" + file + "-manylinux_2_17_x86_64.manylinux_2_17_aarch64"
			}
			wheels = append(wheels, fmt.Sprintf("{ url = \"https://files.example/%s-1.0-%s.whl\", hash = %q }", name, file, hash))
		}
		fmt.Fprintf(&tables, "wheels = [%s]\n", strings.Join(wheels, ", "))
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.py":        "print('hello')\n",
		"pyproject.toml": "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \"" + requires + "\"\n[tool.lithe]\n" + config,
		"uv.lock": "version = 1\nrequires-python = \"" + requires + "\"\n[[package]]\nname = \"app\"\nversion = \"1.0\"\n" +
			"source = { virtual = \".\" }\ndependencies = [" + edges.String() + "]\n" + tables.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Dir: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Stale: "warn"}
}

func TestChosenPython(t *testing.T) {
	for _, tt := range []struct {
		name, config, requires string
		packages               []string
		base, minor            string
		reason                 string
	}{
		{"nothing to decide", "", ">=3.9", []string{"pure py3-none-any"}, "debian:trixie", "3.13", " it is the default"},
		{"requires-python", "", ">=3.9,<3.12", nil, "debian:bookworm", "3.11",
			"uv.lock:2 it has Python 3.11, which requires-python admits, and not that of debian:trixie"},
		{"wheels", "", ">=3.9", []string{"fast cp310 cp311 cp312"}, "debian:bookworm", "3.11",
			"uv.lock:9 it has Python 3.11, and fast 1.0 has no wheel for that of debian:trixie"},
		{"wheels of one platform", "", ">=3.9", []string{"fast cp313-cp313-manylinux_2_17_x86_64 cp311"}, "debian:bookworm", "3.11",
			"uv.lock:9 it has Python 3.11, and fast 1.0 has no wheel for that of debian:trixie"},
		{"wheels before source code", "", ">=3.9", []string{"fast cp311 sdist"}, "debian:bookworm", "3.11",
			"uv.lock:9 it has Python 3.11, and fast 1.0 has no wheel for that of debian:trixie"},
		{"source code alone", "", ">=3.9", []string{"slow sdist"}, "debian:trixie", "3.13", " it is the default"},
		{"as many as can be", "", ">=3.9", []string{"a cp311", "b cp311", "c cp313"}, "debian:bookworm", "3.11",
			"uv.lock:9 it has Python 3.11, and a 1.0 has no wheel for that of debian:trixie"},
		{"none is better", "", ">=3.9", []string{"mac cp311-cp311-macosx_11_0_arm64"}, "debian:trixie", "3.13", " it is the default"},
		{"needed, not released", "", ">=3.14", nil, "debian:forky", "3.14",
			"uv.lock:2 it has Python 3.14, which requires-python admits, and not that of debian:trixie"},
		{"needed by wheels", "", ">=3.9", []string{"new cp314"}, "debian:forky", "3.14",
			"uv.lock:9 it has Python 3.14, and new 1.0 has no wheel for that of debian:trixie"},
		{"not needed", "", ">=3.9", []string{"new cp314 sdist"}, "debian:trixie", "3.13", " it is the default"},
		{"named", "python = \"3.15\"", ">=3.9", []string{"fast cp311"}, "debian:forky", "3.15", "pyproject.toml:6 it has Python 3.15"},
		{"one of a suite", "base = \"debian:forky\"", ">=3.9", []string{"fast cp313"}, "debian:forky", "3.13", "pyproject.toml:6 the configuration says so"},
		{"named of a suite", "base = \"debian:forky\"\npython = \"3.15.0\"", ">=3.9", nil, "debian:forky", "3.15", "pyproject.toml:6 the configuration says so"},
		{"a standalone one by name", "python = \"3.12\"", ">=3.9", nil, "standalone:3.12", "", "pyproject.toml:6 it has Python 3.12"},
		{"a standalone one of a patch release", "python = \"3.12.4\"", ">=3.9", nil, "standalone:3.12.4", "", "pyproject.toml:6 it has Python 3.12"},
		{"a standalone one by requires-python", "", "==3.12.*", nil, "standalone:3.12", "",
			"uv.lock:2 it has Python 3.12, which requires-python admits, and not that of debian:trixie"},
		{"a standalone one by wheels", "", ">=3.9", []string{"a cp312 cp313", "b cp311 cp312"}, "standalone:3.12", "",
			"uv.lock:14 it has Python 3.12, and b 1.0 has no wheel for that of debian:trixie"},
		{"standalone, by wheels", "base = \"standalone\"", ">=3.9", []string{"a cp310 cp312"}, "standalone:3.12", "", "pyproject.toml:6 the configuration says so"},
		{"standalone and python", "base = \"standalone\"\npython = \"3.13.2\"", ">=3.9", nil, "standalone:3.13.2", "", "pyproject.toml:6 the configuration says so"},
		{"standalone of a release and python", "base = \"standalone:3.13+20250317\"\npython = \"3.13.2\"", ">=3.9", nil, "standalone:3.13.2+20250317", "",
			"pyproject.toml:6 the configuration says so"},
		{"standalone, none admitted", "base = \"standalone\"", "<3.9", nil, "standalone:3.15", "", "pyproject.toml:6 the configuration says so"},
		{"none", "", "<3.9", nil, "debian:trixie", "", " it is the default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := read(locked(t, tt.config, tt.requires, tt.packages...))
			if err != nil {
				t.Fatal(err)
			}
			var reason string
			for _, e := range in.decisions {
				if e.Decision == "base" {
					reason = e.Pos.String() + " " + e.Reason
				}
			}
			if diff := cmp.Diff([]string{tt.base, tt.minor, tt.reason}, []string{in.base, in.minor, reason}); diff != "" {
				t.Error(diff)
			}
			if warned := len(in.notices) > 0; warned != strings.HasPrefix(tt.name, "needed") {
				t.Errorf("warnings: %v", in.notices)
			}
		})
	}
}

func TestPythonsThatWouldFit(t *testing.T) {
	for _, tt := range []struct {
		name, config, requires string
		packages               []string
		want                   string
	}{
		{"a base has it", "python = \"3.13\"", ">=3.9", []string{"fast cp311 cp312"},
			"all packages have wheels for Python 3.11: set `base = \"debian:bookworm\"` and `python = \"3.11\"` in [tool.lithe]"},
		{"a standalone one has it", "base = \"debian:trixie\"", ">=3.9", []string{"a cp312 cp313", "b cp311 cp312"},
			"all packages have wheels for Python 3.12: set `base = \"standalone:3.12\"` in [tool.lithe]"},
		{"nothing has it", "", ">=3.9", []string{"a cp313", "b cp312"}, "there is no Python for which all packages have wheels for linux/amd64 and linux/arm64"},
		{"not admitted", "", ">=3.13", []string{"a cp312 cp313", "b cp312"}, "there is no Python for which all packages have wheels for linux/amd64 and linux/arm64"},
		{"beside source code", "python = \"3.13\"", ">=3.9", []string{"a cp311 sdist"}, ""},
		{"source code alone", "", ">=3.9", []string{"a sdist", "b py3-none-any"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := read(locked(t, tt.config, tt.requires, tt.packages...))
			if err != nil {
				t.Fatal(err)
			}
			_, err = newReport(t).check(in)
			if err == nil && tt.want == "" {
				return
			}
			if err == nil || !strings.HasSuffix(strings.TrimSuffix(err.Error(), "\n"), tt.want) || tt.want == "" && strings.Contains(err.Error(), "all packages") {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
}

// newReport is a builder that does nothing but warn.
func newReport(t *testing.T) *builder {
	return &builder{opt: Options{Stale: "warn", On: func(e Event) { t.Log(e.Text) }}, said: map[string]bool{}}
}

func TestNamedPythons(t *testing.T) {
	for _, tt := range []struct{ name, config, option, want string }{
		{"option", "python = \"3.11\"", "3.13", ""},
		{"too old", "python = \"3.8\"", "", "pyproject.toml:6: the project asks for Python 3.8, and lithe builds for 3.9 and later"},
		{"too old by option", "", "3.7.1", "the project asks for Python 3.7.1, and lithe builds for"},
		{"nothing has it", "python = \"3.99\"", "", "pyproject.toml:6: the project asks for Python 3.99, which no base has: debian:trixie has 3.13, debian:bookworm has 3.11, " +
			"debian:forky has 3.14 and 3.13 and 3.15, debian:sid has 3.14 and 3.13 and 3.15, standalone has 3.15 and 3.14 and 3.13 and 3.12 and 3.11 and 3.10 and 3.9; " +
			"set `python` in [tool.lithe] to one of these, if the project works with it"},
		{"no version", "", "pypy", "\"pypy\" is no version of Python; it must be a version such as \"3.13\""},
		{"of a target", "python = \"3.13\"\ntargets.prod.python = \"3.8\"", "", "pyproject.toml:7: the project asks for Python 3.8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := locked(t, tt.config, ">=3.9")
			opt.Python = tt.option
			in, err := read(opt)
			switch {
			case tt.want == "" && err == nil:
				if in.minor != tt.option {
					t.Errorf("Python %s", in.minor)
				}
			case tt.want == "" || err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
}

// A Python that no base has is told together with what else is wrong.
func TestUnavailableWithOthers(t *testing.T) {
	for requires, want := range map[string][]string{
		">=3.9":    {"python-unavailable", "no-wheel", "no-wheel"}, // a platform each
		">=3.16.2": {"python-unavailable"},
	} {
		_, err := read(locked(t, "python = \"3.16\"", requires, "fast cp311"))
		problems, _ := diag.Problems(err)
		var codes []string
		for _, p := range problems {
			codes = append(codes, p.Code)
		}
		if diff := cmp.Diff(want, codes); diff != "" {
			t.Errorf("%s: %s", requires, diff)
		}
	}
}

func TestEndOfLifeIsTold(t *testing.T) {
	var said []string
	b := &builder{opt: Options{Now: time.Date(2026, time.November, 20, 0, 0, 0, 0, time.UTC), On: func(e Event) { said = append(said, e.Text) }},
		said: map[string]bool{}}
	d := &decision{inputs: &inputs{project: &project.Project{}}}
	for _, python := range []string{"3.10.19", "3.10.19", "3.11.2"} {
		d.variants = append(d.variants, &variant{facts: base.Facts{Python: python}, target: plan.Target{}})
	}
	b.warnEnd(d)
	want := []string{"Python 3.10 is past its end of life: its last security fixes were in October 2026; " +
		"choose a newer one by `python`, if the project and its packages work with it"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}
