//go:build unix

package execute_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/execute"
)

// exceeds runs a command that must end for a limit.
func exceeds(t *testing.T, e execute.Executor, resource string, c execute.Command) {
	t.Helper()
	code, err := e.Run(t.Context(), testRoot(t), c)
	limit, ok := errors.AsType[*execute.LimitError](err)
	if !ok || limit.Resource != resource {
		t.Errorf("exit code %d, error %v, not the limit of %s", code, err, resource)
	}
}

// testLimits is about the limits that every executor keeps.
func testLimits(t *testing.T, e execute.Executor) {
	t.Run("time", func(t *testing.T) {
		c := program("wait")
		c.Limits.Time = 500 * time.Millisecond
		exceeds(t, e, "time", c)
	})
	t.Run("output", func(t *testing.T) {
		var out, errs bytes.Buffer
		c := program("fill", "2000000000")
		c.Stdout, c.Stderr = &out, &errs
		c.Limits.Output = 1_000_000
		exceeds(t, e, "output", c)
		if out.Len() != 1_000_000 {
			t.Errorf("%d bytes came through", out.Len())
		}
	})
	t.Run("output within", func(t *testing.T) {
		c := program("both")
		c.Limits = execute.Limits{Output: 6, Time: time.Minute}
		if got := run(t, e, c); got != (result{Out: "out", Errors: "err"}) {
			t.Errorf("%+v", got)
		}
	})
}

// testResources is about the limits of executors that isolate.
func testResources(t *testing.T, e execute.Executor) {
	t.Run("memory of one process", func(t *testing.T) {
		c := program("hog", "2000")
		c.Limits.Memory = 256 << 20
		code, err := e.Run(t.Context(), testRoot(t), c)
		limit, _ := errors.AsType[*execute.LimitError](err)
		if limit != nil && limit.Resource != "memory" || err == nil && code == 0 {
			t.Errorf("exit code %d, error %v", code, err) // it may also be refused the memory, and say so itself
		}
	})
	t.Run("memory of all together", func(t *testing.T) {
		c := program("hogs", "8", "100")
		c.Limits.Memory = 400 << 20
		if isPodman(e) { // which does not always tell that a process was ended for it
			if code, err := e.Run(t.Context(), testRoot(t), c); err == nil && code == 0 {
				t.Error("it had more memory than its limit")
			}
			return
		}
		exceeds(t, e, "memory", c)
	})
	t.Run("processes", func(t *testing.T) { testProcesses(t, e) })
	t.Run("fork bomb", func(t *testing.T) {
		c := program("bomb")
		c.Limits = execute.Limits{Processes: 200, Time: 3 * time.Second}
		code, err := e.Run(t.Context(), testRoot(t), c)
		// It goes on until its time is up, or its first process dies, which cannot start a thread any more.
		if limit, _ := errors.AsType[*execute.LimitError](err); err != nil && limit == nil || err == nil && code != 2 {
			t.Errorf("exit code %d, error %v", code, err)
		}
	})
	if e.Name() == "namespace" {
		t.Run("files of a bind", func(t *testing.T) {
			c := program("many", "/work", "300")
			c.Binds = []execute.Bind{{Source: writableDir(t), Target: "/work", Writable: true}}
			c.Limits.Disk = 100 << 20
			exceeds(t, e, "disk", c)
		})
	}
	t.Run("file", func(t *testing.T) {
		c := program("big", "/tmp/big", "300")
		c.Limits.Disk = 100 << 20
		if got := run(t, e, c); got.Code != 1 || !strings.HasPrefix(got.Out, "true ") || !strings.Contains(got.Out[5:], "true") {
			t.Errorf("%+v", got)
		}
		c = program("big", "/tmp/big", "50")
		c.Limits.Disk = 100 << 20
		if got := run(t, e, c); got != (result{Out: "written\n"}) {
			t.Errorf("%+v", got)
		}
	})
}

// The program may start as many processes as it is allowed, or nearly: threads of its own count too, and a few of the
// executor's may.
func testProcesses(t *testing.T, e execute.Executor) {
	for range 2 {
		c := program("forks")
		c.Limits.Processes = 300
		var n int
		var refused bool
		got := run(t, e, c)
		if _, err := fmt.Sscan(got.Out, &n, &refused); err != nil || !refused || n < 200 || n > 400 {
			t.Errorf("%+v", got)
		}
	}
}

// writableDir returns a folder that every user may write to.
func writableDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}
