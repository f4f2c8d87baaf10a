package execute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Limits bounds what one command may use, with all the processes that it starts. A field of 0 means no limit, or, for an
// untrusted command, that of DefaultLimits; below 0 means no limit for both. docs/concepts/sandbox.md says which
// executor keeps which limit by what means, and how exactly.
type Limits struct {
	Time      time.Duration // from start to end
	Memory    int64         // bytes of memory, files below /tmp and /dev/shm included
	Processes int           // processes and threads at one time
	Output    int64         // bytes written to Stdout and Stderr together
	Disk      int64         // bytes in each writable place: /tmp, /dev/shm, and all writable binds together; also of one file
}

// DefaultLimits are those of untrusted commands: large packages build within them, and a machine survives them.
func DefaultLimits() Limits {
	return Limits{Time: time.Hour, Memory: defaultMemory(), Processes: 4096, Output: 64 << 20, Disk: 16 << 30}
}

// maxMemory is the limit of memory by default. Smaller machines keep a quarter of theirs.
const maxMemory = 8 << 30

// Names of what a command used too much of.
const (
	limitTime      = "time"
	limitMemory    = "memory"
	limitProcesses = "processes"
	limitOutput    = "output"
	limitDisk      = "disk"
)

// LimitError says that a command was ended because it used too much of something.
type LimitError struct {
	Resource string // "time", "memory", "processes", "output" or "disk"
	Limit    string // "1h0m0s", "8.0 GB"
}

// Error says what was too much.
func (e *LimitError) Error() string {
	switch e.Resource {
	case limitTime:
		return "the command took more than " + e.Limit
	case limitProcesses:
		return "the command ran more than " + e.Limit + " processes and threads"
	case limitOutput:
		return "the command wrote more than " + e.Limit + " of output"
	case limitDisk:
		return "the command wrote more than " + e.Limit + " to files"
	}
	return "the command used more than " + e.Limit + " of memory"
}

// exceeded returns the error of one of the limits.
func (l Limits) exceeded(resource string) *LimitError {
	e := &LimitError{Resource: resource}
	switch resource {
	case limitTime:
		e.Limit = l.Time.String()
	case limitProcesses:
		e.Limit = fmt.Sprint(l.Processes)
	case limitOutput:
		e.Limit = megabytes(l.Output)
	case limitDisk:
		e.Limit = megabytes(l.Disk)
	default:
		e.Limit = megabytes(l.Memory)
	}
	return e
}

func megabytes(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// limits returns what holds for the command: 0 means no limit.
func (c Command) limits() Limits {
	l := c.Limits
	if c.Untrusted {
		d := DefaultLimits()
		l = Limits{cmp.Or(l.Time, d.Time), cmp.Or(l.Memory, d.Memory), cmp.Or(l.Processes, d.Processes),
			cmp.Or(l.Output, d.Output), cmp.Or(l.Disk, d.Disk)}
	}
	return Limits{max(l.Time, 0), max(l.Memory, 0), max(l.Processes, 0), max(l.Output, 0), max(l.Disk, 0)}
}

// bounded runs a command within its limits of time and output, which every executor keeps the same way: run gets a
// context that ends when one is reached.
func bounded(ctx context.Context, c Command, run func(context.Context, Command) (int, error)) (int, error) {
	l := c.limits()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if l.Time > 0 {
		timer := time.AfterFunc(l.Time, func() { cancel(l.exceeded(limitTime)) })
		defer timer.Stop()
	}
	if l.Output > 0 && !c.TTY {
		m := &meter{left: l.Output, exceeded: func() { cancel(l.exceeded(limitOutput)) }}
		c.Stdout, c.Stderr = m.both(c.Stdout, c.Stderr)
	}
	code, err := run(inner, c)
	if limit, ok := errors.AsType[*LimitError](context.Cause(inner)); ok && ctx.Err() == nil {
		return -1, limit
	}
	return code, err
}

// meter counts what is written to several writers, and writes no more than is left.
type meter struct {
	mu       sync.Mutex
	left     int64
	exceeded func()
}

// both wraps two writers. If they are the same, so are the results, by which os/exec knows that there is one stream.
func (m *meter) both(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	out := m.wrap(stdout)
	if stdout != nil && same(stdout, stderr) {
		return out, out
	}
	return out, m.wrap(stderr)
}

func (m *meter) wrap(w io.Writer) io.Writer {
	if w == nil {
		return nil // the program writes to /dev/null: nothing comes by here
	}
	return &metered{m, w}
}

// same compares two writers, whose types may not allow it.
func same(a, b io.Writer) (equal bool) {
	defer func() { _ = recover() }()
	return a == b
}

// take reports how many of n bytes may be written.
func (m *meter) take(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if int64(n) <= m.left {
		m.left -= int64(n)
		return n
	}
	n, m.left = int(m.left), 0
	m.exceeded()
	return n
}

// metered is a writer whose bytes are counted.
type metered struct {
	meter *meter
	w     io.Writer
}

// Write writes what is left, and drops the rest without an error: the program is about to be ended for a reason that it
// should not meet first.
func (w *metered) Write(p []byte) (int, error) {
	if n := w.meter.take(len(p)); n > 0 {
		if written, err := w.w.Write(p[:n]); err != nil {
			return written, err
		}
	}
	return len(p), nil
}

// contextError prefers the cause to its consequence.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
