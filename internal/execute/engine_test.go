//go:build linux

package execute_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/execute"
)

// engine returns the executor of an engine.
func engine(t *testing.T, host string) execute.Executor {
	t.Helper()
	e, err := execute.Choose(t.Context(), execute.Need{Name: "engine", Isolation: true, Docker: docker.Options{Host: host}})
	if err != nil {
		t.Fatal(err)
	}
	return keyed{e, host, fmt.Sprintf("test-%d", os.Getpid())}
}

// podmanService starts Podman with a storage of its own, and returns its address.
func podmanService(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	storage, containers := filepath.Join(dir, "storage.conf"), filepath.Join(dir, "containers.conf")
	err := errors.Join(
		os.WriteFile(storage, fmt.Appendf(nil, "[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n",
			filepath.Join(dir, "graph"), filepath.Join(dir, "run")), 0o644),
		// Podman's default is more than a machine may be allowed where root lacks CAP_SYS_RESOURCE.
		os.WriteFile(containers, []byte("[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	host := "unix://" + filepath.Join(dir, "podman.sock")
	environment := append(os.Environ(), "CONTAINERS_STORAGE_CONF="+storage, "CONTAINERS_CONF="+containers)
	service := exec.Command("podman", "system", "service", "--time", "0", host)
	service.Env = environment
	service.Dir = dir // where conmon leaves a file "oom" for each container that ran out of memory
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = service.Process.Kill()
		_ = service.Wait()
		for _, args := range [][]string{{"rm", "--all", "--force"}, {"rmi", "--all", "--force"}} {
			cmd := exec.Command("podman", args...)
			cmd.Env = environment
			_ = cmd.Run()
		}
		_ = exec.Command("umount", filepath.Join(dir, "graph", "overlay")).Run()
	})
	for range 1000 {
		if _, err := api(t, host).Ping(t.Context()); err == nil {
			return host
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Podman's service does not answer")
	return ""
}

// keyed gives every command the key of the tests' root, so that the engine gets it once.
type keyed struct {
	execute.Executor
	host, key string
}

func (k keyed) podman() bool { return strings.HasSuffix(k.host, "podman.sock") }

func (k keyed) Run(ctx context.Context, root string, c execute.Command) (int, error) {
	c.RootKey = k.key
	return k.Executor.Run(ctx, root, c)
}

func TestEngine(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("needs Docker; set LITHE_E2E=1")
	}
	testEngine(t, os.Getenv("DOCKER_HOST"))
}

// Podman's service keeps the same promises, but for what isPodman and added say.
func TestPodmanEngine(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("needs Podman, as root; set LITHE_E2E=1")
	}
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("takes minutes: set LITHE_FULL=1")
	}
	testEngine(t, podmanService(t))
}

