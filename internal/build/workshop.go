package build

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/trace"
)

// compile turns sources into .pyc files in order, nil where one does not compile. Results are kept by the name of the set. It is
// nil without bytecode.
type compile func(ctx context.Context, set string, sources []bytecode.Source) ([][]byte, error)

// when returns code if it is wanted, else nil, by which nothing is compiled.
func (c compile) when(wanted bool) compile {
	if wanted {
		return c
	}
	return nil
}

// workshop has the grounds of all platforms, and compiles for all of them with the interpreter of one: that of the
// machine's own architecture. A .pyc depends on its source, its path and the compiler's version, none of which knows a
// platform, so nothing is ever emulated.
type workshop struct {
	grounds map[string]*ground // by platform
	host    *ground            // whose interpreter compiles; nil where nothing gets bytecode
	code    compile            // nil without bytecode
}

// newWorkshop prepares and makes nothing: the roots of interpreters are made when something is compiled first, which on
// the warm path is never.
func (b *builder) newWorkshop(d *decision) (*workshop, error) {
	w := &workshop{grounds: map[string]*ground{}}
	for _, v := range d.variants {
		w.grounds[v.name()] = b.newGround(d.pins, v.name(), v.facts)
		w.grounds[v.name()].system = v.system
	}
	if !d.config.Bytecode {
		return w, nil
	}
	w.host = w.grounds[d.host]
	if w.host == nil { // no image of the host's platform is made
		facts, err := d.pins.Facts(d.host)
		if err != nil {
			return nil, err
		}
		w.host = b.newGround(d.pins, d.host, facts)
	}
	w.code = b.compileOn(w.host)
	return w, nil
}

// ground returns the finished layers of a platform's base.
func (w *workshop) ground(ctx context.Context, p *plan.Plan) ([]made, error) {
	g := w.grounds[p.Target.Platform.String()]
	layers, err := w.interpreter(ctx, g, p.Bytecode)
	if err != nil || len(g.system.wants) == 0 {
		return layers, err
	}
	packages, err := g.systemLayer(ctx)
	return append(slices.Clip(layers), packages), err
}

// interpreter returns the layers up to the interpreter's.
func (w *workshop) interpreter(ctx context.Context, g *ground, bytecode bool) ([]made, error) {
	if !bytecode {
		return g.bare(ctx)
	}
	return g.compiled(ctx, w.code)
}

// forget frees what only making the grounds needs.
func (w *workshop) forget() {
	for _, g := range w.grounds {
		g.forget()
	}
}

// compileOn returns the compiler that runs the interpreter of a ground. One for the standard library, the wheels and the
// project: its processes are started once.
func (b *builder) compileOn(g *ground) compile {
	var compiler once[*bytecode.Compiler]
	return func(ctx context.Context, set string, sources []bytecode.Source) ([][]byte, error) {
		c, err := compiler.get(func() (*bytecode.Compiler, error) { return b.compiler(ctx, g) })
		if err != nil {
			return nil, err
		}
		return b.compileAll(ctx, c, set, sources)
	}
}

// compiler returns a bytecode compiler that runs the interpreter of a ground, for as long as the build lasts.
func (b *builder) compiler(ctx context.Context, g *ground) (*bytecode.Compiler, error) {
	executor, err := execute.FirstThatWorks(b.opt.Executor, b.opt.Engine)
	if err != nil {
		return nil, err
	}
	root, err := b.interpreterRoot(ctx, g, executor)
	if err != nil {
		return nil, err
	}
	c := b.compilerIn(root, g.facts, executor, g.lent, b.onCompiled)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.compilers = append(b.compilers, c)
	return c, nil
}

// compilerIn returns a bytecode compiler that runs the interpreter in a directory.
func (b *builder) compilerIn(root string, facts base.Facts, executor execute.Executor, lent string, finished func(path string)) *bytecode.Compiler {
	return bytecode.New(bytecode.Options{Store: b.store, Executor: execute.Traced(executor, b.opt.Trace), Root: root, Python: facts.Interpreter,
		ID: facts.Python, Lent: lent, Jobs: b.opt.jobs(), Finished: finished, Trace: b.opt.Trace})
}

// onCompiled shows one source that is done. It is called from several goroutines, as every event may be.
func (b *builder) onCompiled(path string) {
	b.compiled.Add(1)
	b.opt.on(Event{Stage: "bytecode", Item: path, Done: 1, Total: 1})
}

// compileAll compiles sources, and tells progress how many there are.
func (b *builder) compileAll(ctx context.Context, c *bytecode.Compiler, set string, sources []bytecode.Source) ([][]byte, error) {
	for _, s := range sources {
		b.opt.on(Event{Stage: "bytecode", Item: s.Path, Total: 1})
	}
	defer b.opt.Trace.Begin(trace.Bytecode, fmt.Sprintf("%d sources", len(sources))).End()
	return c.Compile(ctx, set, sources)
}

// bytecodeEntry is the .pyc of a source, a path in the image that starts with a slash.
func bytecodeEntry(minor int, source string, code []byte) entry.Entry {
	return entry.NewFile(bytecode.PycPath(source, minor)[1:], code, false)
}

// once is a value that is made when somebody first asks for it.
type once[T any] struct {
	done  sync.Once
	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	o.done.Do(func() { o.value, o.err = make() })
	return o.value, o.err
}
