package wheel

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/interpreter"
)

// realWheels are distributions with what makes installing hard: compiled code, commands, .data directories (data,
// scripts that are programs, headers), namespace packages, many files, names that need normalizing, .pth files.
var realWheels = []string{"click==8.1.7", "PyYAML==6.0.2", "numpy==2.1.3", "ruff==0.8.0", "jupyterlab_widgets==3.0.13",
	"greenlet==3.1.1", "zope.interface==7.1.1", "Django==5.1.3", "setuptools==75.5.0", "docutils==0.21.2", "uvicorn==0.32.0",
	"pybind11==2.13.6"}

// TestAgainstPip installs real wheels into a real virtual environment with pip and compares: the same files, with the
// same bytes and modes, and the same rows in RECORD. Programs of entry points differ by design.
func TestAgainstPip(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("downloads wheels from PyPI; set LITHE_E2E=1")
	}
	python := interpreter.Find(t)
	dir := t.TempDir()
	venv := filepath.Join(dir, "venv")
	command(t, python, "-m", "venv", venv)
	bin := filepath.Join(venv, "bin", "python")
	wheels := filepath.Join(dir, "wheels")
	command(t, bin, append([]string{"-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
		"--only-binary", ":all:", "-d", wheels}, realWheels...)...)
	version := strings.TrimSpace(command(t, bin, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"))
	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(files) != len(realWheels) {
		t.Fatalf("%d wheels: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			compareWithPip(t, bin, version, file)
		})
	}
}

// compareWithPip lets the pip of one environment install into an empty one: before Python 3.12 a new environment has a
// setuptools of its own, some of whose files another setuptools has, too.
func compareWithPip(t *testing.T, pip, version, file string) {
	venv := filepath.Join(t.TempDir(), "venv")
	command(t, pip, "-m", "venv", "--without-pip", venv)
	before := listing(t, venv)
	bin := filepath.Join(venv, "bin", "python")
	name := filename(t, filepath.Base(file))
	command(t, pip, "-m", "pip", "--python", bin, "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index",
		"--no-compile", "--find-links", filepath.Dir(file), name.Name+"=="+name.Version.String())
	want := listing(t, venv)
	for p := range before {
		if bytes.Equal(before[p].data, want[p].data) {
			delete(want, p)
		}
	}
	w, err := Open(file, name)
	if err != nil {
		t.Fatal(err)
	}
	in, err := Install(w, Scheme{Prefix: "venv", Python: version, Interpreter: bin}, InstallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	compareInstalled(t, in, version, want)
	t.Logf("%d files, %d commands, warnings: %v", len(in.Entries), len(in.Scripts), in.Warnings)
}

// onDisk is a file that pip wrote.
type onDisk struct {
	data       []byte
	executable bool
}

func compareInstalled(t *testing.T, in *Installed, version string, want map[string]onDisk) {
	t.Helper()
	var ours, theirs []string
	for _, e := range in.Entries {
		p := strings.TrimPrefix(e.Path, "venv/")
		ours = append(ours, p)
		data, err := e.Read()
		if err != nil {
			t.Fatal(err)
		}
		real := want[p]
		generated := strings.HasPrefix(p, "bin/") && bytes.Contains(data, []byte("\nfrom "))
		switch base := filepath.Base(p); {
		case base == "INSTALLER" || generated:
		case base == "RECORD":
			compareRecords(t, data, real.data, in)
		case !bytes.Equal(data, real.data):
			t.Errorf("%s: other bytes than pip's", p)
		}
		if e.Mode != entry.FileMode(real.executable) {
			t.Errorf("%s: mode %o, pip's executable: %v", p, e.Mode, real.executable)
		}
	}
	for p := range want {
		if !isRequested(strings.TrimPrefix(p, "lib/"+version+"/site-packages/")) {
			theirs = append(theirs, p)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("-pip +ours\n%s", diff)
	}
}

// isRequested reports pip's own mark that a user asked for a distribution; vendored ones keep theirs.
func isRequested(p string) bool {
	return strings.Count(p, "/") == 1 && strings.HasSuffix(p, ".dist-info/REQUESTED")
}

// compareRecords compares rows but those of files that differ by design.
func compareRecords(t *testing.T, ours, theirs []byte, in *Installed) {
	t.Helper()
	rows := func(data []byte) (out []string) {
		list, err := parseRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			base := filepath.Base(r.path)
			if base == "INSTALLER" || strings.HasPrefix(r.path, "../../../bin/") {
				r = row{path: r.path, size: -1}
			}
			if !isRequested(r.path) {
				out = append(out, string(formatRecord([]row{r})))
			}
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(rows(theirs), rows(ours)); diff != "" {
		t.Errorf("%s: RECORD: -pip +ours\n%s", in.Name, diff)
	}
}

// listing returns the files below a directory.
func listing(t *testing.T, root string) map[string]onDisk {
	t.Helper()
	out := map[string]onDisk{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		out[filepath.ToSlash(rel)] = onDisk{data, info.Mode()&0o111 != 0}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
