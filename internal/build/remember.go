package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/catalogue"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// note keeps a record for the catalogues that this run writes.
func (m *memory) note(kind, key string, v any) {
	if m == nil {
		return
	}
	r, err := catalogue.New(kind, key, v)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noted = append(m.noted, r)
}

// remember writes what this build knows into the catalogues of the repositories that it pushed to, and shares layers with
// other repositories of the organisation. The image is there by now: whatever goes wrong is told and fails nothing.
func (b *builder) remember(ctx context.Context, result *Result, pushed []string) {
	m := b.memory
	if m == nil || len(pushed) == 0 {
		return
	}
	defer b.time("remember")()
	records, layers := m.learned(result)
	m.lender = b.newLender(ctx, b.host)
	for _, repository := range pushed {
		if err := m.write(ctx, repository, records, nil); err != nil {
			m.warn("%s: the next build will not find its layers: %v", repository, err)
		}
	}
	if m.shared == "" {
		return
	}
	shared, err := m.share(ctx, pushed[0], layers)
	if err == nil {
		err = m.write(ctx, m.shared, forAll(records), shared)
	}
	if err != nil {
		m.warn("%s: other projects will not find these layers: %v", m.shared, err)
	}
}

// learned returns the records of a finished image, and its layers that other projects can use.
func (m *memory) learned(result *Result) (records []catalogue.Record, layers []layer.Record) {
	seen := map[string]bool{}
	for _, p := range result.Platforms {
		for _, l := range p.Layers {
			if l.Format != layer.Format || l.Key == "" || seen[l.Key] {
				continue
			}
			seen[l.Key] = true
			if r, err := catalogue.New(layerRecord, l.Key, l.Record); err == nil {
				records = append(records, r)
			}
			if l.Kind != plan.ProjectLayer {
				layers = append(layers, l.Record)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return append(records, m.noted...), layers
}

// forAll leaves out the layers of first-party code, which nobody else has.
func forAll(records []catalogue.Record) (out []catalogue.Record) {
	for _, r := range records {
		var rec layer.Record
		if r.Kind != layerRecord || r.Into(&rec) && rec.Kind != plan.ProjectLayer {
			out = append(out, r)
		}
	}
	return out
}

// maxTurns is how often a catalogue is merged and written, where others write at the same time.
const maxTurns = 3

// write merges records into the catalogue of a repository. Registries have no way to replace a tag only if it is what it
// was, so that the catalogue is read right before, and looked at right after: of two writers the one that was first sees
// that it lost, and merges again. What is lost for all that is made again some time.
func (m *memory) write(ctx context.Context, repository string, known []catalogue.Record, shared []v1.Descriptor) error {
	for turn := range maxTurns {
		old, remote, err := m.readCatalogue(ctx, repository)
		if err != nil && turn == 0 {
			m.warn("%s: the catalogue of layers is replaced: %v", repository, err)
		}
		lent, lentLayers, err := m.lendTo(ctx, repository, old, remote)
		if err != nil {
			m.warn("%s: no interpreter is lent to other machines: %v", repository, err)
		}
		records, layers := slices.Concat(known, lent), slices.Concat(shared, lentLayers)
		if old.Has(records) && turn == 0 && names(remote, layers) {
			return nil
		}
		merged, err := old.Merge(records).Encode()
		if err != nil {
			return err
		}
		digest, err := m.put(ctx, repository, merged, together(layers, remote))
		if errors.Is(err, registry.ErrBlobUnknown) { // of a layer that an older catalogue named
			digest, err = m.put(ctx, repository, merged, layers)
		}
		if err != nil {
			return err
		}
		if ours, err := m.client.HasManifest(ctx, repository, catalogue.Tag, digest); ours || err != nil {
			return nil // where the registry does not tell, nobody can know
		}
	}
	return nil
}

// put writes a catalogue, and returns the digest of its manifest.
func (m *memory) put(ctx context.Context, repository string, blob []byte, layers []v1.Descriptor) (string, error) {
	raw, err := catalogue.Manifest(blob, layers)
	if err != nil {
		return "", err
	}
	for _, data := range [][]byte{[]byte(catalogue.Empty), blob} {
		digest := store.DigestBytes(data)
		if there, err := m.client.PushHas(ctx, repository, digest); err != nil || there {
			if err != nil {
				return "", err
			}
			continue
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		if _, err := m.client.Push(ctx, repository, registry.Blob{Digest: digest, Size: int64(len(data)), Open: open}, "", nil); err != nil {
			return "", err
		}
	}
	m.keep(blob)
	return store.DigestBytes(raw), m.client.PushManifest(ctx, repository, catalogue.Tag, string(types.OCIManifestSchema1), raw)
}

// share brings layers into the repository of layers, by mounts where the registry does them. A layer that is in the
// image's repository alone, and that no mount brings, is left out: moving it twice costs more than making it once.
func (m *memory) share(ctx context.Context, from string, layers []layer.Record) ([]v1.Descriptor, error) {
	there := make([]bool, len(layers))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(m.client.Jobs())
	for i, rec := range layers {
		g.Go(func() (err error) {
			if there[i] = m.has(gctx, m.shared, rec); there[i] {
				return nil
			}
			blob := registry.Blob{Digest: rec.Digest, Size: rec.Size, Open: func() (io.ReadCloser, error) { return m.open(rec.Digest) }}
			_, err = m.client.Push(gctx, m.shared, blob, from, nil)
			there[i] = err == nil
			if errors.Is(err, errNotHere) {
				err = nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var shared []v1.Descriptor
	for i, rec := range layers {
		digest, err := v1.NewHash(rec.Digest)
		if err != nil {
			return nil, err
		}
		if there[i] {
			shared = append(shared, v1.Descriptor{MediaType: rec.LayerType(), Size: rec.Size, Digest: digest})
		}
	}
	return shared, nil
}

// errNotHere says that only a registry has a layer.
var errNotHere = errors.New("the layer is not in the store")

// maxShared is how many layers a catalogue names; the oldest fall out, and the registry may then remove them.
const maxShared = 1000

// together adds the layers that a catalogue names already.
func together(layers []v1.Descriptor, remote *registry.Remote) []v1.Descriptor {
	all, seen := []v1.Descriptor{}, map[v1.Hash]bool{}
	for _, d := range append(layers[:len(layers):len(layers)], listed(remote)...) {
		if !seen[d.Digest] && len(all) < maxShared {
			seen[d.Digest] = true
			all = append(all, d)
		}
	}
	return all
}

// names reports whether a catalogue names all of some layers.
func names(remote *registry.Remote, layers []v1.Descriptor) bool {
	return len(together(listed(remote), nil)) == len(together(append(listed(remote), layers...), nil))
}

// listed returns the layers that a catalogue names.
func listed(remote *registry.Remote) []v1.Descriptor {
	if remote == nil {
		return nil
	}
	_, layers, err := catalogue.ParseManifest(remote.Raw)
	if err != nil {
		return nil
	}
	return layers
}

// kept returns the blob of a catalogue from the store.
func (m *memory) kept(digest string) ([]byte, bool) {
	path, ok := m.store.Blob(digest)
	if !ok {
		return nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	blob, err := io.ReadAll(io.LimitReader(f, catalogue.MaxBlob))
	return blob, err == nil && store.DigestBytes(blob) == digest
}

// keep puts the blob of a catalogue into the store. A store that is full must not fail a push.
func (m *memory) keep(blob []byte) {
	w, err := m.store.Create()
	if err != nil {
		return
	}
	defer w.Abort()
	if _, err := w.Write(blob); err == nil {
		_, _ = w.Commit("")
	}
}
