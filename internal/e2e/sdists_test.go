//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// uwsgi is built with LITHE_FULL only: it takes a minute of an idle machine.
const uwsgi = "uwsgi==2.0.31 --hash=sha256:e8f8b350ccc106ff93a65247b9136f529c14bf96b936ac5b264c6ff9d0c76257\n"

// sdistProject copies the project whose packages are all built from source.
func sdistProject(t *testing.T, l *lab) string {
	t.Helper()
	dir := filepath.Join(l.temp(t), "sdists")
	if err := copyTree(dir, "testdata/sdists"); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("LITHE_FULL") == "1" {
		write(t, filepath.Join(dir, "requirements.txt"), read(t, filepath.Join(dir, "requirements.txt"))+uwsgi)
		edit(t, filepath.Join(dir, "pyproject.toml"), `"libyaml-0-2"]`, `"libyaml-0-2", "libpython3.13"]`)
		write(t, filepath.Join(dir, "main.py"), read(t, filepath.Join(dir, "main.py"))+
			"import subprocess\nassert subprocess.check_output(['uwsgi', '--version']) == b'2.0.31\\n'\n")
	}
	return dir
}

// TestSdists builds psycopg2, PyYAML and markupsafe from source, imports them in a container, and builds them again: elsewhere,
// with another number of processes, in a store that has none of the wheels, and from the lock alone.
func TestSdists(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := sdistProject(t, l)
	image := l.load(t, dir)
	stdout, _ := inImage(t, image, read(t, filepath.Join(dir, "main.py")))
	if want := "&lt;a&gt; 2.9.13 True True\n"; stdout != want {
		t.Errorf("printed %q, want %q", stdout, want)
	}
	first := l.build(t, dir, call{args: []string{"--locked"}})
	locked := read(t, filepath.Join(dir, "lithe.lock"))
	if n := strings.Count(locked, "[[build]]"); n < 3 || !strings.Contains(locked, `name = "setuptools"`) {
		t.Errorf("lithe.lock has %d builds:\n%s", n, locked)
	}
	again := filepath.Join(l.temp(t), "somewhere", "else")
	if err := copyTree(again, dir); err != nil {
		t.Fatal(err)
	}
	second := l.build(t, again, call{args: []string{"--locked"}, store: l.downloads(t, 0), env: []string{"LITHE_JOBS=1"}, umask: "077"})
	if second.Digest != first.Digest {
		t.Errorf("two builds of the same archives differ: %s with layers %+v, and %s with %+v", first.Digest, first.layers(), second.Digest, second.layers())
	}
	edit(t, filepath.Join(again, "lithe.lock"), "[[build]]", "[[build]]\n# changed") // still the same
	edit(t, filepath.Join(again, "requirements.txt"), "markupsafe==3.0.4", "markupsafe==3.0.3")
	if r := l.run(t, call{args: []string{"build", again, "--locked"}}); r.code == 0 {
		t.Error("--locked builds what is not locked")
	}
}

// TestExtension builds a project that has an extension in C and one in Cython, as its own backend does, and whose version is a tag
// of git.
func TestExtension(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := filepath.Join(l.temp(t), "extension")
	if err := copyTree(dir, "testdata/extension"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-mx"}, {"tag", "v1.2"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	image := l.load(t, dir)
	stdout, _ := inImage(t, image, "import cext, importlib.metadata as m; print(m.version('cext')); cext.main()")
	if stdout != "1.2\nanswer 42 42\n" {
		t.Errorf("printed %q", stdout)
	}
	edit(t, filepath.Join(dir, "src/cext/_native.c"), "FromLong(42)", "FromLong(43")
	r := l.run(t, call{args: []string{"build", dir}})
	for _, want := range []string{"warning: pyproject.toml:15: files that git tracks were changed", "error: pyproject.toml: cext cannot be built: the build says: src/cext/_native.c:2", "  | src/cext/_native.c:2", "hint: the whole log is /"} {
		if r.code != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("exit code %d without %q:\n%s", r.code, want, r.stderr)
		}
	}
}
