package build

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// builder is one run: its options, and what its stages share.
type builder struct {
	opt    Options
	store  *store.Store
	client *fetch.Client
	bases  base.Options // what all calls of package base have in common

	registry *registry.Client // its tokens and connections are for the whole run

	mu    sync.Mutex
	spent []Timing
	said  map[string]bool // warnings, so that each is said once
	made  map[string]bool // keys of layers that this run made

	urls      map[string]string                  // of wheels whose lock has none, by hash, as far as an index was asked
	listed    map[string]artifact.Listed         // what else it said of them
	recipes   map[string]*recipe                 // of wheels that are built, by key
	building  chan struct{}                      // holds one thing for each build under way
	compilers []*bytecode.Compiler               // to close
	host      *ground                            // whose interpreter compiles; nil without bytecode
	several   bool                               // platforms are built, so that lines say which
	compiled  atomic.Int64                       // sources
	memory    *memory                            // nil where registries are not asked what they remember
	borrowed  atomic.Bool                        // the interpreter that compiles is one that a registry remembers
	making    chan struct{}                      // one for each layer of wheels that may be made at once
	crates    once[string]                       // where crates are downloaded from
	engine    func() (destination.Engine, error) // that the image is loaded into
	admitted  func() error                       // waits until registries said whether they take the image; nil where none is to
}

// Timing is how long a stage took. Stages overlap, so their sum may exceed the whole.
type Timing struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

func newBuilder(opt Options) (*builder, error) {
	opt = opt.atRoot()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Trace == nil {
		opt.Trace = trace.New()
	}
	opt.Engine.Trace = opt.Trace
	st, err := store.OpenTraced(opt.Store, opt.Trace)
	if err != nil {
		return nil, err
	}
	opt.sums = newFingerprints(st, opt.Dir, opt.Trace)
	opt.sums.now = func() time.Time { return time.Now().Add(opt.later) }
	var b *builder // whose index options grow by what the lock file names
	auth := func(u *url.URL) (user, password string, ok bool) { return b.opt.Index.Auth(u) }
	client := fetch.New(st, fetch.Options{Jobs: opt.Jobs, Offline: opt.Offline, Auth: auth,
		Denied: func(u *url.URL) string { return b.opt.Index.Denied(u) }, TLS: func(u *url.URL) *tls.Config { return b.opt.Index.TLS(u) },
		Stall: opt.Timeout, Attempts: opt.Attempts, Log: opt.Log, Trace: opt.Trace})
	registries := registry.New(opt.registry())
	b = &builder{opt: opt, store: st, client: client, registry: registries, said: map[string]bool{}, made: map[string]bool{}, making: make(chan struct{}, opt.layersAtOnce()), urls: map[string]string{}, listed: map[string]artifact.Listed{},
		recipes: map[string]*recipe{}, building: make(chan struct{}, opt.buildsAtOnce()), bases: base.Options{
			Mirror: opt.DebianMirror, SecurityMirror: opt.DebianSecurityMirror, Snapshot: opt.snapshot(), Now: opt.Now, AllowExpired: opt.AllowExpired, Jobs: opt.Jobs,
			StandaloneMirror: opt.StandaloneMirror,
			Registry:         registries, Store: st,
		}}
	b.bases.ImageRoot = b.imageRoot
	if opt.DebianKeyring != nil {
		b.bases.Keyring, err = base.ParseKeyring(opt.DebianKeyring)
	}
	return b, err
}

// close ends the interpreters, and removes what this run has under way in the store.
func (b *builder) close() {
	for _, c := range b.compilers {
		c.Close()
	}
	if err := b.store.Close(); err != nil {
		b.opt.Log.Warn("closing the store", "error", err)
	}
}

// time starts a clock for a stage and returns what stops it. Of platforms side by side the slowest counts.
func (b *builder) time(stage string) (stop func()) {
	start, span := time.Now(), b.opt.Trace.Begin(trace.Stage, stage)
	return func() {
		span.End()
		b.mu.Lock()
		defer b.mu.Unlock()
		seconds := time.Since(start).Seconds()
		if i := slices.IndexFunc(b.spent, func(t Timing) bool { return t.Stage == stage }); i >= 0 {
			b.spent[i].Seconds = max(b.spent[i].Seconds, seconds)
			return
		}
		b.spent = append(b.spent, Timing{Stage: stage, Seconds: seconds})
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
		return
	}
	b.opt.on(Event{Stage: "base", Item: e.Stage + " " + e.Item, Unit: "B"})
}

// onArtifact shows downloads. A file that was there already is none.
func (b *builder) onArtifact(e artifact.Event) {
	if e.Cached {
		return
	}
	b.opt.on(Event{Stage: "download", Item: e.Package, Done: e.Done, Total: e.Total, Unit: "B"})
}
