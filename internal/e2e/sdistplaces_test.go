//go:build linux

package e2e

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

// onePackage copies the project of a package that is built from source in some seconds.
func onePackage(t *testing.T, l *lab) string {
	t.Helper()
	dir := filepath.Join(l.temp(t), "one")
	if err := copyTree(dir, filepath.Join("testdata", "native", "one")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSdistInEngine builds a source distribution in containers of Docker, which gives the image that namespaces give. The root
// with the compiler goes to the engine once.
func TestSdistInEngine(t *testing.T) {
	l := needDocker(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("sends a compiler to the engine: set LITHE_FULL=1")
	}
	t.Parallel()
	dir := onePackage(t, l)
	want := l.build(t, dir, call{args: []string{"--platform", "linux/amd64", "--executor", "namespace"}})
	before := roots(t)
	t.Cleanup(func() {
		for _, id := range roots(t) {
			if !slices.Contains(before, id) {
				docker(t, "rmi", "--force", id)
			}
		}
	})
	got := l.build(t, dir, call{args: []string{"--platform", "linux/amd64", "--executor", "engine", "--locked"}, store: l.downloads(t, 0)})
	if got.Digest != want.Digest {
		t.Errorf("in the engine %s with %+v, in namespaces %s with %+v", got.Digest, got.layers(), want.Digest, want.layers())
	}
	if made := len(roots(t)) - len(before); made != 1 {
		t.Errorf("%d roots stay in the engine", made)
	}
}

// withEmulator starts a program where an emulator of arm64 is registered, as Debian's binfmt-support does it: in a user namespace that
// has registrations of its own, so that the machine's stay as they are. Linux has these since 6.7.
const withEmulator = `set -e
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf ':qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:F' > /proc/sys/fs/binfmt_misc/register
exec "$@"`

// TestSdistForArm64 compiles a source distribution for arm64 under an emulator, and imports it. Without an emulator, the error has
// the ways out.
func TestSdistForArm64(t *testing.T) {
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("compiles under " + emulator + " for minutes: set LITHE_FULL=1")
	}
	l := need(t, emulator, "unshare")
	t.Parallel()
	dir := onePackage(t, l)
	oci := filepath.Join(l.temp(t), "layout")
	args := []string{"--platform", "linux/arm64", "-o", "oci:" + oci}
	if execute.CanRun("arm64") != nil {
		r := l.run(t, call{args: append([]string{"build", dir}, args...)})
		for _, want := range []string{"error: sources cannot be built for linux/arm64 here", "no emulator of arm64", "qemu-user-static", "lock versions that have wheels"} {
			if r.code != 1 || !strings.Contains(r.stderr, want) {
				t.Errorf("exit code %d without %q:\n%s", r.code, want, r.stderr)
			}
		}
	}
	l.build(t, dir, call{args: args, wrap: []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", withEmulator, "sh"}})
	importsForArm64(t, newRoot(t, l, readLayers(t, layoutImage(t, oci))))
}

// importsForArm64 imports what was compiled for arm64, under an emulator, and looks at the file.
func importsForArm64(t *testing.T, foreign *root) {
	t.Helper()
	foreign.emulate(t)
	const program = "import platform, markupsafe._speedups as m; print(platform.machine(), m.__file__)"
	out, err := foreign.command("-c", program).CombinedOutput()
	if want := "aarch64 /venv/lib/python3.13/site-packages/markupsafe/_speedups.cpython-313-aarch64-linux-gnu.so\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
	module := filepath.Join(foreign.dir, "venv/lib/python3.13/site-packages/markupsafe/_speedups.cpython-313-aarch64-linux-gnu.so")
	f, err := elf.Open(module)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("%s is for %v", module, f.Machine)
	}
}

// roots are the images of root file systems that lithe has given to the engine.
func roots(t *testing.T) []string {
	t.Helper()
	return strings.Fields(docker(t, "images", "--quiet", "--no-trunc", "--filter", "label=build.lithe.root"))
}
