package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/lithe-build/lithe/internal/catalogue"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// The kinds of records in a catalogue.
const (
	layerRecord    = "layer"
	overlapsRecord = "overlaps"
	seenRecord     = "seen"
)

// memory is what registries remember of earlier builds. Only repositories are asked that the image is pushed to, or that
// the user names for layers: whoever may write there could replace the image itself. What they say is used for this build
// and stays out of the store's records, which builds of other projects believe.
//
// The nil memory remembers nothing.
type memory struct {
	client *registry.Client
	store  *store.Store
	warn   func(format string, args ...any)
	places []string // repositories, those of the image first
	shared string   // the repository of layers, "" for none
	verify string   // VerifyAll, VerifySample, or "" for no layer
	lender *lender  // nil where no interpreter is lent

	loading sync.Once
	mu      sync.Mutex
	read    map[string]*catalogue.Catalogue // by repository
	there   map[string]bool                 // blobs that a repository was seen to have, by placeOf
	lost    map[string]bool                 // digests of layers that turned out to be gone
	noted   []catalogue.Record              // to write: what is known of all layers together
}

// Values of Options.VerifyLayers.
const (
	VerifyAll    = "all"
	VerifySample = "sample" // the base and the interpreter, and one in sampleOf of the other layers
	sampleOf     = 4
)

// ReuseRegistry is the value of Options.Reuse, and of the key, that turns the memory of registries on.
const ReuseRegistry = "registry"

// newMemory returns the memory of the repositories in question, nil where it is off.
func (b *builder) newMemory(d *decision) (*memory, error) {
	if cmp.Or(b.opt.Reuse, d.config.Reuse) != ReuseRegistry {
		return nil, nil
	}
	m := &memory{client: b.registry, store: b.store, verify: b.opt.VerifyLayers, read: map[string]*catalogue.Catalogue{},
		there: map[string]bool{}, lost: map[string]bool{}}
	m.warn = func(format string, args ...any) {
		b.opt.on(Event{Level: "warning", Text: fmt.Sprintf(format, args...)})
	}
	var names []string
	if b.opt.Push {
		names = append(names, b.opt.Tags...)
	}
	shared := cmp.Or(b.opt.LayerRepository, d.config.LayerRepository)
	if shared != "" {
		names = append(names, shared)
	}
	for _, name := range names {
		repository, err := registry.Repository(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(m.places, repository) {
			m.places = append(m.places, repository)
		}
		if name == shared {
			m.shared = repository
		}
	}
	if len(m.places) == 0 {
		return nil, nil
	}
	return m, nil
}

// load reads the catalogues, once, when something is first looked for. One that cannot be read is as good as none.
func (m *memory) load(ctx context.Context) {
	m.loading.Do(func() {
		var all sync.WaitGroup
		for _, repository := range m.places {
			all.Go(func() {
				c, _, err := m.readCatalogue(ctx, repository)
				if err != nil && ctx.Err() == nil {
					m.warn("%s: what it remembers of layers cannot be read: %v", repository, err)
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				m.read[repository] = c
			})
		}
		all.Wait()
	})
}

// loaded reports whether the catalogues were needed so far.
func (m *memory) loaded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.read) > 0
}

// readCatalogue returns the catalogue of a repository and its manifest, nil where there is none. The blob is kept in the
// store, where the next build finds it by its digest.
func (m *memory) readCatalogue(ctx context.Context, repository string) (*catalogue.Catalogue, *registry.Remote, error) {
	remote, err := m.client.Own(ctx, repository, catalogue.Tag)
	if err != nil || remote == nil {
		return nil, nil, err
	}
	digest, _, err := catalogue.ParseManifest(remote.Raw)
	if err != nil {
		return nil, nil, err
	}
	blob, ok := m.kept(digest)
	if !ok {
		if blob, err = m.client.OwnBlob(ctx, repository, digest, catalogue.MaxBlob); err != nil {
			return nil, nil, err
		}
		m.keep(blob)
	}
	c, err := catalogue.Parse(blob)
	return c, remote, err
}

// find returns a record, and the repository that has it.
func (m *memory) find(ctx context.Context, kind, key string, accept func(catalogue.Record, string) bool) bool {
	if m == nil {
		return false
	}
	m.load(ctx)
	for _, repository := range m.places {
		m.mu.Lock()
		c := m.read[repository]
		m.mu.Unlock()
		if r, ok := c.Find(kind, key); ok && accept(r, repository) {
			return true
		}
	}
	return false
}

// fact reads what is remembered of all layers together. With verification everything is found out anew.
func (m *memory) fact(ctx context.Context, kind, key string, v any) bool {
	return m != nil && m.verify == "" && m.find(ctx, kind, key, func(r catalogue.Record, _ string) bool { return r.Into(v) })
}

