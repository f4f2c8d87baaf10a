// Package bytecode compiles Python sources to the .pyc files of an image.
//
// Sources go in, and for each one the bytes of its .pyc file come out, or nil where the compiler refuses it. A .pyc
// file is a function of the source, its path in the image and the version of the interpreter: processes, batches and
// their order leave no trace, since package marshal takes out what CPython's history puts in. Each one is found again
// by exactly that, among those that were compiled together. The files are of the unchecked, hash-based kind, so no time of a file matters, and
// nothing in an image is compared when a module is imported.
//
// The interpreter is the image's own, started in its root through an executor. Compiling parses a source and does
// not run it. See https://peps.python.org/pep-0552/ for the file and https://peps.python.org/pep-3147/ for its name.
package bytecode

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// Format is part of the key of every stored .pyc file. It changes when the same input would give other bytes.
const Format = 1

// Options say what to compile with. Store, Executor, Root, Python and ID are required.
type Options struct {
	Store    *store.Store
	Executor execute.Executor
	Root     string                    // directory with the interpreter's files
	Python   string                    // the interpreter's path in Root: "/usr/bin/python3.13"
	ID       string                    // the interpreter's version, which is checked: "3.13.5"
	Lent     string                    // names an interpreter that others put together, for whose files other builds have no use
	Jobs     int                       // processes at once; 0 means one per CPU
	Skipped  func(path, reason string) // told of each source that does not compile, in order; nil means nobody
	Finished func(path string)         // told of each source when it is done, from several goroutines; nil means nobody
	Trace    *trace.Recorder           // counts what was compiled, and not found in the store
}

// Source is one file to compile.
type Source struct {
	Path    string        // absolute in the image; it appears in tracebacks
	Content entry.Content //
	Digest  string        // sha256 of the content, "sha256:…"; computed if it is ""
}

// Compiler compiles in processes that it starts when they are first needed and keeps until Close. It may be used by
// several goroutines.
type Compiler struct {
	opt   Options
	slots chan struct{} // one for each process that may work, whichever call it works for

	mu     sync.Mutex
	idle   []*worker
	closed bool
	claims map[string]chan struct{} // by set: closed when it is done
}

// ErrClosed says that a Compiler was used after Close.
var ErrClosed = errors.New("the compiler is closed")

// New returns a Compiler. It starts nothing yet: what is in the store needs no interpreter.
func New(opt Options) *Compiler {
	if opt.Jobs <= 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	if opt.Skipped == nil {
		opt.Skipped = func(string, string) {}
	}
	if opt.Finished == nil {
		opt.Finished = func(string) {}
	}
	return &Compiler{opt: opt, slots: make(chan struct{}, opt.Jobs), claims: map[string]chan struct{}{}}
}

// Compile returns the .pyc file of each source, in their order, nil where a source does not compile. The set is what the store
// keeps them together by, such as the name of a distribution, whose versions have most sources in common: it says where to look
// for earlier results, and no more.
// Calls for one set wait for each other, since wheels for two platforms have most of their sources in common.
func (c *Compiler) Compile(ctx context.Context, set string, sources []Source) ([][]byte, error) {
	if c.opt.ID == "" {
		return nil, errors.New("bytecode: no compiler id")
	}
	done, err := c.claim(ctx, set)
	if err != nil {
		return nil, err
	}
	defer done()
	p := c.openPack(set)
	defer p.close()
	results := make([]result, len(sources))
	if err := c.compileAll(ctx, p, sources, results); err != nil {
		return nil, err
	}
	if err := c.save(p, results); err != nil {
		return nil, err
	}
	return c.collect(sources, results), nil
}

// compileAll fills results, several at once.
func (c *Compiler) compileAll(ctx context.Context, p *pack, sources []Source, results []result) error {
	next := make(chan int)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for i := range sources {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(c.opt.Jobs, len(sources)) {
		g.Go(func() error { return c.lane(ctx, p, sources, results, next) })
	}
	return g.Wait()
}

func (c *Compiler) collect(sources []Source, results []result) [][]byte {
	out := make([][]byte, len(results))
	for i, r := range results {
		if out[i] = r.pyc; r.pyc == nil {
			c.opt.Skipped(sources[i].Path, r.reason)
		}
	}
	return out
}

// lane takes sources until there are no more. It has one process, once something is not in the store. What comes
// back is finished on the side, so that the process goes on with the next source meanwhile.
func (c *Compiler) lane(ctx context.Context, p *pack, sources []Source, results []result, next <-chan int) (err error) {
	var w *worker
	finishing, ctx := errgroup.WithContext(ctx)
	finishing.SetLimit(4) // answers in memory
	defer func() {
		err = errors.Join(err, finishing.Wait())
		c.release(w)
	}()
	for i := range next {
		if err := ctx.Err(); err != nil {
			return err
		}
		j, err := c.open(p, sources[i])
		if err != nil {
			return fmt.Errorf("%s: %w", sources[i].Path, err)
		}
		if j.found {
			results[i] = j.result
			c.opt.Finished(j.source.Path)
			continue
		}
		raw, err := c.compile(ctx, &w, j)
		if err != nil {
			return err
		}
		finishing.Go(func() (err error) {
			results[i], err = j.finish(raw)
			c.opt.Finished(j.source.Path)
			return err
		})
	}
	return nil
}

// compile has a process compile a source.
func (c *Compiler) compile(ctx context.Context, w **worker, j *job) (raw answer, err error) {
	if *w == nil {
		if *w, err = c.worker(ctx); err != nil {
			return answer{}, err
		}
	}
	if raw, err = (*w).compile(ctx, j.source.Path, j.data); err != nil {
		return answer{}, fmt.Errorf("%s: %w", j.source.Path, err)
	}
	c.opt.Trace.Add(trace.Compiled, 1)
	return raw, nil
}

// claim waits until no other call has this set under way, and keeps it from them until done. No process is held meanwhile.
func (c *Compiler) claim(ctx context.Context, set string) (done func(), err error) {
	for {
		c.mu.Lock()
		other, taken := c.claims[set]
		if !taken {
			mine := make(chan struct{})
			c.claims[set] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.claims, set)
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// worker returns an idle process, or starts one, when another may work.
func (c *Compiler) worker(ctx context.Context) (*worker, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		<-c.slots
		return nil, ErrClosed
	}
	if n := len(c.idle); n > 0 {
		w := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return w, nil
	}
	return startWorker(ctx, c.opt), nil
}

// release keeps a process for later, if it can go on.
func (c *Compiler) release(w *worker) {
	if w == nil {
		return
	}
	c.mu.Lock()
	keep := !w.lost && !c.closed
	if keep {
		c.idle = append(c.idle, w)
	}
	c.mu.Unlock()
	if !keep {
		w.stop()
	}
	<-c.slots
}

// Close ends the processes. Calls of Compile that are under way end theirs themselves.
func (c *Compiler) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, w := range idle {
		w.stop()
	}
}

// PycPath returns where an interpreter of Python 3.minor looks for the bytecode of a source: "a/x.py" has
// "a/__pycache__/x.cpython-313.pyc".
func PycPath(pyPath string, minor int) string {
	dir, file := path.Split(pyPath)
	return fmt.Sprintf("%s__pycache__/%s.cpython-3%d.pyc", dir, strings.TrimSuffix(file, ".py"), minor)
}
