//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/baseimages"
	"github.com/lithe-build/lithe/internal/testkit/standalone"
)

// TestServiceOnStandalone builds the service on an archive in the layout of python-build-standalone, made of Debian's own
// interpreter, and asks it over HTTP in a container that lacks all it can.
func TestServiceOnStandalone(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	tarball, err := baseimages.RealStandalone(debianLayers(t, l))
	if err != nil {
		t.Fatal(err)
	}
	m := standalone.New(t)
	m.Publish("20261021", standalone.Packed(standalone.Name("3.13.5", "20261021", runtime.GOARCH, standalone.Stripped), tarball))
	dir := l.project(t, "fastapi-service")
	if err := os.Remove(filepath.Join(dir, "lithe.lock")); err != nil {
		t.Fatal(err)
	}
	args := []string{"--base", "standalone:3.13", "--standalone-mirror", m.URL}
	image := l.load(t, dir, args...)
	name := container(t, append(hardened[:len(hardened):len(hardened)], "--publish", "127.0.0.1::8000", image)...)
	servesOn(t, "http://"+docker(t, "port", name, "8000/tcp"), "65532", "3.13.")
	compiled(t, image)
	docker(t, "stop", "--time", "10", name)
	if text := logs(t, name); !strings.Contains(text, "Application shutdown complete") {
		t.Errorf("it did not shut down by itself:\n%s", text)
	}
	const program = `
import ctypes.util, os, sqlite3, ssl, sys, sysconfig, zoneinfo
assert sys.base_prefix == "/usr/local", sys.base_prefix
assert os.path.realpath(sys.executable) == "/usr/local/bin/python3.13", sys.executable
assert ctypes.util.find_library("z"), "find_library finds nothing"
assert ssl.create_default_context().get_ca_certs(), "nobody is trusted"
assert sysconfig.get_path("stdlib") == "/usr/local/lib/python3.13", sysconfig.get_path("stdlib")
assert os.path.exists(ssl.__cached__) and "__pycache__" in ssl.__cached__, "the standard library is not compiled"
zoneinfo.ZoneInfo("Europe/Berlin")
print("ok")`
	if out := docker(t, append(append([]string{"run", "--rm", "--network", "none", "--entrypoint", "/venv/bin/python"}, hardened...), image, "-c", program)...); out != "ok" {
		t.Errorf("the program printed %q", out)
	}
	first := l.build(t, dir, call{args: append(args, "--locked")})
	again := l.build(t, dir, call{args: append(args, "--locked", "--executor", "loader"), store: filepath.Join(l.temp(t), "store")})
	if again.Digest != first.Digest {
		t.Errorf("another store and executor give %s, not %s", again.Digest, first.Digest)
	}
}
