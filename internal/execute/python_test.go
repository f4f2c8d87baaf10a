//go:build linux

package execute_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

// pythonVariable names a root that was materialised already.
const pythonVariable = "LITHE_TEST_EXECUTE_PYTHON"

// TestPython runs Python in a root that is materialised from a layer, as a user without rights. LITHE_TEST_ROOT
// names a directory with Debian's Python 3.13 and what that needs.
func TestPython(t *testing.T) {
	if root := os.Getenv(pythonVariable); root != "" {
		testPython(t, root)
		return
	}
	from := os.Getenv("LITHE_TEST_ROOT")
	if from == "" {
		t.Skip("LITHE_TEST_ROOT names no root with Python")
	}
	needNamespaces(t)
	top, err := os.MkdirTemp("", "lithe-python-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(top)
	st, err := store.Open(filepath.Join(top, "store"))
	if err != nil {
		t.Fatal(err)
	}
	layer := storeLayer(t, st, tarOf(t, from))
	begin := time.Now()
	root, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{layer})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("materialised in %v", time.Since(begin))
	if os.Getuid() != 0 {
		testPython(t, root)
		return
	}
	// Everybody may look into the store, but another user owns it.
	binary := filepath.Join(top, "execute.test")
	if err := copyFile("/proc/self/exe", binary); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^TestPython$", "-test.v")
	cmd.Dir, cmd.Env = "/", []string{pythonVariable + "=" + root}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPython")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func tarOf(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A script as people write them, without any handler.
const script = `
import os, socket, sys, time
what = sys.argv[1]
if what == "exit": sys.exit(37)
if what == "sum":
    import hashlib
    h = hashlib.sha256(); n = 0
    while block := sys.stdin.buffer.read(65536): h.update(block); n += len(block)
    print(n, h.hexdigest())
if what == "user":
    print(os.getuid(), os.getgid())
    for path in "/x", "/usr/x", "/etc/passwd":
        try: open(path, "a"); print("written")
        except OSError as e: print(e.strerror)
    open("/tmp/x", "w").write("x")
    print(sys.flags.dont_write_bytecode, os.listdir("/tmp"))
if what == "wait":
    print("waiting", flush=True)
    time.sleep(3600)
if what == "serve":
    import http.server
    s = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    print(s.server_port, flush=True)
    s.serve_forever()
`

func testPython(t *testing.T, root string) {
	image := execute.Process{Entrypoint: []string{"/usr/bin/python3.13", "-c", script}, Env: []string{"PYTHONUNBUFFERED=1"}}
	command := func(args ...string) execute.Command {
		c, err := image.Command(args)
		if err != nil {
			t.Fatal(err)
		}
		c.Network, c.Stderr = true, io.Discard
		return c
	}
	start := func(c execute.Command) (int, string) {
		t.Helper()
		var out bytes.Buffer
		c.Stdout = &out
		code, err := execute.Namespace{}.Run(t.Context(), root, c)
		if err != nil {
			t.Fatal(err)
		}
		return code, out.String()
	}
	if code, _ := start(command("exit")); code != 37 {
		t.Errorf("exit code %d", code)
	}
	if code, out := start(command("user")); code != 0 ||
		out != "65532 65532\n"+strings.Repeat("Read-only file system\n", 3)+"0 ['x']\n" && !strings.Contains(out, "Permission denied") {
		t.Errorf("code %d: %s", code, out)
	}
	sum, want := command("sum"), sha256.New()
	sum.Stdin = io.TeeReader(io.LimitReader(&pattern{}, 100_000_000), want)
	if _, out := start(sum); out != fmt.Sprintf("100000000 %x\n", want.Sum(nil)) {
		t.Errorf("stdin: %s", out)
	}
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		testPythonStops(t, root, command("wait"), sig, code)
	}
	testPythonServes(t, root, command("serve"))
}

func testPythonStops(t *testing.T, root string, c execute.Command, sig syscall.Signal, want int) {
	t.Helper()
	signals, started := make(chan os.Signal, 1), make(chan struct{})
	c.Signals, c.Stdout = signals, &waiting{started: started}
	go func() {
		<-started
		signals <- sig
	}()
	code, err := execute.Namespace{}.Run(t.Context(), root, c)
	if err != nil || code != want {
		t.Errorf("%v: code %d, %v", sig, code, err)
	}
}

func testPythonServes(t *testing.T, root string, c execute.Command) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	c.Stdout = w
	go func() {
		_, err := execute.Namespace{}.Run(ctx, root, c)
		_ = w.CloseWithError(err)
	}()
	var port int
	if _, err := fmt.Fscan(r, &port); err != nil {
		t.Fatal(err)
	}
	reply, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/etc/debian_version", port))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, _ := io.ReadAll(reply.Body); !strings.HasPrefix(string(body), "13") {
		t.Errorf("%q", body)
	}
}
