//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// maxChange is how many bytes a change of the source may cost at an engine that has the rest.
const maxChange = 100_000

// TestLoadDocker counts what goes to Docker: everything, nothing, and what an edit changed.
func TestLoadDocker(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := l.freshProject(t)
	name := fmt.Sprintf("lithe.test/load-%x", rand.Uint64())
	t.Cleanup(func() { quietly("docker", "rmi", "--force", name+":1", name+":2", name+":again") })
	run := func(image string) string { return docker(t, "run", "--rm", "--network", "none", image) }
	loads(t, l, dir, name, call{}, run)
}

// TestLoadPodman does the same with Podman, where no Docker is to be found.
func TestLoadPodman(t *testing.T) {
	l := need(t, "podman", "unshare")
	t.Parallel()
	p := newPodman(t, l)
	wrap, env := hideDocker(t)
	c := call{wrap: wrap, env: slices.Concat(env, p.env)}
	name := "localhost/lithe-load"
	run := func(image string) string {
		return p.run(t, append(append([]string{"run", "--rm", "--network", "none"}, hardened...), image)...)
	}
	loads(t, l, l.freshProject(t), name, c, run)

	dir := l.python(t)
	c.args = []string{"run", dir, "--", "-c", "import os; print(os.getuid()); raise SystemExit(37)"}
	if got := l.run(t, c); got.code != 37 || got.stdout != "65532\n" {
		t.Errorf("lithe run through podman printed %q and ended with %d\n%s", got.stdout, got.code, got.stderr)
	}
	if images := p.run(t, "images", "--format", "{{.Repository}}"); strings.Contains(images, "lithe-podman") {
		t.Errorf("a name of lithe's own was left:\n%s", images)
	}
}

// freshProject is a project whose first-party code no engine has seen.
func (l *lab) freshProject(t *testing.T) string {
	t.Helper()
	dir := l.project(t, "hello-world")
	edit(t, filepath.Join(dir, "src/hello_world/main.py"), "Hello, {name}!", fmt.Sprintf("Hello %x, {name}!", rand.Uint64()))
	return dir
}

// loads loads, loads again under another name, edits, and loads.
func loads(t *testing.T, l *lab, dir, name string, c call, run func(image string) string) {
	t.Helper()
	load := func(tag string) (metadata, int64) {
		t.Helper()
		c.args = []string{"--load", "-t", name + ":" + tag}
		m := l.build(t, dir, c)
		if len(m.Outputs) != 1 || m.Outputs[0].Reference != m.Digest {
			t.Fatalf("outputs are %+v, digest %s", m.Outputs, m.Digest)
		}
		return m, m.Outputs[0].Sent
	}
	first, sent := load("1")
	t.Logf("first load: %d bytes of %d", sent, first.Platforms[0].Size)
	if sent == 0 {
		t.Error("nothing was sent, so this shows nothing")
	}
	if _, sent := load("again"); sent != 0 {
		t.Errorf("the second load sent %d bytes", sent)
	}
	edit(t, filepath.Join(dir, "src/hello_world/main.py"), "Hello ", "Good morning ")
	_, sent = load("2")
	t.Logf("after an edit: %d bytes", sent)
	if sent == 0 || sent >= maxChange {
		t.Errorf("after an edit %d bytes were sent", sent)
	}
	for tag, want := range map[string]string{"1": "Hello ", "again": "Hello ", "2": "Good morning "} {
		if out := run(name + ":" + tag); !strings.HasPrefix(out, want) {
			t.Errorf("%s printed %q, want %q", tag, out, want)
		}
	}
}

// TestRunThroughDocker looks at what lithe run passes on.
func TestRunThroughDocker(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	r := runner{name: "docker", call: call{args: []string{"run"}}}
	dir := l.python(t)
	for _, look := range []struct {
		name, code, want string
		exit             int
	}{
		{"user", "import os; print(os.getuid(), os.getgid())", "65532 65532", 0},
		{"exit code", "raise SystemExit(37)", "", 37},
		{"no capabilities", "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapBnd', 'NoNewPrivs'))])",
			"['0000000000000000', '0000000000000000', '1']", 0},
		{"read-only mounts", "import os; print([bool(os.statvfs(p).f_flag & os.ST_RDONLY) for p in ('/', '/app', '/tmp')])", "[True, True, False]", 0},
	} {
		t.Run(look.name, func(t *testing.T) {
			got := l.run(t, r.with(dir, "-c", look.code))
			if strings.TrimSpace(got.stdout) != look.want || got.code != look.exit {
				t.Errorf("printed %q and ended with %d, want %q and %d\n%s", got.stdout, got.code, look.want, look.exit, got.stderr)
			}
		})
	}
	t.Run("piped input", func(t *testing.T) { pipes(t, l, r, dir) })
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) { ends(t, l, r, dir, sig) })
	}
	t.Run("no engine at DOCKER_HOST", func(t *testing.T) {
		c := r.with(dir, "-c", "pass")
		c.env = []string{"DOCKER_HOST=unix:///nonexistent/docker.sock"}
		if got := l.run(t, c); got.code == 0 || !strings.Contains(got.stderr, "/nonexistent/docker.sock") {
			t.Errorf("ended with %d\n%s", got.code, got.stderr)
		}
	})
}
