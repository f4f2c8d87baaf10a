package vcsversion

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/interpreter"
)

// driver asks a project's backend for its metadata in each folder of a list, as a frontend does, and prints the versions.
const driver = `
import importlib, json, os, sys, tempfile
out = []
for case in json.load(sys.stdin):
    env = dict(os.environ)
    os.environ.update(v.split("=", 1) for v in case["env"])
    os.chdir(case["dir"])
    to = tempfile.mkdtemp()
    stdout, sys.stdout = os.dup(1), sys.stderr
    os.dup2(2, 1)
    try:
        name = importlib.import_module(case["backend"]).prepare_metadata_for_build_wheel(to)
        text = open(os.path.join(to, name, "METADATA")).read()
        out.append(text.split("\nVersion: ")[1].split("\n")[0])
    except BaseException as e:
        out.append("error: " + str(e))
    os.dup2(stdout, 1)
    sys.stdout = sys.__stdout__
    os.environ.clear()
    os.environ.update(env)
json.dump(out, sys.stdout)
`

// realCase is a folder for the driver.
type realCase struct {
	Dir     string   `json:"dir"`
	Backend string   `json:"backend"`
	Env     []string `json:"env"`
}

// today is the day that a tool writes for changes; lithe's is fixed.
var today = regexp.MustCompile(`\+(g[0-9a-f]+\.)?d20\d{6}$`)

// TestRealTools has the tools themselves tell the version in the checkout, and in a copy without repository that has what Ask
// gives: both are equal.
func TestRealTools(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("installs the tools from PyPI; set LITHE_E2E=1")
	}
	python := interpreter.Find(t)
	const calver, branch = "version_scheme = \"calver-by-date\"\n", "version_scheme = \"semver-pep440-release-branch\"\n"
	const root = "root = \"../..\"\n"
	setuptools := []realProject{{"setuptools-scm", setuptoolsHead, root, "setuptools.build_meta"}}
	for _, c := range []struct {
		install  []string
		projects []realProject
		untold   bool // of changes
	}{
		{[]string{"setuptools==84.2.1", "setuptools-scm==10.3.4", "vcs-versioning==2.6.0", "hatchling==1.33.0", "hatch-vcs==0.5.0", "pdm-backend==2.5.0"}, []realProject{
			setuptools[0],
			{"setuptools-scm by dates", setuptoolsHead + calver, root, "setuptools.build_meta"},
			{"setuptools-scm by branches", setuptoolsHead + branch, root, "setuptools.build_meta"},
			{"hatch-vcs", hatchHead, "raw-options = {search_parent_directories = true}\n", "hatchling.build"},
			{"pdm-backend", pdmHead, "", "pdm.backend"},
		}, false},
		{[]string{"setuptools==80.9.0", "setuptools-scm==9.2.2"}, setuptools, false},
		{[]string{"setuptools==80.9.0", "setuptools-scm==8.3.1"}, setuptools, true},
		{[]string{"setuptools==80.9.0", "setuptools-scm==7.1.0"}, setuptools, true},
	} {
		t.Run(c.install[1], func(t *testing.T) {
			if len(c.projects) == 1 && os.Getenv("LITHE_FULL") != "1" {
				t.Skip("an older release; set LITHE_FULL=1")
			}
			site := t.TempDir()
			run(t, nil, python, append([]string{"-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", site}, c.install...)...)
			compare(t, python, site, c.projects, c.untold)
		})
	}
}

// realProject is a project in all its scenarios.
type realProject struct{ name, head, root, backend string }

// compare asks the tools in a folder. Those that are untold of changes give the version of the commit.
func compare(t *testing.T, python, site string, projects []realProject, untold bool) {
	var cases []realCase
	var names []string
	var dirty []bool
	for _, p := range projects {
		for _, s := range scenarios(p.head, p.root) {
			r := newRepo(t)
			checkout := filepath.Join(r.dir, s.make(r))
			a, err := ask(t, checkout, nil)
			if err != nil {
				t.Fatal(err)
			}
			names, dirty = append(names, p.name+", "+s.name), append(dirty, s.dirty)
			cases = append(cases, realCase{checkout, p.backend, []string{}}, realCase{sandboxed(t, checkout, a), p.backend, append([]string{"SOURCE_DATE_EPOCH=315619200"}, a.Env...)})
		}
	}
	versions := versionsOf(t, python, site, cases)
	for i, name := range names {
		real, ours := today.ReplaceAllString(versions[2*i], "+${1}"+changedDay), versions[2*i+1]
		t.Logf("%s: %s", name, ours)
		if dirty[i] && untold {
			if ours == real || strings.Contains(ours, changedDay) {
				t.Errorf("%s: it is told of changes: the documentation says otherwise", name)
			}
			continue
		}
		if real != ours || strings.HasPrefix(ours, "error") {
			t.Errorf("%s: the tool says %s, and with what lithe gives it %s", name, versions[2*i], ours)
		}
	}
}

// sandboxed copies pyproject.toml to a folder that has no repository, and adds what an answer says.
func sandboxed(t *testing.T, checkout string, a *Answer) string {
	t.Helper()
	to := repo{t, t.TempDir()}
	data, err := os.ReadFile(filepath.Join(checkout, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	to.write("pyproject.toml", string(data))
	for _, f := range a.Files {
		data, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		to.write(f.Path, string(data))
	}
	return to.dir
}

// versionsOf runs the driver.
func versionsOf(t *testing.T, python, site string, cases []realCase) (out []string) {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "driver.py")
	if err := os.WriteFile(script, []byte(driver), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(run(t, append(os.Environ(), "PYTHONPATH="+site, "GIT_CONFIG_GLOBAL="+os.DevNull), python, script, string(in)), &out); err != nil || len(out) != len(cases) {
		t.Fatalf("%d answers to %d questions: %v", len(out), len(cases), err)
	}
	return out
}

// run runs a program; what stands last in args after the script is its input.
func run(t *testing.T, env []string, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	if env != nil {
		cmd.Env, cmd.Stdin = env, strings.NewReader(args[len(args)-1])
		cmd.Args = cmd.Args[:len(cmd.Args)-1]
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, stderr.String())
	}
	return out
}
