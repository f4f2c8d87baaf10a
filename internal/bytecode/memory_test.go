package bytecode

import (
	"context"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
)

// poor is an executor on a machine with next to no memory.
type poor struct{ execute.Executor }

func (p poor) Run(ctx context.Context, root string, c execute.Command) (int, error) {
	const limit = "import resource\nwith open('/proc/self/statm') as f: pages = int(f.read().split()[0])\n" +
		"resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (8 << 20),) * 2)\n"
	for i, arg := range c.Args {
		if arg == driver {
			c.Args[i] = limit + driver
		}
	}
	return p.Executor.Run(ctx, root, c)
}

// Whether a source has bytecode must not depend on the machine. What is too complex for the parser is so everywhere, and
// stays without; where memory runs out, the build stops, and nothing is remembered.
func TestNoMemory(t *testing.T) {
	python := findInterpreter(t)
	if strings.HasPrefix(python.version, "3.11.") {
		t.Skip("Python 3.11 does not tell a complex source from a lack of memory")
	}
	complex := Source{Path: "/complex.py", Content: entry.Bytes("x = " + strings.Repeat("-", 100_000) + "1")}
	large := Source{Path: "/large.py", Content: entry.Bytes("x = [" + strings.Repeat("'one' + f(1), ", 60_000) + "]")}
	opt := Options{Executor: python.executors[0], Root: python.root, Python: python.path, ID: python.version, Jobs: 1}
	rich := compiler(t, opt)
	defer rich.Close()
	if got, err := rich.Compile(t.Context(), "a set", []Source{complex}); err != nil || got[0] != nil {
		t.Errorf("a complex source: %d bytes, %v", len(got), err)
	}
	opt.Store, opt.Executor = rich.opt.Store, poor{opt.Executor}
	hungry := New(opt)
	defer hungry.Close()
	if _, err := hungry.Compile(t.Context(), "a set", []Source{large}); err == nil || !strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("without memory: %v", err)
	}
	if got, err := rich.Compile(t.Context(), "a set", []Source{large}); err != nil || got[0] == nil {
		t.Errorf("with memory: %v", err)
	}
}
