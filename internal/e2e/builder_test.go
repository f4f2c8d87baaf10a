//go:build linux

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// extension is a module that needs the headers of Python, and asks pg_config, a Perl script, where those of libpq are.
const extension = `#include <Python.h>
#include <libpq-fe.h>
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "tiny"};
PyMODINIT_FUNC PyInit_tiny(void)
{
    PyObject *m = PyModule_Create(&def);
    PyModule_AddIntConstant(m, "libpq", PQlibVersion());
    PyModule_AddStringConstant(m, "python", PY_VERSION);
    return m;
}
`

const compileExtension = `set -e
cc -shared -fPIC $(python3-config --includes) -I$(pg_config --includedir) tiny.c -o tiny.so -lpq
echo 'int main() { return 0; }' | c++ -x c++ - -o /tmp/a
/tmp/a
echo done | awk '{ print $1 }'
python3 -c 'import sys, tiny; print(tiny.python == sys.version.split()[0], tiny.libpq > 0)'
`

// TestBuilder compiles an extension in a builder of Debian's packages of today, as nobody, without a network.
func TestBuilder(t *testing.T) {
	l := need(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("downloads two compilers; TestSdists builds with one: set LITHE_FULL=1")
	}
	t.Parallel()
	names := []string{"debian:trixie", "debian:bookworm"}
	for _, name := range names {
		t.Run(strings.TrimPrefix(name, "debian:"), func(t *testing.T) {
			root := realBuilder(t, l, name, "libpq-dev")
			work := l.temp(t)
			write(t, filepath.Join(work, "tiny.c"), extension)
			if err := os.Chown(work, execute.DefaultUser, execute.DefaultUser); err != nil {
				t.Fatal(err)
			}
			var out, diagnostics bytes.Buffer
			code, err := execute.Namespace{}.Run(t.Context(), root, execute.Command{Args: []string{"/bin/sh", "-c", compileExtension}, Dir: "/build",
				Env:    []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1"},
				Stdout: &out, Stderr: &diagnostics, Binds: []execute.Bind{{Source: work, Target: "/build", Writable: true}}})
			if err != nil || code != 0 || out.String() != "done\nTrue True\n" {
				t.Fatalf("%q, %d, %v: %s", out.String(), code, err, diagnostics.String())
			}
			if text, err := exec.Command("readelf", "-d", filepath.Join(work, "tiny.so")).CombinedOutput(); err != nil || !strings.Contains(string(text), "[libpq.so.5]") {
				t.Errorf("the extension needs %s, %v", text, err)
			}
		})
	}
}

// realBuilder resolves and assembles a builder.
func realBuilder(t *testing.T, l *lab, name string, wants ...string) string {
	t.Helper()
	st, err := store.Open(l.temp(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	client := fetch.New(st, fetch.Options{})
	opt := base.Options{Name: name, Platforms: []string{"linux/amd64"}, Now: time.Now(), Mirror: os.Getenv("LITHE_DEBIAN_MIRROR"),
		SecurityMirror: os.Getenv("LITHE_DEBIAN_SECURITY_MIRROR")}
	for _, w := range wants {
		opt.Build = append(opt.Build, base.Want{Name: w})
	}
	pins, err := base.Resolve(t.Context(), client, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pins, err = base.LockBuilders(t.Context(), client, pins, opt.Platforms, nil, opt, nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	root, err := execute.MaterializeOn(t.Context(), st, nil, strings.Repeat("b", 64), func(dir string) error {
		return base.AssembleBuilder(t.Context(), client, pins, "linux/amd64", dir, opt, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d packages in %v", name, len(pins.Platforms[0].Builder.Packages), time.Since(start).Round(time.Second))
	return root
}
