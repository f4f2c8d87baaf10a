//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// The size of base and interpreter with bytecode, in bytes.
const (
	maxUnpacked   = 58_000_000
	maxCompressed = 21_000_000
)

// absent are the modules that an image has not, and why. All others must import.
var absent = map[string]string{
	"tkinter": "needs a display", "_tkinter": "needs a display", "turtle": "needs a display", "turtledemo": "needs a display",
	"idlelib": "needs a display", "ensurepip": "installs pip", "_gdbm": "not a part of Debian's Python", "dbm.gnu": "needs _gdbm",

	"_ios_support": "iOS", "_scproxy": "macOS", "_overlapped": "Windows", "_winapi": "Windows", "_wmi": "Windows",
	"asyncio.windows_events": "Windows", "asyncio.windows_utils": "Windows", "msvcrt": "Windows",
	"multiprocessing.popen_spawn_win32": "Windows", "nt": "Windows", "winreg": "Windows", "winsound": "Windows",
	"encodings.mbcs": "Windows", "encodings.oem": "Windows", "_pyrepl.windows_console": "Windows",

	"_distutils_system_mod": "Debian's hook for setuptools, which brings its own distutils",
	"sitecustomize":         "Debian's hook for its crash reporter",
}

// inImage runs a program from testdata in an image, read-only, and returns what it wrote.
func inImage(t *testing.T, image, script string, flags ...string) (stdout, stderr string) {
	t.Helper()
	line := append([]string{"run", "--rm", "--interactive", "--network", "none", "--entrypoint", "/venv/bin/python"}, hardened...)
	line = append(append(append(line, image), flags...), "-")
	var out, errs bytes.Buffer
	cmd := exec.Command("docker", line...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(line, " "), err, tail(errs.String()))
	}
	return out.String(), errs.String()
}

// tail is the end of a long text.
func tail(s string) string { return s[max(0, len(s)-2000):] }

// TestStandardLibrary imports all of it, and sees that no source is compiled for that.
func TestStandardLibrary(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	image := l.load(t, l.project(t, "hello-world"))
	stdout, stderr := inImage(t, image, read(t, "testdata/modules.py"), "-v")
	var got struct {
		Modules int
		Failed  map[string]string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	t.Logf("%d modules, %d of them not here", got.Modules, len(got.Failed))
	if got.Modules < 550 {
		t.Errorf("only %d modules: the walk is broken", got.Modules)
	}
	for name, reason := range got.Failed {
		if absent[name] == "" && !strings.HasPrefix(name, "test.") {
			t.Errorf("import %s: %s", name, reason)
		}
	}
	compilesNothing(t, stderr, 400)
}

// compilesNothing reads what python -v says of each module: the path of a .pyc in quotes, or that of the source without.
func compilesNothing(t *testing.T, verbose string, atLeast int) {
	t.Helper()
	loaded := 0
	for line := range strings.Lines(verbose) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "# code object from ")
		switch {
		case !ok:
		case strings.HasPrefix(path, "'") && strings.HasSuffix(path, ".pyc'"):
			loaded++
		default:
			t.Errorf("compiled %s", path)
		}
	}
	if loaded < atLeast {
		t.Errorf("only %d modules came from .pyc files\n%s", loaded, tail(verbose))
	}
}

// TestBytecode looks at every .pyc of a service with many wheels, and of a project that is copied.
func TestBytecode(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	for example, atLeast := range map[string]map[string]int{
		"fastapi-service": {"/usr/lib/python3.13": 500, "/venv": 300},
		"hello-script":    {"/usr/lib/python3.13": 500, "/venv": 10, "/app": 2},
	} {
		t.Run(example, func(t *testing.T) {
			stdout, _ := inImage(t, l.load(t, l.project(t, example)), read(t, "testdata/bytecode.py"))
			var got struct {
				Count    map[string]int
				Problems map[string]string
			}
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%v\n%s", err, stdout)
			}
			t.Logf("sources: %v", got.Count)
			for folder, n := range atLeast {
				if got.Count[folder] < n {
					t.Errorf("only %d sources in %s: the walk is broken", got.Count[folder], folder)
				}
			}
			for path, problem := range got.Problems {
				t.Errorf("%s: %s", path, problem)
			}
		})
	}
}

// TestStartCompilesNothing sees that a service starts from .pyc files alone.
func TestStartCompilesNothing(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	image := l.load(t, l.project(t, "fastapi-service"))
	_, stderr := inImage(t, image, "import fastapi_service.app, uvicorn, uvloop, httptools, watchfiles, websockets, yaml, dotenv", "-v")
	compilesNothing(t, stderr, 300)
}

// TestLibrariesAreFound looks for what programs seek by name: C libraries, certificates, time zones, the user.
func TestLibrariesAreFound(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	image := l.load(t, l.project(t, "hello-world"))
	stdout, _ := inImage(t, image, `
import ctypes, ctypes.util, getpass, locale, pwd, ssl, sys, zoneinfo
ctypes.CDLL(ctypes.util.find_library("c")).getpid()
print(ctypes.util.find_library("c"), ctypes.util.find_library("ssl"), ctypes.util.find_library("z"))
print(len(ssl.create_default_context().get_ca_certs()) > 140)
print(zoneinfo.ZoneInfo("Europe/Berlin"), len(zoneinfo.available_timezones()) > 400)
print(getpass.getuser(), pwd.getpwuid(65532).pw_dir, locale.getlocale()[1], sys.getfilesystemencoding(), sys.flags.utf8_mode)
`)
	want := "libc.so.6 libssl.so.3 libz.so.1\nTrue\nEurope/Berlin True\nnonroot /tmp UTF-8 utf-8 0\n"
	if stdout != want {
		t.Errorf("printed\n%s\nwant\n%s", stdout, want)
	}
	without, _ := inImage(t, image, `
import os
del os.environ["SSL_CERT_FILE"]
import ssl
print(len(ssl.create_default_context().get_ca_certs()))
`)
	if n, err := strconv.Atoi(strings.TrimSpace(without)); err != nil || n <= 140 {
		t.Errorf("without SSL_CERT_FILE there are %s certificates", without)
	}
}

// TestSizes measures base and interpreter.
func TestSizes(t *testing.T) {
	l := need(t)
	for name, m := range l.first {
		var compressed, unpacked int64
		for _, layer := range m.layers() {
			if layer.Kind == "base" || layer.Kind == "interpreter" {
				compressed, unpacked = compressed+layer.Size, unpacked+layer.UnpackedSize
			}
		}
		t.Logf("%s: base and interpreter %d bytes compressed, %d unpacked; all %d and %d", name, compressed, unpacked,
			m.Platforms[0].Size, m.Platforms[0].UnpackedSize)
		if compressed == 0 || compressed > maxCompressed || unpacked > maxUnpacked {
			t.Errorf("%s: base and interpreter are %d bytes compressed, %d unpacked", name, compressed, unpacked)
		}
	}
}
