package build

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// builder is one run: its options, and what its stages share.
type builder struct {
	opt    Options
	store  *store.Store
	client *fetch.Client
	bases  base.Options // what all calls of package base have in common

	mu    sync.Mutex
	spent []Timing
	said  map[string]bool // warnings, so that each is said once
}

// Timing is how long a stage took. Stages overlap, so their sum may exceed the whole.
type Timing struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

func newBuilder(opt Options) (*builder, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	st, err := store.Open(opt.Store)
	if err != nil {
		return nil, err
	}
	client := fetch.New(st, fetch.Options{Jobs: opt.Jobs, Offline: opt.Offline, Auth: opt.Index.Auth, Log: opt.Log})
	b := &builder{opt: opt, store: st, client: client, said: map[string]bool{}, bases: base.Options{
		Mirror: opt.DebianMirror, SecurityMirror: opt.DebianSecurityMirror, Snapshot: opt.snapshot(), Now: opt.Now, AllowExpired: opt.AllowExpired, Jobs: opt.Jobs,
	}}
	if opt.DebianKeyring != nil {
		b.bases.Keyring, err = base.ParseKeyring(opt.DebianKeyring)
	}
	return b, err
}

// close removes what this run has under way in the store.
func (b *builder) close() {
	if err := b.store.Close(); err != nil {
		b.opt.Log.Warn("closing the store", "error", err)
	}
}

// cached returns the layer of a key, made when the store does not have it, and tells progress.
func (b *builder) cached(ctx context.Context, key string, kind plan.LayerKind, make func() (layer.Contents, error)) (made, error) {
	rec, reused, err := layer.Cached(ctx, b.store, key, string(kind), make)
	return made{Record: rec, reused: reused}, err
}

// compileOn returns the compiler that runs on finished layers, nil where no bytecode is wanted. The root is made and the
// executor chosen when something is compiled first, which on the warm path is never.
func (b *builder) compileOn(p *plan.Plan, layers []made, wanted bool) compile {
	if !wanted {
		return nil
	}
	type result struct {
		compiler *bytecode.Compiler
		err      error
	}
	var once sync.Once
	var ready result
	return func(ctx context.Context, sources []bytecode.Source) ([][]byte, error) {
		once.Do(func() { ready.compiler, ready.err = b.compiler(ctx, p, layers) })
		if ready.err != nil {
			return nil, ready.err
		}
		return ready.compiler.Compile(ctx, sources)
	}
}

// compiler returns a bytecode compiler that runs the interpreter of some layers.
func (b *builder) compiler(ctx context.Context, p *plan.Plan, layers []made) (*bytecode.Compiler, error) {
	executor, err := execute.Choose(ctx, execute.Need{Name: b.opt.Executor})
	if err != nil {
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
	return bytecode.New(bytecode.Options{Store: b.store, Executor: executor, Root: root, Python: p.Interpreter, ID: p.Compiler, Jobs: b.opt.jobs()}), nil
}

// bytecodeEntry is the .pyc of a source, a path in the image that starts with a slash.
func bytecodeEntry(p *plan.Plan, source string, code []byte) entry.Entry {
	return entry.NewFile(bytecode.PycPath(source, p.MinorNumber())[1:], code, false)
}

// time starts a clock for a stage and returns what stops it.
func (b *builder) time(stage string) (stop func()) {
	start := time.Now()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.spent = append(b.spent, Timing{Stage: stage, Seconds: time.Since(start).Seconds()})
	}
}

func (b *builder) timings() []Timing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// ended tells that a stage is over, with a sentence.
func (b *builder) ended(stage, format string, args ...any) {
	b.opt.on(Event{Stage: stage, Text: fmt.Sprintf(format, args...), Ended: true})
}

// warn shows warnings, each once.
func (b *builder) warn(warnings diag.List) {
	for _, w := range warnings {
		b.mu.Lock()
		known := b.said[w.Error()]
		b.said[w.Error()] = true
		b.mu.Unlock()
		if !known {
			b.opt.on(Event{Level: "warning", Text: w.Error()})
		}
	}
}

// onBase shows what the base does. Its bytes are of all packages together, so they are one item.
func (b *builder) onBase(e base.Event) {
	if e.Stage == "fetch" {
		b.opt.on(Event{Stage: "base", Item: "packages", Done: e.Done, Total: e.Total, Unit: "B"})
	}
}

func (b *builder) onArtifact(e artifact.Event) {
	b.opt.on(Event{Stage: "download", Item: e.Package, Done: e.Done, Total: e.Total, Unit: "B"})
}
