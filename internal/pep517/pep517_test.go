package pep517_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// hostRoot makes a root of this machine's own system: these tests are about the frontend, not about Debian.
func hostRoot(t *testing.T) pep517.Options {
	t.Helper()
	const python = "/usr/bin/python3"
	if os.Getenv("LITHE_E2E") == "" {
		t.Skip("runs a Python of this machine in a sandbox: set LITHE_E2E=1")
	}
	if _, err := os.Stat(python); err != nil {
		t.Fatal(err)
	}
	executor, err := execute.Choose(t.Context(), execute.Need{Isolation: true})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"", "usr", "build", "proc", "dev", "tmp"} { // the umask may be any
		path := filepath.Join(root, dir)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	real, err := filepath.EvalSymlinks(python)
	if err != nil {
		t.Fatal(err)
	}
	return pep517.Options{Executor: executor, Root: root, Python: real, Minor: strings.TrimPrefix(filepath.Base(real), "python"), Jobs: 2,
		Binds: []execute.Bind{{Source: "/usr", Target: "/usr"}}}
}

// backend is a build backend that stands in the source tree, so that nothing must be installed for it.
const backend = `
import os, zipfile, base64, hashlib, sys

def get_requires_for_build_wheel(config_settings=None):
    return ["wanted>=1; python_version > '3'"] + sorted((config_settings or {}).values())

def build_wheel(directory, config_settings=None, metadata_directory=None):
    return make(directory, "demo-1.0-py3-none-any.whl")

def make(directory, name):
    files = {
        "demo/__init__.py": "x = %r\n" % sorted(os.environ.items()),
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "demo-1.0.dist-info/RECORD,,\n"
    names = list(files)
    if os.path.exists("other-order"):
        names.reverse()
    with zipfile.ZipFile(os.path.join(directory, name), "w", zipfile.ZIP_DEFLATED) as z:
        for n in names:
            data = files[n].encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += "%s,sha256=%s,%d\n" % (n, digest, len(data))
            z.writestr(n, data)
        z.writestr("demo-1.0.dist-info/RECORD", record)
    return name
`

const pyproject = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"

