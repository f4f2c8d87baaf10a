//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reply is what the service says on /.
type reply struct{ Hello, Python, UID string }

// TestServiceInDocker asks the service in a container that lacks all it can.
func TestServiceInDocker(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	image := l.load(t, l.project(t, "fastapi-service"))
	for _, user := range users {
		t.Run(user, func(t *testing.T) {
			name := container(t, append(hardened[:len(hardened):len(hardened)], "--user", user, "--publish", "127.0.0.1::8000", image)...)
			uid, _, _ := strings.Cut(user, ":")
			serves(t, "http://"+docker(t, "port", name, "8000/tcp"), uid)
			docker(t, "stop", "--time", "60", name)
			if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", name); code == "137" {
				t.Error("it was killed")
			}
			if text := logs(t, name); !strings.Contains(text, "Application shutdown complete") {
				t.Errorf("it did not shut down by itself:\n%s", text)
			}
		})
	}
}

// TestServiceHealth has the engine ask the service whether it is well, with nothing but what is in the image: on a path that it
// serves, and on one that it does not.
func TestServiceHealth(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	for path, want := range map[string]string{"/": "healthy", "/nope": "unhealthy"} {
		dir := l.project(t, "fastapi-service")
		config := filepath.Join(dir, "pyproject.toml")
		write(t, config, read(t, config)+fmt.Sprintf("\n[tool.lithe]\nhealthcheck = {path = %q, interval = \"1s\", timeout = \"20s\", start-period = \"0s\", retries = 1}\n", path))
		name := container(t, append(hardened[:len(hardened):len(hardened)], l.load(t, dir))...)
		// Once the service is up, what is said of the second path is its answer, and no error.
		checks := "[0|]"
		if want == "unhealthy" {
			checks = "[1|]"
		}
		eventually(t, path+" is "+want, func() bool {
			state := docker(t, "inspect", "--format", "{{.State.Health.Status}} {{range .State.Health.Log}}[{{.ExitCode}}|{{.Output}}]{{end}}", name)
			return strings.HasPrefix(state, want+" ") && strings.Contains(state, checks)
		})
	}
}

// TestServiceInSandbox asks the service in lithe's own sandbox, as root and as a user without an engine.
func TestServiceInSandbox(t *testing.T) {
	l := need(t)
	t.Parallel()
	dir := l.project(t, "fastapi-service")
	for _, r := range sandboxes(t, l) {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(r.name+" "+sig.String(), func(t *testing.T) {
				port := freePort(t)
				p := l.start(r.with(dir, "--host", "127.0.0.1", "--port", fmt.Sprint(port)), "")
				serves(t, fmt.Sprintf("http://127.0.0.1:%d", port), "65532")
				stopService(t, p, sig)
			})
		}
	}
}

// TestServiceThroughEngine lets lithe run start the container, and publish the port.
func TestServiceThroughEngine(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	port := freePort(t)
	p := l.start(call{args: []string{"run", l.project(t, "fastapi-service"), "-p", fmt.Sprintf("127.0.0.1:%d:8000", port)}}, "")
	serves(t, fmt.Sprintf("http://127.0.0.1:%d", port), "65532")
	stopService(t, p, syscall.SIGTERM)
}

// serves waits for the service and checks its reply.
func serves(t *testing.T, url, uid string) {
	t.Helper()
	var body []byte
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(t, url, func() bool {
		resp, err := client.Get(url + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	var got reply
	if err := json.Unmarshal(body, &got); err != nil || got.Hello != "world" || got.UID != uid || !strings.HasPrefix(got.Python, "3.13.") {
		t.Errorf("%s replied %q, want uid %s (%v)", url, body, uid, err)
	}
}

// stopService ends lithe run, and with it the service.
func stopService(t *testing.T, p *running, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	got, err := p.wait()
	if err != nil {
		t.Fatal(err)
	}
	if got.code == 137 {
		t.Error("it was killed")
	}
	if !strings.Contains(got.stderr, "Application shutdown complete") {
		t.Errorf("it did not shut down by itself:\n%s", got.stderr)
	}
}

// freePort returns a port on loopback that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