// layer returns the layer of a key that one of the repositories has: its record stands in the catalogue, and its blob was
// looked for just now.
func (m *memory) layer(ctx context.Context, key string, kind plan.LayerKind) (l made, ok bool) {
	if m == nil || kind == plan.ProjectLayer && !m.loaded() {
		return made{}, false // a machine that has the base makes this layer faster than it asks for it
	}
	ok = m.find(ctx, layerRecord, key, func(r catalogue.Record, repository string) bool {
		var rec layer.Record
		if !r.Into(&rec) || rec.Key != key || rec.Format != layer.Format || !sound(rec) || m.isLost(rec.Digest) || !m.has(ctx, repository, rec) {
			return false
		}
		l = made{Record: rec, recalled: true, origin: layer.Origin{Repository: repository, Fetch: m.fetch(repository, rec)}}
		return true
	})
	return l, ok
}

// maxRecalled is in bytes. The largest wheels have some gigabytes.
const maxRecalled = 32 << 30

// sound reports a record that can be that of a layer.
func sound(rec layer.Record) bool {
	for _, digest := range []string{rec.Digest, rec.DiffID} {
		if algorithm, _, err := store.ParseDigest(digest); err != nil || algorithm != "sha256" {
			return false
		}
	}
	return rec.Size > 0 && rec.Size < maxRecalled && rec.UnpackedSize > 0 && rec.MediaType == ""
}

// has asks whether a repository has the blob of a layer: registries remove what nothing names. The push relies on it.
func (m *memory) has(ctx context.Context, repository string, rec layer.Record) bool {
	if m.Has(repository, rec.Digest) {
		return true
	}
	there, err := m.client.PushHas(ctx, repository, rec.Digest)
	if err != nil || !there {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.there[placeOf(repository, rec.Digest)] = true
	return true
}

func placeOf(repository, digest string) string { return repository + "@" + digest }

// Has reports whether a repository was seen to have a blob in this run.
func (m *memory) Has(repository, digest string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.there[placeOf(repository, digest)]
}

// verifies reports whether a layer that is remembered is to be made, too. Everything that layers are compiled with is, or
// the comparison would show nothing.
func (m *memory) verifies(kind plan.LayerKind) bool {
	switch m.verify {
	case VerifyAll:
		return true
	case VerifySample:
		ground := kind == plan.BaseLayer || kind == plan.InterpreterLayer
		return ground || rand.N(sampleOf) == 0 // whoever knows which ones are compared changes another
	}
	return false
}

// lostLayer says that a registry has lost a layer since it was asked for it.
type lostLayer struct {
	digest string
	err    error
}

func (l *lostLayer) Error() string { return fmt.Sprintf("layer %s is gone: %v", l.digest, l.err) }
func (l *lostLayer) Unwrap() error { return l.err }

// fetch returns what brings the blob of a layer into the store, for destinations that need its bytes.
func (m *memory) fetch(repository string, rec layer.Record) func(context.Context) error {
	var one sync.Mutex
	return func(ctx context.Context) error {
		one.Lock()
		defer one.Unlock()
		_, err := m.client.Blob(ctx, m.store, repository, rec.Digest, rec.Size, nil)
		if err == nil {
			err = layer.VerifyDiffID(ctx, m.store, rec)
		}
		if errors.Is(err, fetch.ErrNotFound) || errors.Is(err, store.ErrMismatch) {
			return &lostLayer{rec.Digest, err}
		}
		return err
	}
}

func (m *memory) isLost(digest string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost[digest]
}

// forget takes note of a layer that an error says is gone, and doubts all others: they are asked for again. It reports
// whether another attempt may succeed.
func (m *memory) forget(err error) bool {
	gone, ok := errors.AsType[*lostLayer](err)
	if m == nil || !ok {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost[gone.digest] {
		return false
	}
	m.lost[gone.digest] = true
	clear(m.there)
	return true
}

// recalled returns the layer of a key from the memory of registries, verified if the options ask for it.
func (b *builder) recalled(ctx context.Context, name, key string, kind plan.LayerKind, make func() (layer.Contents, error)) (l made, ok bool, err error) {
	l, ok = b.memory.layer(ctx, key, kind)
	if !ok || !b.memory.verifies(kind) {
		return l, ok, nil
	}
	rec, _, err := b.makeLayer(ctx, name, key, kind, make)
	if err == nil && (rec.Digest != l.Digest || rec.DiffID != l.DiffID) {
		err = &diag.Error{Code: "layer-differs", What: fmt.Sprintf("%s remembers %s for the layer of %s, which is %s when it is made here",
			l.origin.Repository, l.Digest, describe(rec), rec.Digest),
			Hint: "somebody who may push there put it there: look who did, build with `--reuse=none`, and remove the tag " + catalogue.Tag}
	}
	return made{Record: rec}, true, err
}

// describe names a layer by what is in it.
func describe(rec layer.Record) string {
	if len(rec.Packages) == 1 {
		return rec.Packages[0]
	}
	return string(rec.Kind) + ", " + count(len(rec.Packages), "package")
}

// known is what a push need not ask for.
func (m *memory) known() destination.Known {
	if m == nil {
		return nil
	}
	return m.Has
}
