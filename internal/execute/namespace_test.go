//go:build linux

package execute_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/execute"
)

// needNamespaces skips where this user cannot have namespaces, for a reason that it prints.
func needNamespaces(t *testing.T) {
	t.Helper()
	for _, s := range execute.Probe(t.Context(), docker.Options{}) {
		if s.Name == "namespace" && s.Err != nil {
			t.Skip("no namespaces here: ", s.Err)
		}
	}
}

func TestNamespace(t *testing.T) {
	needNamespaces(t)
	e := execute.Namespace{}
	testExecutor(t, e)
	for _, test := range isolation {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, run(t, e, test.command)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("resources", func(t *testing.T) { testResources(t, e) })
	t.Run("escape", func(t *testing.T) { testEscape(t, e) })
	t.Run("tmp is fresh", func(t *testing.T) { testTmp(t, e) })
	t.Run("devices", func(t *testing.T) { testDevices(t, e) })
	t.Run("network of the host", func(t *testing.T) { testHostNetwork(t, e) })
	t.Run("serves on the host's network", func(t *testing.T) { testServes(t, e) })
	t.Run("no network of the host", func(t *testing.T) { testNoNetwork(t, e) })
	t.Run("binds", func(t *testing.T) { testBinds(t, e) })
	t.Run("below tmp", func(t *testing.T) { testBelowTmp(t, e) })
	t.Run("inherited files", func(t *testing.T) { testInheritedFiles(t, e) })
	t.Run("at once", func(t *testing.T) { testAtOnce(t, e) })
	t.Run("dies with its parent", testParentDies)
	t.Run("terminal", func(t *testing.T) { testTerminal(t, e) })
	t.Run("PATH", func(t *testing.T) { testPath(t, e) })
}

// The same as a user without any rights, which is how most people run lithe.
func TestNamespaceUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: TestNamespace runs unprivileged already")
	}
	root := testRoot(t)
	binary := filepath.Join(filepath.Dir(root), "execute.test")
	if err := copyFile("/proc/self/exe", binary); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^(TestNamespace|TestLoader)$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{rootVariable + "=" + root, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP: TestNamespace")) {
		t.Skipf("%s", out)
	}
	if !bytes.Contains(out, []byte("--- PASS: TestNamespace")) {
		t.Errorf("%s", out)
	}
}

var isolation = []struct {
	name    string
	command execute.Command
	want    result
}{
	{"default user", program("ids"), result{Out: "65532 65532 65532 65532\n"}},
	{"another user", execute.Command{Args: []string{"/program", "ids"}, UID: 1000810000, GID: 0},
		result{Out: "1000810000 0 1000810000 0\n"}},
	{"no capabilities and none to get", program("status"), result{Out: "CapInh: 0000000000000000\n" +
		"CapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\n" +
		"CapAmb: 0000000000000000\nNoNewPrivs: 1\n"}},
	{"read-only root", program("write", "/x", "/etc/hosts", "/work/x", "/dev/x", "/proc/sys/kernel/hostname"), result{
		Out: "/x: open /x: read-only file system\n/etc/hosts: open /etc/hosts: read-only file system\n" +
			"/work/x: open /work/x: read-only file system\n/dev/x: open /dev/x: read-only file system\n" +
			"/proc/sys/kernel/hostname: open /proc/sys/kernel/hostname: read-only file system\n"}},
	{"pipes by their names", program("write", "/dev/stdout", "/dev/stderr"), result{
		Out: "written/dev/stdout: <nil>\n/dev/stderr: <nil>\n", Errors: "written"}},
	{"only the root's files", program("ls", "/"), result{Out: "dev\netc\nmnt\nproc\nprogram\nsetuid\ntmp\nwork\n"}},
	{"only its own processes", program("pids"), result{Out: "1 self\n"}},
	{"no zombies", program("orphan"), result{Out: "1 self\n"}},
	{"an empty network", program("net"), result{Out: "lo true\n"}},
	{"host name", program("read", "/proc/sys/kernel/hostname"), result{Out: "localhost\n"}},
	{"working directory", execute.Command{Args: []string{"/program", "cwd"}, Dir: "/work"}, result{Out: "/work <nil>\n"}},
	{"working directory that is not there", execute.Command{Args: []string{"/program", "cwd"}, Dir: "/tmp/a/b"}, result{Out: "/tmp/a/b <nil>\n"}},
	{"working directory by default", program("cwd"), result{Out: "/ <nil>\n"}},
}

func testTmp(t *testing.T, e execute.Executor) {
	for range 2 {
		got := run(t, e, program("write", "/tmp/x")).Out + run(t, e, program("ls", "/tmp")).Out +
			run(t, e, program("stat", "/tmp", "/dev/shm")).Out
		if want := "/tmp/x: <nil>\n/tmp dtrwxrwxrwx\n/dev/shm dtrwxrwxrwx\n"; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(testRoot(t), "tmp/x")); err == nil {
		t.Error("the file is in the root")
	}
}

