//go:build unix

package execute_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/execute"
)

// result is what a command did.
type result struct {
	Code        int
	Out, Errors string
}

func run(t *testing.T, e execute.Executor, c execute.Command) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	code, err := e.Run(ctx, testRoot(t), c)
	if err != nil {
		t.Fatal(err)
	}
	return result{code, out.String(), errs.String()}
}

func program(args ...string) execute.Command {
	return execute.Command{Args: append([]string{"/program"}, args...)}
}

// isPodman reports whether an executor is an engine that is Podman.
func isPodman(e execute.Executor) bool {
	p, ok := e.(interface{ podman() bool })
	return ok && p.podman()
}

// testExecutor is what every executor promises.
func testExecutor(t *testing.T, e execute.Executor) {
	t.Run("results", func(t *testing.T) { testResults(t, e) })
	t.Run("stdin", func(t *testing.T) { testStdin(t, e) })
	t.Run("signals", func(t *testing.T) { testSignals(t, e) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, e) })
	t.Run("cannot start", func(t *testing.T) { testCannotStart(t, e) })
	t.Run("limits", func(t *testing.T) { testLimits(t, e) })
}

func testResults(t *testing.T, e execute.Executor) {
	tests := []struct {
		name    string
		command execute.Command
		want    result
	}{
		{"success", program("exit", "0"), result{}},
		{"exit code", program("exit", "37"), result{Code: 37}},
		{"exit code of shells", program("exit", "255"), result{Code: 255}},
		{"ended by SIGTERM", program("kill", "15"), result{Code: 143}},
		{"ended by SIGKILL", program("kill", "9"), result{Code: 137}},
		{"both streams", program("both"), result{Out: "out", Errors: "err"}},
		{"no stdin", program("sum"), result{Out: fmt.Sprintf("0 %x\n", sha256.Sum256(nil))}},
		{"arguments as they are", program("args", "", "a b", "ü", "$x"), result{Out: `["" "a b" "ü" "$x"]` + " []\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if isPodman(e) && strings.HasPrefix(test.name, "ended by") {
				t.Skip("process 1 cannot end itself by a signal")
			}
			got := run(t, e, test.command)
			got.Out = withoutAdded(got.Out)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("much output", func(t *testing.T) {
		if got := run(t, e, program("fill", "20000000")); len(got.Out) != 20000000 {
			t.Errorf("%d bytes", len(got.Out))
		}
	})
	t.Run("environment", func(t *testing.T) {
		c := program("args")
		c.Env = []string{"A=1", "B=x y"}
		got := withoutAdded(run(t, e, c).Out)
		// Podman 4.3 keeps the environment in a map, so that each container has another order.
		if isPodman(e) && got == `[] ["B=x y" "A=1"]`+"\n" {
			return
		}
		if got != `[] ["A=1" "B=x y"]`+"\n" {
			t.Error(got)
		}
	})
}

// added are the variables that the loader and an engine add.
var added = regexp.MustCompile(` ?"(PYTHONHOME|PATH|HOSTNAME|HOME|TERM|container)=[^"]*"`)

func withoutAdded(out string) string {
	before, environment, _ := strings.Cut(out, "] [")
	if environment == "" {
		return out
	}
	return before + "] [" + strings.TrimPrefix(added.ReplaceAllString(environment, ""), " ")
}

func testStdin(t *testing.T, e execute.Executor) {
	t.Run("100 MB", func(t *testing.T) {
		const size = 100_000_000
		want := sha256.New()
		c := program("sum")
		// Neither a file nor a buffer: what a pipe delivers, in odd pieces.
		c.Stdin = io.TeeReader(io.LimitReader(&pattern{}, size), want)
		got := run(t, e, c).Out
		if got != fmt.Sprintf("%d %x\n", size, want.Sum(nil)) {
			t.Error(got)
		}
	})
	t.Run("file", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = w.WriteString("through a pipe"); _ = w.Close() }()
		c := program("echo")
		c.Stdin = r
		if got := run(t, e, c).Out; got != "through a pipe" {
			t.Errorf("%q", got)
		}
	})
	t.Run("that never ends", func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		c := program("exit", "3")
		c.Stdin = r
		if got := run(t, e, c).Code; got != 3 {
			t.Error(got)
		}
	})
	t.Run("that nobody reads", func(t *testing.T) {
		c := program("exit", "4")
		c.Stdin = &pattern{}
		if got := run(t, e, c).Code; got != 4 {
			t.Error(got)
		}
	})
}

// pattern is an endless reader of bytes that repeat after 251.
type pattern struct{ at int }

func (p *pattern) Read(b []byte) (int, error) {
	n := min(len(b), 4099)
	for i := range n {
		b[i] = byte((p.at + i) % 251)
	}
	p.at += n
	return n, nil
}

func testSignals(t *testing.T, e execute.Executor) {
	tests := []struct {
		name, verb string
		signal     syscall.Signal
		want       int
	}{
		{"SIGINT to a program without a handler", "wait", syscall.SIGINT, 130},
		{"SIGTERM to a program without a handler", "wait", syscall.SIGTERM, 143},
		{"SIGINT to a program with one", "catch", syscall.SIGINT, 42},
		{"SIGTERM to a program with one", "catch", syscall.SIGTERM, 55},
		{"SIGHUP to a program with one", "catch", syscall.SIGHUP, 41},
		{"SIGUSR1 to a program with one", "catch", syscall.SIGUSR1, 50},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if isPodman(e) && test.verb == "wait" {
				t.Skip("the kernel keeps signals without a handler from process 1")
			}
			c := program(test.verb)
			signals := make(chan os.Signal, 1)
			c.Signals = signals
			started := make(chan struct{})
			c.Stdout = &waiting{started: started}
			go func() {
				<-started
				signals <- test.signal
			}()
			code, err := e.Run(t.Context(), testRoot(t), c)
			if err != nil {
				t.Fatal(err)
			}
			if code != test.want {
				t.Errorf("exit code %d, not %d", code, test.want)
			}
		})
	}
}

// waiting closes started when the program says its first word.
type waiting struct{ started chan struct{} }

func (w *waiting) Write(p []byte) (int, error) {
	if w.started != nil {
		close(w.started)
		w.started = nil
	}
	return len(p), nil
}

func testCancel(t *testing.T, e execute.Executor) {
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	c := program("wait")
	c.Stdout = &waiting{started: started}
	go func() {
		<-started
		cancel()
	}()
	if _, err := e.Run(ctx, testRoot(t), c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	cancel()
	if _, err := e.Run(ctx, testRoot(t), c); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: error %v", err)
	}
}

func testCannotStart(t *testing.T, e execute.Executor) {
	if _, err := e.Run(t.Context(), testRoot(t), execute.Command{}); !errors.Is(err, execute.ErrNoCommand) {
		t.Errorf("no arguments: error %v", err)
	}
	missing := execute.Command{Args: []string{"/no/such/program"}}
	if _, err := e.Run(t.Context(), testRoot(t), missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing program: error %v", err)
	} else if !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("missing program: error %q does not name it", err)
	}
	if e.Name() == "namespace" {
		nowhere := program("exit", "0")
		nowhere.Dir = "/no/such/dir"
		if _, err := e.Run(t.Context(), testRoot(t), nowhere); !errors.Is(err, fs.ErrNotExist) ||
			!strings.Contains(err.Error(), "/no/such/dir") {
			t.Errorf("missing working directory: error %v", err)
		}
	}
	if _, err := e.Run(t.Context(), t.TempDir()+"/none", program("exit", "0")); err == nil {
		t.Error("missing root: no error")
	}
}
