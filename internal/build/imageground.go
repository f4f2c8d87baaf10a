package build

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// onImage returns the layers of a base that is an image, as they are, and one with the virtual environment. None of them
// is downloaded for that: whoever reads a layer fetches it.
func (g *ground) onImage(ctx context.Context) ([]made, error) {
	return g.packaged.get(func() ([]made, error) {
		selection, _ := g.pins.Selection(g.platform)
		var layers []made
		for _, l := range selection.Image.Layers {
			layers = append(layers, g.builder.imageLayer(g.pins, l))
		}
		key := skeletonKey{Format: layer.Format, Assembly: base.Format, Python: g.facts.Python, Interpreter: g.facts.Interpreter}
		packages := []string{"python " + g.facts.Python}
		skeleton, err := g.builder.named(ctx, store.Key(key), plan.InterpreterLayer, packages, func() (layer.Contents, error) {
			return layer.Contents{Entries: base.Skeleton(g.facts), Packages: packages}, nil
		})
		return append(layers, skeleton), err
	})
}

// imageLayer is one layer of another image. Its format is 0, as of no layer that is made here.
func (b *builder) imageLayer(pins *base.Pins, l base.ImageLayer) made {
	_, here := b.store.Blob(l.Digest)
	var one sync.Mutex // several destinations may ask at once
	return made{
		Record: layer.Record{Blob: layer.Blob{Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, UnpackedSize: l.Unpacked},
			MediaType: l.MediaType, Kind: plan.BaseLayer, Packages: []string{pins.Name}},
		reused: here, remote: true,
		origin: layer.Origin{Repository: pins.Repository(), Fetch: func(ctx context.Context) error {
			one.Lock()
			defer one.Unlock()
			_, err := base.FetchImage(ctx, pins.Repository(), []base.ImageLayer{l}, b.bases, b.onBase)
			return err
		}},
	}
}

// asLayer returns the layer as destinations read it.
func (b *builder) asLayer(ctx context.Context, l made) v1.Layer {
	return layer.OpenFrom(ctx, b.store, l.Record, l.origin)
}

// bring fetches the layers of other images that the store lacks.
func bring(ctx context.Context, st *store.Store, layers []made) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range layers {
		if _, here := st.Blob(l.Digest); !here && l.origin.Fetch != nil {
			g.Go(func() error { return l.origin.Fetch(ctx) })
		}
	}
	return g.Wait()
}

// seen completes what is known of layers that others made: what the dynamic loader would see of them.
func (b *builder) seen(ctx context.Context, layers []made) error {
	for i, l := range layers {
		if !l.remote {
			continue
		}
		key := store.Key(seenKey{Format: layer.Format, DiffID: l.DiffID})
		ok, err := b.store.Record("seen", key, &layers[i].Loading)
		if err != nil {
			return err
		}
		if ok || b.memory.fact(ctx, seenRecord, key, &layers[i].Loading) {
			b.memory.note(seenRecord, key, layers[i].Loading)
			continue
		}
		loading, err := b.inspect(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: layer %s: %w", l.Packages[0], l.Digest, err)
		}
		if err := b.store.PutRecord("seen", key, loading); err != nil {
			return err
		}
		layers[i].Loading = loading
		b.memory.note(seenRecord, key, loading)
	}
	return nil
}

func (b *builder) inspect(ctx context.Context, l made) (layer.Loading, error) {
	tarball, err := b.asLayer(ctx, l).Uncompressed()
	if err != nil {
		return layer.Loading{}, err
	}
	defer tarball.Close()
	return layer.Inspect(ctx, b.store, tarball)
}
