//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// engineProject is Debian 13's engines as system packages of an image that nobody runs: its files are where they run.
const engineProject = `[project]
name = "engines"
version = "1.0"
requires-python = ">=3.12"
[tool.lithe]
base = "debian:trixie"
bytecode = false
entrypoint = ["/usr/sbin/dockerd"]
system-packages = ["docker.io", "podman", "crun", "mount"]
`

const engineLock = `version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "engines"
version = "1.0"
source = { virtual = "." }
`

// inRoot runs a command in a root file system, in which the folder of the tests stands where it stands outside. A chroot
// would not do: engines look for the mount that is their root.
const inRoot = `set -e
root=$1 shared=$2; shift 2
mount --make-rprivate /
mount --rbind "$root" "$root"
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/old" "$root$shared"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$shared"
mount --rbind "$shared" "$root$shared"
cd "$root"
pivot_root . old
/usr/bin/umount -l /old
cd /
exec "$@"
`

// TestNewerEngines loads into engines that are newer than the machine's, which run from a root file system that lithe
// assembled: Docker with its own store and with containerd's, and Podman.
func TestNewerEngines(t *testing.T) {
	l := need(t, "docker", "unshare")
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("downloads 150 MB of packages: set LITHE_FULL=1")
	}
	root := assembleEngines(t, l)
	for _, mode := range []string{"overlay2", "containerd"} {
		t.Run("docker with "+mode, func(t *testing.T) {
			address := startEngine(t, l, root, mode == "containerd")
			env := []string{"DOCKER_HOST=" + address, "DOCKER_CONTEXT="}
			run := func(image string) string {
				return commandIn(t, "", env, "docker", "run", "--rm", "--network", "none", image)
			}
			t.Log(strings.TrimSpace(commandIn(t, "", env, "docker", "info", "--format", "{{.ServerVersion}} {{.Driver}}")))
			loads(t, l, l.freshProject(t), "lithe.test/newer", call{env: env}, run)
			// All of an image is there, whatever was left out of the archive.
			commandIn(t, l.temp(t), env, "docker", "save", "--output", "saved.tar", "lithe.test/newer:2")
		})
	}
	t.Run("podman", func(t *testing.T) {
		bin, p := l.temp(t), newPodman(t, l)
		write(t, filepath.Join(bin, "enter"), inRoot)
		script := filepath.Join(bin, "podman")
		write(t, script, fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh %s/enter %s %s /usr/bin/podman \"$@\"\n", bin, root, l.dir))
		if err := os.Chmod(script, 0o755); err != nil {
			t.Fatal(err)
		}
		wrap, env := hideDocker(t)
		env = slices.Concat(env, p.env, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "TMPDIR=" + l.temp(t), "PODMAN_IGNORE_CGROUPSV1_WARNING=1"})
		run := func(image string) string {
			// crun, its default, refuses the mixture of cgroups that some machines have.
			return commandIn(t, "", env, script, "--runtime", "/usr/sbin/runc", "run", "--rm", "--network", "none", image)
		}
		t.Log(strings.TrimSpace(commandIn(t, "", env, script, "--version")))
		loads(t, l, l.freshProject(t), "localhost/lithe-newer", call{wrap: wrap, env: env}, run)
	})
}

// assembleEngines returns a folder with the engines and all that they need.
func assembleEngines(t *testing.T, l *lab) string {
	t.Helper()
	dir, layout, root := l.temp(t), filepath.Join(l.temp(t), "layout"), l.temp(t)
	write(t, filepath.Join(dir, "pyproject.toml"), engineProject)
	write(t, filepath.Join(dir, "uv.lock"), engineLock)
	m := l.build(t, dir, call{args: []string{"-o", "oci:" + layout}})
	for _, layer := range m.layers() {
		command(t, "tar", "-xzf", filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(layer.Digest, "sha256:")), "-C", root)
	}
	return root
}

// startEngine starts a Docker engine in a root and returns its address.
func startEngine(t *testing.T, l *lab, root string, containerd bool) (address string) {
	t.Helper()
	dir := l.temp(t)
	write(t, filepath.Join(dir, "enter"), inRoot)
	write(t, filepath.Join(dir, "daemon.json"), fmt.Sprintf(`{"features": {"containerd-snapshotter": %t}}`, containerd))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the engine has its own
	address = "unix://" + filepath.Join(dir, "s")
	cmd := exec.Command("unshare", "--mount", "sh", filepath.Join(dir, "enter"), root, l.dir, "/usr/sbin/dockerd", "--host", address,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid",
		"--config-file", filepath.Join(dir, "daemon.json"), "--iptables=false", "--ip6tables=false", "--bridge=none")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its containerd
		_ = cmd.Wait()
	})
	eventually(t, "a Docker engine", func() bool { return exec.Command("docker", "--host", address, "version").Run() == nil })
	return address
}
