//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hardened are the flags under which every image must run.
var hardened = []string{"--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}

// users are the one of the image, and one as an OpenShift cluster picks it.
var users = []string{"65532:65532", "1000810000:0"}

// docker runs a docker command and returns its output without the last line end.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(command(t, append([]string{"docker"}, args...)...))
}

// needDocker is need with an engine that answers.
func needDocker(t *testing.T, tools ...string) *lab {
	t.Helper()
	l := need(t, append(tools, "docker")...)
	if out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		t.Fatalf("no Docker engine answers: %v\n%s", err, out)
	}
	return l
}

// load puts a project into Docker under a name of the test's own, which goes when the test ends.
func (l *lab) load(t *testing.T, dir string, args ...string) string {
	t.Helper()
	name := fmt.Sprintf("lithe.test/e2e-%x", rand.Uint64())
	t.Cleanup(func() { quietly("docker", "rmi", "--force", name) })
	l.build(t, dir, call{args: append([]string{"--load", "-t", name}, args...)})
	return name
}

// container starts a container that goes when the test ends, and returns its name.
func container(t *testing.T, args ...string) string {
	t.Helper()
	name := fmt.Sprintf("lithe-e2e-%x", rand.Uint64())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, logs(t, name))
		}
		quietly("docker", "rm", "--force", name)
	})
	docker(t, append([]string{"run", "--detach", "--name", name}, args...)...)
	return name
}

// logs returns all that a container printed.
func logs(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("docker", "logs", name).CombinedOutput()
	if err != nil {
		t.Fatalf("docker logs: %v\n%s", err, out)
	}
	return string(out)
}

// quietly cleans up, which may have nothing to do.
func quietly(line ...string) { _ = exec.Command(line[0], line[1:]...).Run() }

// hideDocker returns what to start a program with, and its environment, so that it finds no Docker: not at DOCKER_HOST,
// not in a context, and not at the usual socket, where a machine may have one that is none of ours.
func hideDocker(t *testing.T) (wrap, env []string) {
	t.Helper()
	config := t.TempDir()
	write(t, filepath.Join(config, "config.json"), "{}") // Podman wants the file where the variable is set
	env = []string{"DOCKER_HOST=", "DOCKER_CONTEXT=", "DOCKER_CONFIG=" + config}
	const socket = "/var/run/docker.sock"
	if _, err := os.Stat(socket); err == nil {
		wrap = []string{"unshare", "--mount", "sh", "-c", `mount --bind /dev/null ` + socket + ` && exec "$@"`, "sh"}
	}
	return wrap, env
}

// podman is an engine with a store of the test's own.
type podman struct {
	env []string
}

// newPodman returns a Podman without images.
func newPodman(t *testing.T, l *lab) podman {
	t.Helper()
	dir := l.temp(t)
	storage, containers := filepath.Join(dir, "storage.conf"), filepath.Join(dir, "containers.conf")
	write(t, storage, fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n",
		filepath.Join(dir, "graph"), filepath.Join(dir, "run")))
	// Podman's default is more than a machine may be allowed where root lacks CAP_SYS_RESOURCE.
	write(t, containers, "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n")
	p := podman{env: []string{"CONTAINERS_STORAGE_CONF=" + storage, "CONTAINERS_CONF=" + containers}}
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--all", "--force"}, {"rmi", "--all", "--force"}} {
			cmd := exec.Command("podman", args...)
			cmd.Env = append(os.Environ(), p.env...)
			_ = cmd.Run()
		}
		quietly("umount", filepath.Join(dir, "graph", "overlay"))
	})
	return p
}

func (p podman) run(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(commandIn(t, "", p.env, append([]string{"podman"}, args...)...))
}

// TestHardened runs the examples with nothing that a program may lack, and stops them while they sleep.
func TestHardened(t *testing.T) {
	l := needDocker(t)
	for _, example := range []string{"hello-world", "hello-script"} {
		image := l.load(t, l.project(t, example))
		for _, user := range users {
			t.Run(example+" as "+user, func(t *testing.T) {
				flags := append(hardened[:len(hardened):len(hardened)], "--network", "none", "--user", user)
				out := docker(t, append(append([]string{"run", "--rm"}, flags...), image, "--name", "e2e")...)
				if out != "Hello, e2e!" {
					t.Errorf("printed %q", out)
				}
				stops(t, container(t, append(flags, image, "--sleep", "3600")...), "Hello", "1") // as click ends when interrupted
			})
		}
		if user := docker(t, "image", "inspect", "--format", "{{.Config.User}}", image); user != users[0] {
			t.Errorf("%s runs as %q by default, not as %s", example, user, users[0])
		}
	}
}
