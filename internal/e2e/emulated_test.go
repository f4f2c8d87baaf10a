//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

//go:embed testdata/survey.py
var survey string

// emulator is Debian's qemu-user-static.
const emulator = "qemu-aarch64-static"

// TestArm64Runs starts the images for arm64 that this machine made without running anything of them: the standard library
// and the wheels are imported with the same outcome as those for the machine's own architecture, from bytecode alone, and
// the service serves. It is slow, and so for .ci/full.
func TestArm64Runs(t *testing.T) {
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("needs " + emulator + ", and minutes: set LITHE_FULL=1")
	}
	l := need(t, emulator)
	t.Parallel()
	oci := filepath.Join(l.temp(t), "layout")
	l.build(t, l.project(t, "fastapi-service"), call{args: []string{"--platform", bothPlatforms, "-o", "oci:" + oci}})
	native := newRoot(t, l, readLayers(t, imageFor(t, oci, "amd64")))
	foreign := newRoot(t, l, readLayers(t, imageFor(t, oci, "arm64")))
	foreign.emulate(t)
	t.Run("imports", func(t *testing.T) {
		want, got := native.survey(t), foreign.survey(t)
		if want.machine != "x86_64" || got.machine != "aarch64" {
			t.Errorf("%s and %s", want.machine, got.machine)
		}
		if diff := cmp.Diff(want.outcomes, got.outcomes); diff != "" {
			t.Errorf("outcomes of imports (-amd64 +arm64):\n%s", diff)
		}
		for _, line := range []string{"stdlib ssl ok", "stdlib sqlite3 ok", "stdlib ctypes ok", "stdlib asyncio ok", "stdlib zoneinfo ok",
			"installed fastapi ok", "installed pydantic_core ok", "installed uvloop ok", "installed fastapi_service ok"} {
			if !strings.Contains(got.outcomes, line+"\n") {
				t.Errorf("not among the outcomes: %s\n%s", line, got.outcomes)
			}
		}
	})
	t.Run("serves", func(t *testing.T) {
		port := freePort(t)
		var log bytes.Buffer
		cmd := foreign.command("/venv/bin/uvicorn", "fastapi_service.app:app", "--host", "127.0.0.1", "--port", fmt.Sprint(port))
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		serves(t, "http://"+net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), "65532")
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		killed := time.AfterFunc(patient, func() { _ = cmd.Process.Kill() })
		defer killed.Stop()
		err := cmd.Wait() // uvicorn ends by the signal, as it should
		if !strings.Contains(log.String(), "Application shutdown complete") {
			t.Errorf("it did not shut down by itself: %v\n%s", err, log.String())
		}
	})
}

// root is an unpacked image, and what starts its programs.
type root struct {
	dir  string
	wrap []string // an emulator inside the root; empty for the machine's own architecture
}

// newRoot unpacks layers as they stand: nothing of lithe's own unpacking has a part in it.
func newRoot(t *testing.T, l *lab, layers [][]file) *root {
	t.Helper()
	r := &root{dir: filepath.Join(l.temp(t), "root")}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, files := range layers {
		for _, f := range files {
			if err := r.place(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

func (r *root) place(f file) error {
	path := filepath.Join(r.dir, f.Name)
	switch f.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return os.Chmod(path, os.FileMode(f.Mode&0o777)|os.ModeSticky*os.FileMode(f.Mode>>9&1))
	case tar.TypeSymlink:
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.Symlink(f.Linkname, path)
	}
	if err := os.WriteFile(path, f.data, os.FileMode(f.Mode)); err != nil {
		return err
	}
	return os.Chmod(path, os.FileMode(f.Mode))
}

// emulate puts the emulator, which is static, into the root.
func (r *root) emulate(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath(emulator)
	if err != nil {
		t.Fatal(err)
	}
	if err := copyFile(filepath.Join(r.dir, emulator), program); err != nil {
		t.Fatal(err)
	}
	r.wrap = []string{"/" + emulator}
}

// command runs the image's Python as its user, who may write to /tmp alone.
func (r *root) command(args ...string) *exec.Cmd {
	line := append(append(r.wrap[:len(r.wrap):len(r.wrap)], "/venv/bin/python"), args...)
	cmd := &exec.Cmd{Path: line[0], Args: line, Dir: "/app", Env: []string{"PATH=/venv/bin:/usr/bin", "HOME=/tmp", "LANG=C.UTF-8",
		"PYTHONUNBUFFERED=1", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir, Setpgid: true, Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	return cmd
}

// surveyed is what the survey found.
type surveyed struct{ machine, outcomes string }

// loaded is what Python says, with -v, of where the code of a module came from.
var loaded = regexp.MustCompile(`(?m)^# code object from '?([^'\n]+?)'?$`)

// survey imports all that can be imported, and checks that nothing was compiled for it.
func (r *root) survey(t *testing.T) surveyed {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := r.command("-v", "-c", survey)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		text := stderr.String()
		t.Fatalf("%v: %s\n%s", err, stdout.String(), text[max(0, len(text)-2000):])
	}
	from := loaded.FindAllStringSubmatch(stderr.String(), -1)
	for _, m := range from {
		if !strings.HasSuffix(m[1], ".pyc") {
			t.Errorf("%s was compiled at the start", m[1])
		}
	}
	if len(from) < 300 {
		t.Errorf("%d modules were loaded: the survey is broken", len(from))
	}
	first, rest, _ := strings.Cut(stdout.String(), "\n")
	return surveyed{strings.TrimPrefix(first, "machine "), rest}
}
