//go:build linux

package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pythonProject is a project without dependencies whose entry point is Python, so that a test gives the program on the
// command line.
var pythonProject = map[string]string{
	"pyproject.toml": `[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
python = "^3.12"

[tool.lithe]
entrypoint = ["/venv/bin/python"]
`,
	"poetry.lock": fmt.Sprintf(`package = []

[metadata]
lock-version = "2.1"
python-versions = "^3.12"
content-hash = "%x"
`, sha256.Sum256([]byte(`{"dependencies": {"python": "^3.12"}, "dev-dependencies": null, "extras": null, "source": null}`))),
	"main.py": "print('unused')\n",
}

// python writes that project, with the lithe.lock of an example.
func (l *lab) python(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(l.temp(t), "python")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pythonProject {
		write(t, filepath.Join(dir, name), text)
	}
	l.build(t, dir, call{}) // writes lithe.lock, which a user without rights could not
	return dir
}

// runner is one way to run a project.
type runner struct {
	name string
	call call // without arguments
}

// sandboxes are root, and a user who has no engine and no rights.
func sandboxes(t *testing.T, l *lab) []runner {
	t.Helper()
	home := l.temp(t)
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return []runner{
		{name: "root", call: call{args: []string{"run", "--sandbox"}}},
		{name: "nobody", call: call{args: []string{"run"}, uid: nobody, store: l.forgetful(t, nobody),
			env: []string{"HOME=" + home, "XDG_CACHE_HOME=", "PATH=/nonexistent", "DOCKER_HOST=", "DOCKER_CONTEXT=", "DOCKER_CONFIG="}}},
	}
}

// with returns the call for a project and the program's arguments.
func (r runner) with(dir string, args ...string) call {
	c := r.call
	c.args = append(append(c.args[:len(c.args):len(c.args)], dir, "--"), args...)
	return c
}

// TestSandbox runs Python in lithe's own sandbox and looks around.
func TestSandbox(t *testing.T) {
	l := need(t)
	t.Parallel()
	dir := l.python(t)
	for _, r := range sandboxes(t, l) {
		t.Run(r.name, func(t *testing.T) { behaves(t, l, r, dir) })
	}
}

// looks are programs, and what they print and end with.
var looks = []struct {
	name, code, want string
	exit             int
}{
	{"user", "import os; print(os.getuid(), os.getgid(), os.getgroups())", "65532 65532 []", 0},
	{"home", "import os, pathlib; print(pathlib.Path.home(), os.getcwd())", "/tmp /app", 0},
	{"read-only root", "open('/app/new', 'w')", "", 1},
	{"read-only mounts", "import os; print([bool(os.statvfs(p).f_flag & os.ST_RDONLY) for p in ('/', '/usr/lib', '/venv', '/app', '/tmp')])",
		"[True, True, True, True, False]", 0},
	{"writable tmp", "open('/tmp/new', 'w').write('x'); print(open('/tmp/new').read())", "x", 0},
	{"no capabilities", "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'CapBnd', 'NoNewPrivs'))])",
		"['0000000000000000', '0000000000000000', '0000000000000000', '1']", 0},
	{"only its processes", "import os; print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit())[0], len([p for p in os.listdir('/proc') if p.isdigit()]) < 4)", "1 True", 0},
	{"exit code", "raise SystemExit(37)", "", 37},
	{"killed by a signal", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "", 137},
}

func behaves(t *testing.T, l *lab, r runner, dir string) {
	for _, look := range looks {
		t.Run(look.name, func(t *testing.T) {
			got := l.run(t, r.with(dir, "-c", look.code))
			if strings.TrimSpace(got.stdout) != look.want || got.code != look.exit {
				t.Errorf("printed %q and ended with %d, want %q and %d\n%s", got.stdout, got.code, look.want, look.exit, got.stderr)
			}
			if look.name == "read-only root" && !strings.Contains(got.stderr, "Read-only file system") {
				t.Errorf("writing failed for another reason:\n%s", got.stderr)
			}
		})
	}
	t.Run("piped input", func(t *testing.T) { pipes(t, l, r, dir) })
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) { ends(t, l, r, dir, sig) })
	}
}

// pipes sends 100 MB through and compares the hash.
func pipes(t *testing.T, l *lab, r runner, dir string) {
	const size = 100e6
	sum := sha256.New()
	c := r.with(dir, "-c", "import hashlib, sys; print(hashlib.file_digest(sys.stdin.buffer, 'sha256').hexdigest())")
	c.stdin = io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{}), size), sum)
	got := l.run(t, c)
	if want := fmt.Sprintf("%x\n", sum.Sum(nil)); got.stdout != want || got.code != 0 {
		t.Errorf("exit code %d, sha256 %q, want %q\n%s", got.code, got.stdout, want, got.stderr)
	}
}

// ends sends a signal to lithe, which must reach the program: what that prints and ends with tells that it was not killed.
// Python raises KeyboardInterrupt for SIGINT, and dies of SIGTERM unless it has a handler.
func ends(t *testing.T, l *lab, r runner, dir string, sig syscall.Signal) {
	out := filepath.Join(l.temp(t), "out")
	const code = `
import signal, sys, time
def handler(*_):
    print("terminated", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, handler)
try:
    print("ready", flush=True)
    time.sleep(3600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(4)
`
	p := l.start(r.with(dir, "-c", code), out)
	eventually(t, "ready", func() bool { return strings.Contains(read(t, out), "ready") })
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	got, err := p.wait()
	if err != nil {
		t.Fatal(err)
	}
	want, exit := "ready\nterminated\n", 3
	if sig == syscall.SIGINT {
		want, exit = "ready\ninterrupted\n", 4
	}
	if text := read(t, out); text != want || got.code != exit {
		t.Errorf("printed %q and ended with %d, want %q and %d\n%s", text, got.code, want, exit, got.stderr)
	}
}