// tree makes a source tree of files, and installs nothing for it.
func tree(t *testing.T, opt pep517.Options, files map[string]string) (*pep517.Tree, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	made, err := pep517.New(opt, t.TempDir(), &log, func(dir string) error {
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Install(nil); err != nil {
		t.Fatal(err)
	}
	return made, &log
}

func wanted(t *testing.T, minor string) pep517.Wanted {
	t.Helper()
	v, python := version.MustParse("1.0"), version.MustParse(minor)
	return pep517.Wanted{Name: "demo", Version: &v, Tags: wheeltag.Supported(3, python.Minor(), "amd64", wheeltag.Libc{Family: "glibc", Major: 2, Minor: 36})}
}

// TestBuild builds one tree twice: in other places, and by a backend that finds its files in another order.
func TestBuild(t *testing.T) {
	opt := hostRoot(t)
	var made [][]byte
	for _, files := range []map[string]string{{"backend.py": backend, "pyproject.toml": pyproject},
		{"backend.py": backend, "pyproject.toml": pyproject, "other-order": ""}} {
		source, log := tree(t, opt, files)
		requires, err := source.Requires(t.Context(), map[string]string{"a": "b"})
		if err != nil || strings.Join(requires, " ") != "wanted>=1; python_version > '3' b" {
			t.Fatalf("requires %q, %v\n%s", requires, err, log)
		}
		path, err := source.Wheel(t.Context(), nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		w, err := pep517.Check(path, wanted(t, opt.Minor))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := pep517.Normalise(w, &b); err != nil {
			t.Fatal(err)
		}
		made = append(made, b.Bytes())
		checkNormal(t, b.Bytes())
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("two builds of the same files differ")
	}
}

// checkNormal reads a wheel again, and looks at what the build saw of the host.
func checkNormal(t *testing.T, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := wheeltag.ParseFilename(filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	w, err := wheel.Open(path, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Files {
		if f.Path != "demo/__init__.py" {
			continue
		}
		r, err := f.Content.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"('SOURCE_DATE_EPOCH', '315619200')", "('PYTHONHASHSEED', '0')", "('HOME', '/build/home')"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the build did not see %s: %s", want, text)
			}
		}
		if strings.Contains(string(text), os.TempDir()) && os.TempDir() != "/tmp" {
			t.Errorf("the build saw a folder of the host: %s", text)
		}
	}
}

// TestFailures has backends that fail, each in a way of its own.
func TestFailures(t *testing.T) {
	opt := hostRoot(t)
	for _, tt := range []struct{ what, backend, want string }{
		{"an exception", "def build_wheel(*a, **k): raise ValueError('no such luck')", "the build says: ValueError: no such luck"},
		{"no backend", "", "AttributeError"},
		{"a compiler", "import sys\ndef build_wheel(*a, **k):\n  print('x.c:3:10: fatal error: libpq-fe.h: No such file or directory'); sys.exit(1)",
			"the compiler says: x.c:3:10: fatal error: libpq-fe.h: No such file or directory"},
		{"no wheel", "def build_wheel(*a, **k): return 'demo-1.0-py3-none-any.whl'", "there is no such wheel"},
		{"no name", "def build_wheel(*a, **k): return None", "ended without"},
		{"a path", "def build_wheel(*a, **k): return '../../etc/passwd.whl'", "no file name of a wheel"},
		{"a link", "import os\ndef build_wheel(d, *a, **k):\n  os.symlink('/etc/passwd', d + '/demo-1.0-py3-none-any.whl')\n  return 'demo-1.0-py3-none-any.whl'", "is no file"},
		{"exit 0", "import os\ndef build_wheel(*a, **k): os._exit(0)", "ended without a result"},
	} {
		files := map[string]string{"backend.py": tt.backend, "pyproject.toml": pyproject}
		source, log := tree(t, opt, files)
		_, err := source.Wheel(t.Context(), nil)
		failure, ok := errors.AsType[*pep517.Failure](err)
		if tt.what == "no backend" {
			ok = ok && strings.Contains(err.Error(), "has no build_wheel")
		} else if tt.what != "no name" {
			ok = ok && strings.Contains(err.Error(), tt.want)
		}
		if !ok || tt.what == "a compiler" && failure.Missing != (pep517.Missing{Kind: pep517.Header, Name: "libpq-fe.h"}) {
			t.Errorf("%s: have %v, want %s\n%s", tt.what, err, tt.want, log)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"other-1.0-py3-none-any.whl", "is one of other"},
		{"demo-2.0-py3-none-any.whl", "is of version 2.0, and 1.0 is locked"},
		{"demo-1.0-cp39-cp39-win32.whl", "does not run on the target"},
		{"demo.whl", "has no valid name"},
		{"demo-1.0-py3-none-any.whl", "is broken"},
	} {
		path := filepath.Join(t.TempDir(), tt.file)
		if err := os.WriteFile(path, []byte("PK"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pep517.Check(path, wanted(t, "3.13")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: have %v, want %s", tt.file, err, tt.want)
		}
	}
}

// TestHostileUnpack unpacks archives that nobody here wrote.
func TestHostileUnpack(t *testing.T) {
	for _, id := range []string{"sdist-bomb", "sdist-device", "sdist-hardlink-out", "sdist-symlink-out", "sdist-truncated", "sdist-two-roots"} {
		archive := filepath.Join(corpus.Dir(t, "bad"), id, "evil-1.0.tar.gz")
		if err := pep517.Unpack(archive, "evil-1.0.tar.gz", t.TempDir()); err == nil {
			t.Errorf("%s was unpacked", id)
		}
	}
	dir := t.TempDir()
	if err := pep517.Unpack(filepath.Join(corpus.Dir(t, "bad"), "sdist-setuid", "evil-1.0.tar.gz"), "evil-1.0.tar.gz", dir); err != nil {
		t.Fatal(err)
	}
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSetuid != 0 {
			t.Errorf("%s is setuid", path)
		}
		return nil
	})
}

// TestHostileBuilds builds sources that nobody here wrote, and that mean harm. None may yield a wheel; what each is refused for
// is the sandbox's doing, or Check's.
func TestHostileBuilds(t *testing.T) {
	opt := hostRoot(t)
	opt.Limits = execute.Limits{Time: 20 * time.Second, Memory: 512 << 20}
	v := version.MustParse("1.0")
	want := wanted(t, opt.Minor)
	want.Name, want.Version = "evil", &v
	for id, text := range map[string]string{"net": "URLError", "hang": "more than 20s", "mem": "", "readhome": "", "exit0": "without a result", "otherwheel": "is one of"} {
		t.Run(id, func(t *testing.T) {
			var log bytes.Buffer
			archive := filepath.Join(corpus.Dir(t, "bad"), "sdist-build-"+id, "evil-1.0.tar.gz")
			source, err := pep517.New(opt, t.TempDir(), &log, func(dir string) error { return pep517.Unpack(archive, "evil-1.0.tar.gz", dir) })
			if err != nil {
				t.Fatal(err)
			}
			if err := source.Install(nil); err != nil {
				t.Fatal(err)
			}
			path, err := source.Wheel(t.Context(), nil)
			if err == nil {
				_, err = pep517.Check(path, want)
			}
			if failure, ok := errors.AsType[*pep517.Failure](err); !ok || !strings.Contains(failure.What, text) {
				t.Errorf("have %v, want %q\n%s", err, text, log.String())
			}
			if id == "readhome" && !strings.Contains(log.String(), "[]") {
				t.Errorf("the build read something: %s", log.String())
			}
		})
	}
}