func testEngine(t *testing.T, host string) {
	e := engine(t, host)
	t.Cleanup(func() {
		api := api(t, host)
		if err := api.RemoveImage(context.Background(), "localhost/lithe-root:"+e.(keyed).key); err != nil {
			t.Error(err)
		}
		if left, err := api.Labelled(context.Background(), "build.lithe.sandbox"); err != nil || len(left) > 0 {
			t.Errorf("containers are left: %v, error %v", left, err)
		}
	})
	testExecutor(t, e)
	t.Run("resources", func(t *testing.T) { testResources(t, e) })
	t.Run("escape", func(t *testing.T) { testEscape(t, e) })
	t.Run("isolation", func(t *testing.T) { testContained(t, e) })
	t.Run("no network of the host", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		if got := run(t, e, program("get", server.URL)); got.Code != 1 || !strings.Contains(got.Out, "connection refused") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("binds", func(t *testing.T) { testBinds(t, e) })
	t.Run("results", func(t *testing.T) { testResultsBack(t, e) })
	t.Run("below tmp", func(t *testing.T) { testBelowTmp(t, e) })
	t.Run("another machine", func(t *testing.T) { testRemote(t, host) })
	t.Run("after a kill", func(t *testing.T) { testSweep(t, e) })
	t.Run("without a key", func(t *testing.T) {
		if got := run(t, e.(keyed).Executor, program("exit", "3")); got.Code != 3 {
			t.Errorf("%+v", got)
		}
	})
}

// testContained is the part of the sandbox's isolation that an engine has, too.
func testContained(t *testing.T, e execute.Executor) {
	for name, test := range map[string]struct {
		command execute.Command
		want    string
	}{
		"default user":    {program("ids"), "65532 65532 65532 65532\n"},
		"no capabilities": {program("status"), isolation[2].want.Out},
		"read-only root": {program("write", "/x", "/work/x"),
			"/x: open /x: read-only file system\n/work/x: open /work/x: read-only file system\n"},
		"an empty network": {program("net"), "lo true\n"},
		"host name":        {program("read", "/proc/sys/kernel/hostname"), "localhost\n"},
		"tmp":              {program("write", "/tmp/x", "/dev/shm/x"), "/tmp/x: <nil>\n/dev/shm/x: <nil>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(result{Out: test.want}, run(t, e, test.command)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Files come back as the program left them: changed, removed, and only up to the limit.
func testResultsBack(t *testing.T, e execute.Executor) {
	dir := filepath.Join(t.TempDir(), "tree")
	for name, content := range map[string]string{"a/old": "old", "b": "as it was"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c := program("write", "/work/new", "/work/a/old")
	c.Binds = []execute.Bind{{Source: dir, Target: "/work", Writable: true}}
	if got := run(t, e, c); got.Out != "/work/new: <nil>\n/work/a/old: <nil>\n" {
		t.Errorf("%+v", got)
	}
	want := map[string]string{"a/old": "written", "b": "as it was", "new": "written"}
	got := map[string]string{}
	for name := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		got[name] = string(data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	c = program("many", "/work", "30")
	c.Stdout, c.Binds, c.Limits.Disk = &out, []execute.Bind{{Source: dir, Target: "/work", Writable: true}}, 20<<20
	c.Args = append(c.Args, "end")
	exceeds(t, e, "disk", c)
	if data, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || string(data) != "as it was" {
		t.Errorf("results that are too large replaced the files: %q, %v", data, err)
	}
}

// api is a client for what the tests look at in the engine.
func api(t *testing.T, host string) *docker.Client {
	t.Helper()
	found, err := docker.Find(docker.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return docker.New(found, nil)
}

// An engine by TCP, as on another machine: nothing but the connection is shared.
func testRemote(t *testing.T, host string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket := strings.TrimPrefix(host, "unix://")
	if socket == "" {
		socket = "/var/run/docker.sock"
	}
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("unix", socket)
			if err != nil {
				_ = here.Close()
				continue
			}
			go func() { _, _ = io.Copy(there, here); _ = there.(*net.UnixConn).CloseWrite() }()
			go func() { _, _ = io.Copy(here, there); _ = here.Close() }()
		}
	}()
	e, err := execute.Choose(t.Context(), execute.Need{Name: "engine", Docker: docker.Options{Host: "tcp://" + l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	testResultsBack(t, e)
	c := program("sum")
	c.Stdin = io.LimitReader(&pattern{}, 1_000_000)
	if got := run(t, e, c); !strings.HasPrefix(got.Out, "1000000 ") {
		t.Errorf("%+v", got)
	}
}

// What a killed run left is removed by the next one, when its time is over.
func testSweep(t *testing.T, e execute.Executor) {
	ids := map[string]string{}
	for name, until := range map[string]time.Time{"over": time.Now().Add(-time.Minute), "not yet": time.Now().Add(time.Hour)} {
		id, err := api(t, e.(keyed).host).Create(t.Context(), docker.Container{Image: "localhost/lithe-root:" + e.(keyed).key, Entrypoint: []string{},
			Cmd: []string{"/program", "wait"}, Labels: map[string]string{"build.lithe.sandbox": strconv.FormatInt(until.Unix(), 10)}})
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = id
	}
	run(t, e, program("exit", "0"))
	left, err := api(t, e.(keyed).host).Labelled(t.Context(), "build.lithe.sandbox")
	if err != nil {
		t.Fatal(err)
	}
	if _, there := left[ids["over"]]; there {
		t.Error("a container whose time is over is still there")
	}
	if _, there := left[ids["not yet"]]; !there {
		t.Error("a container was removed before its time")
	}
	if err := api(t, e.(keyed).host).Remove(t.Context(), ids["not yet"]); err != nil {
		t.Error(err)
	}
}
