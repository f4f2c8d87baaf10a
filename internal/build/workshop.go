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

// compile turns sources into .pyc files in order, nil where one does not compile. It is nil without bytecode.
type compile func(context.Context, []bytecode.Source) ([][]byte, error)

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
	built   bool               // whether an image of the host's platform is made, too
	stdlib  compile            // for the host's standard library: on the base as it is packaged
	code    compile            // for everything else
}

// newWorkshop prepares and makes nothing: the roots of interpreters are made when something is compiled first, which on
// the warm path is never.
func (b *builder) newWorkshop(d *decision) (*workshop, error) {
	w := &workshop{grounds: map[string]*ground{}}
	for _, v := range d.variants {
		w.grounds[v.name()] = b.newGround(d.pins, v.name(), v.facts)
		w.grounds[v.name()].system = d.system
	}
	if !d.config.Bytecode {
		return w, nil
	}
	if w.host, w.built = w.grounds[d.host]; !w.built {
		facts, err := d.pins.Facts(d.host)
		if err != nil {
			return nil, err
		}
		w.host = b.newGround(d.pins, d.host, facts)
	}
	w.stdlib = b.compileOn(w.host.facts, w.host.bare)
	w.code = w.stdlib
	if w.built { // with the bytecode of its own library an interpreter starts faster
		w.code = b.compileOn(w.host.facts, func(ctx context.Context) ([]made, error) { return w.host.compiled(ctx, w.stdlib) })
	}
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
	switch {
	case !bytecode:
		return g.bare(ctx)
	case g == w.host:
		return g.compiled(ctx, w.stdlib)
	}
	return g.compiled(ctx, w.code)
}

// forget frees what only making the grounds needs.
func (w *workshop) forget() {
	for _, g := range w.grounds {
		g.forget()
	}
}

// compileOn returns the compiler that runs on finished layers.
func (b *builder) compileOn(facts base.Facts, layers func(context.Context) ([]made, error)) compile {
	var compiler once[*bytecode.Compiler]
	return func(ctx context.Context, sources []bytecode.Source) ([][]byte, error) {
		c, err := compiler.get(func() (*bytecode.Compiler, error) {
			below, err := layers(ctx)
			if err != nil {
				return nil, err
			}
			return b.compiler(ctx, facts, below)
		})
		if err != nil {
			return nil, err
		}
		return b.compileAll(ctx, c, sources)
	}
}

// compiler returns a bytecode compiler that runs the interpreter of some layers.
func (b *builder) compiler(ctx context.Context, facts base.Facts, layers []made) (*bytecode.Compiler, error) {
	executor, err := execute.Choose(ctx, execute.Need{Name: b.opt.Executor})
	if err != nil {
		return nil, err
	}
	if err := bring(ctx, b.store, layers); err != nil {
		return nil, err
	}
	blobs := make([]execute.LayerBlob, len(layers))
	for i, l := range layers {
		blobs[i] = execute.LayerBlob{Digest: l.Digest, DiffID: l.DiffID}
	}
	root, err := execute.Materialize(ctx, b.store, blobs)
	if err != nil {
		return nil, fmt.Errorf("unpacking the base to run its interpreter: %w", err)
	}
	c := bytecode.New(bytecode.Options{Store: b.store, Executor: execute.Traced(executor, b.opt.Trace), Root: root, Python: facts.Interpreter, ID: facts.Python,
		Jobs: b.opt.jobs(), Finished: b.onCompiled, Trace: b.opt.Trace})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.compilers = append(b.compilers, c)
	return c, nil
}

// onCompiled shows one source that is done. It is called from several goroutines, as every event may be.
func (b *builder) onCompiled(path string) {
	b.compiled.Add(1)
	b.opt.on(Event{Stage: "bytecode", Item: path, Done: 1, Total: 1})
}

// compileAll compiles sources, and tells progress how many there are.
func (b *builder) compileAll(ctx context.Context, c *bytecode.Compiler, sources []bytecode.Source) ([][]byte, error) {
	for _, s := range sources {
		b.opt.on(Event{Stage: "bytecode", Item: s.Path, Total: 1})
	}
	defer b.opt.Trace.Begin(trace.Bytecode, fmt.Sprintf("%d sources", len(sources))).End()
	return c.Compile(ctx, sources)
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