func testDevices(t *testing.T, e execute.Executor) {
	got := run(t, e, program("dev")).Out
	want := "true\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testHostNetwork(t *testing.T, e execute.Executor) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "from the host") }))
	defer server.Close()
	c := program("get", server.URL)
	c.Network = true
	if got := run(t, e, c); got.Out != "from the host" {
		t.Errorf("%+v", got)
	}
	want, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Skip("this host has no resolv.conf")
	}
	c = program("read", "/etc/resolv.conf")
	c.Network = true
	if got := run(t, e, c).Out; got != string(want) {
		t.Errorf("resolv.conf is %q, not %q", got, want)
	}
}

func testNoNetwork(t *testing.T, e execute.Executor) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if got := run(t, e, program("get", server.URL)); got.Code != 1 || !strings.Contains(got.Out, "connection refused") {
		t.Errorf("%+v", got)
	}
}

func testServes(t *testing.T, e execute.Executor) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	c := program("serve")
	c.Network, c.Stdout = true, w
	ended := make(chan error, 1)
	go func() {
		_, err := e.Run(ctx, testRoot(t), c)
		_ = w.Close()
		ended <- err
	}()
	line := make([]byte, 100)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.Get("http://" + strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, _ := io.ReadAll(reply.Body); string(body) != "hello" {
		t.Errorf("%q", body)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a cancelled command ended without an error")
	}
}

func testBinds(t *testing.T, e execute.Executor) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("bound"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c := program("write", "/work/y", "/mnt/file")
	c.Binds = []execute.Bind{{Source: dir, Target: "/work", Writable: true}, {Source: filepath.Join(dir, "x"), Target: "/mnt/file"}}
	want := "/work/y: <nil>\n/mnt/file: open /mnt/file: read-only file system\n"
	if e.Name() == "engine" { // there it is a copy that belongs to root
		want = strings.Replace(want, "read-only file system", "permission denied", 1)
	}
	if got := run(t, e, c).Out; got != want {
		t.Errorf("%q", got)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "y")); err != nil || string(data) != "written" {
		t.Errorf("%q, %v", data, err)
	}
	c.Args = []string{"/program", "read", "/mnt/file"}
	if got := run(t, e, c).Out; got != "bound" {
		t.Errorf("%q", got)
	}
}

// A folder below /tmp need not be in the root, which stays as it is.
func testBelowTmp(t *testing.T, e execute.Executor) {
	dir := writableDir(t)
	c := untrusted("write", "/tmp/tree/x", "/tmp/y", "/tmp/z")
	c.Binds = []execute.Bind{{Source: dir, Target: "/tmp/tree", Writable: true}}
	if got := run(t, e, c); got.Out != "/tmp/tree/x: <nil>\n/tmp/y: <nil>\n/tmp/z: <nil>\n" {
		t.Errorf("%+v", got)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "x")); err != nil || string(data) != "written" {
		t.Errorf("%q, %v", data, err)
	}
	if entries, err := os.ReadDir(filepath.Join(testRoot(t), "tmp")); err != nil || len(entries) > 0 {
		t.Errorf("in the root: %v, %v", entries, err)
	}
}

// A file that somebody left open would be a way out of the root.
func testInheritedFiles(t *testing.T, e execute.Executor) {
	dir, err := syscall.Open("/", syscall.O_RDONLY|syscall.O_DIRECTORY, 0) // not closed on exec
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(dir)
	if got := run(t, e, program("fds")).Out; got != "" {
		t.Errorf("open in the sandbox: %s", got)
	}
}

func testAtOnce(t *testing.T, e execute.Executor) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			var out bytes.Buffer
			c := program("args", fmt.Sprint(i))
			c.Stdout = &out
			code, err := e.Run(t.Context(), testRoot(t), c)
			if want := fmt.Sprintf("[\"%d\"] []\n", i); err != nil || code != 0 || out.String() != want {
				t.Errorf("code %d, error %v, output %q", code, err, out.String())
			}
		})
	}
	group.Wait()
}

// When lithe is killed, so that it can do nothing more, the program must not stay behind.
func testParentDies(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"=parent", rootVariable+"="+testRoot(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 100)
	if n, err := out.Read(word); err != nil || string(word[:n]) != "waiting\n" {
		t.Fatalf("%q, %v", word[:n], err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, out) // ends when nobody has the other end any more
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("the program lives on")
	}
	_ = cmd.Wait()
}

func testTerminal(t *testing.T, e execute.Executor) {
	c := program("terminal")
	c.TTY = true
	c.Stdin = strings.NewReader("typed\n")
	got := run(t, e, c)
	// The terminal echoes what is typed, some time before the answer.
	got.Out = strings.Replace(got.Out, "typed\r\n", "", 1)
	if diff := cmp.Diff(result{Out: "tty\r\n/dev/pts/0\r\nread \"typed\\n\"\r\n"}, got); diff != "" {
		t.Error(diff)
	}
}

func testPath(t *testing.T, e execute.Executor) {
	c := execute.Command{Args: []string{"program", "exit", "9"}, Env: []string{"PATH=/etc:/"}}
	if got := run(t, e, c).Code; got != 9 {
		t.Error(got)
	}
	c.Env = []string{"PATH=/etc"}
	if _, err := e.Run(t.Context(), testRoot(t), c); err == nil || !strings.Contains(err.Error(), "program in PATH") {
		t.Errorf("error %v", err)
	}
}
