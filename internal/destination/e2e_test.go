package destination_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/destination"
)

// The tests in this file want real engines and tools, so that they run only where LITHE_E2E is set, and then fail where
// one is missing. Docker is the one that DOCKER_HOST names.
func needE2E(t *testing.T, commands ...string) {
	t.Helper()
	if os.Getenv("LITHE_E2E") == "" {
		t.Skip("set LITHE_E2E=1 to run with real engines")
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			t.Fatalf("%s is not here", c)
		}
	}
}

// TestEngines loads an image, loads it again, and loads it with other source code; it counts the bytes, and asks the
// engine what it has.
func TestEngines(t *testing.T) {
	for _, engine := range []string{"docker", "podman"} {
		t.Run(engine, func(t *testing.T) {
			needE2E(t, engine)
			e := realEngine(t, engine)
			st := newStore(t)
			salt := rand.Uint64()
			first := newImage(t, st, "1", salt)
			res := load(t, e, first, "lithe.test/app:1")
			if res.Sent < 1_000_000 || res.Digest != digest(t, first) {
				t.Errorf("first load: %+v", res)
			}
			t.Cleanup(func() { remove(t, e, "lithe.test/app:1", "lithe.test/app:2", "other:latest") })
			if again := load(t, e, first, "lithe.test/app:1", "other"); again.Sent != 0 || again.ID != res.ID {
				t.Errorf("second load: %+v", again)
			}
			second := newImage(t, st, "2", salt)
			changed := load(t, e, second, "lithe.test/app:2")
			if changed.Sent == 0 || changed.Sent > 100_000 {
				t.Errorf("after a change: %+v", changed)
			}
			if images := command(t, append(e.Command(), "images")...); strings.Contains(images, "lithe-podman") {
				t.Errorf("a name of ours was left:\n%s", images)
			}
			for name, want := range map[string]string{"lithe.test/app:1": "1", "other:latest": "1", "lithe.test/app:2": "2"} {
				if got := readFrom(t, e, name); got != "version "+want {
					t.Errorf("%s holds %q", name, got)
				}
			}
		})
	}
}

// TestArchiveIsRead gives the archive to all that read it.
func TestArchiveIsRead(t *testing.T) {
	needE2E(t)
	file := filepath.Join(t.TempDir(), "image.tar")
	img := newImage(t, newStore(t), "1", rand.Uint64())
	write(t, "docker-archive:"+file, img, "lithe.test/archive:1", "archive:latest")
	for name, args := range map[string][]string{
		"docker": {"docker", "load", "--input", file},
		"podman": {"podman", "load", "--input", file},
		"skopeo": {"skopeo", "inspect", "--config", "docker-archive:" + file + ":lithe.test/archive:1"},
		"copied": {"skopeo", "copy", "docker-archive:" + file + ":archive:latest", "dir:" + t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			needE2E(t, args[0])
			if args[0] == "docker" || args[0] == "podman" {
				e := realEngine(t, args[0])
				args = append(e.Command(), args[1:]...)
				t.Cleanup(func() { remove(t, e, "lithe.test/archive:1", "archive:latest") })
				defer func() {
					if got := readFrom(t, e, "lithe.test/archive:1"); got != "version 1" {
						t.Errorf("holds %q", got)
					}
				}()
			}
			out := command(t, args...)
			t.Log(out)
		})
	}
}

// TestLayoutIsRead gives the layout to all that read it.
func TestLayoutIsRead(t *testing.T) {
	needE2E(t)
	dir := filepath.Join(t.TempDir(), "layout")
	img := newImage(t, newStore(t), "1", rand.Uint64())
	write(t, "oci:"+dir, img, "app:1.0")
	t.Run("skopeo", func(t *testing.T) {
		needE2E(t, "skopeo")
		if out := command(t, "skopeo", "inspect", "oci:"+dir+":app:1.0"); !strings.Contains(out, digest(t, img)) {
			t.Error(out)
		}
	})
	t.Run("umoci", func(t *testing.T) {
		needE2E(t, "umoci")
		if out := command(t, "umoci", "ls", "--layout", dir); !strings.Contains(out, "app:1.0") {
			t.Error(out)
		}
	})
}

// realEngine returns an engine by name.
func realEngine(t *testing.T, name string) destination.Engine {
	t.Helper()
	opt := destination.EngineOptions{Host: os.Getenv("DOCKER_HOST")}
	if name != "docker" {
		opt.Host = ""
		opt.Config = t.TempDir()
		opt.Socket = filepath.Join(t.TempDir(), "none")
		opt.LookPath = func(file string) (string, error) {
			if file != name {
				return "", exec.ErrNotFound
			}
			return exec.LookPath(file)
		}
	}
	e, err := destination.FindEngine(t.Context(), opt)
	if err != nil {
		t.Fatalf("%s does not answer: %v", name, err)
	}
	return e
}

// readFrom returns what the first-party file of an image holds in the engine.
func readFrom(t *testing.T, e destination.Engine, name string) string {
	t.Helper()
	id := strings.TrimSpace(command(t, append(e.Command(), "create", name, "/nothing")...))
	defer command(t, append(e.Command(), "rm", id)...)
	out := command(t, append(e.Command(), "cp", id+":/app/version", "-")...)
	i := strings.Index(out, "version ") // in a tar, behind its header
	if i < 0 {
		return out
	}
	return out[i:][:len("version 1")]
}

func remove(t *testing.T, e destination.Engine, names ...string) {
	for _, n := range names {
		// A test that failed may not have made them all.
		if out, err := exec.Command(e.Command()[0], append(e.Command()[1:], "rmi", n)...).CombinedOutput(); err != nil {
			t.Logf("%s: %s", n, out)
		}
	}
}

func command(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, stderr.String())
	}
	return stdout.String()
}
