package backend

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/interpreter"
)

// packages maps a directory of cases to what pip installs and Python imports. The releases are those of kinds.
var packages = map[string]struct{ pip, module string }{
	"poetry":     {"poetry-core==2.5.0", "poetry.core.masonry.api"},
	"hatch":      {"hatchling==1.33.0", "hatchling.build"},
	"uv":         {"uv_build==0.13.6", "uv_build"},
	"flit":       {"flit_core==4.2.0", "flit_core.buildapi"},
	"flit3":      {"flit_core==3.12.0", "flit_core.buildapi"},
	"pdm":        {"pdm-backend==2.5.0", "pdm.backend"},
	"setuptools": {"setuptools==84.2.1", "setuptools.build_meta"},
}

// TestRealBackends builds every case with the real backend and compares: file list, modes, and each byte.
func TestRealBackends(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("installs the backends from PyPI; set LITHE_E2E=1")
	}
	python := interpreter.Find(t)
	venv := filepath.Join(t.TempDir(), "venv")
	run(t, "", python, "-m", "venv", venv)
	bin := filepath.Join(venv, "bin")
	for backend, p := range packages {
		run(t, "", filepath.Join(bin, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", p.pip)
		for _, file := range cases(t, backend) {
			t.Run(strings.TrimSuffix(file, ".txtar"), func(t *testing.T) {
				a, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				dir := unpack(t, a)
				w, err := makeWheel(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]string{}
				for _, f := range w.Files {
					data, err := entry.Entry{Content: f.Content}.Read()
					if err != nil {
						t.Fatal(err)
					}
					got[f.Path] = describe(f.Executable, data)
				}
				want := realWheel(t, bin, p.module, dir)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-real +ours\n%s", diff)
				}
				t.Logf("%s: %d files", p.pip, len(want))
			})
		}
	}
}

func describe(executable bool, data []byte) string {
	if executable {
		return "executable\n" + string(data)
	}
	return string(data)
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	// The backends call programs beside them (uv_build) and git; its global excludes are not part of a project.
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(name)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// realWheel builds with the backend, in a repository if there is a .gitignore, since poetry-core asks git.
func realWheel(t *testing.T, bin, module, dir string) map[string]string {
	t.Helper()
	return realWheelWith(t, bin, module, dir, "")
}

// realWheelWith takes modules from a folder before those that are installed.
func realWheelWith(t *testing.T, bin, module, dir, folder string) map[string]string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, ".gitignore")); err == nil {
		git, err := exec.LookPath("git")
		if err != nil {
			t.Skip("no git")
		}
		run(t, dir, git, "init", "-q")
	}
	out := t.TempDir()
	run(t, dir, filepath.Join(bin, "python"), "-c",
		"import sys, importlib\nif sys.argv[3]: sys.path.insert(0, sys.argv[3])\nimportlib.import_module(sys.argv[1]).build_wheel(sys.argv[2])",
		module, out, folder)
	files, err := filepath.Glob(filepath.Join(out, "*.whl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("wheels: %v %v", files, err)
	}
	z, err := zip.OpenReader(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := map[string]string{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want[f.Name] = describe(f.Mode()&0o111 != 0, data)
	}
	return want
}

// TestGeneratorsAreCompared keeps the releases in kinds and in packages the same.
func TestGeneratorsAreCompared(t *testing.T) {
	var got []string
	for _, p := range packages {
		got = append(got, strings.NewReplacer("==", " ", "uv_build", "uv", "flit_core", "flit").Replace(p.pip))
	}
	want := Generators()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestReferenceNamesReleases keeps the page of the reference to what is reproduced and compared.
func TestReferenceNamesReleases(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, generator := range Generators() {
		if !strings.Contains(string(page), generator) {
			t.Errorf("the page does not name %s", generator)
		}
	}
	list, err := os.ReadFile("testdata/sdists.txt")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(list), "--hash=sha256:"); !strings.Contains(string(page), "The tests build "+strconv.Itoa(n)+" projects") {
		t.Errorf("the page does not say that %d projects are built", n)
	}
}
