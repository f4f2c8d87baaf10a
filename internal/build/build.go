// Package build knows the order of the stages, and nothing else does: project, lock, base, plan, artifact, bytecode,
// layer, image, destination.
//
// A folder and options go in; an image in the store, copies of it at the destinations, and lithe.lock come out. Each
// stage is keyed by a hash of its inputs, so that a build which changes nothing opens records and nothing else. It always
// holds that what the plan says does not depend on what the store has.
package build

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// Result is a finished build.
type Result struct {
	Digest  string // "sha256:…" of the manifest
	Plan    *plan.Plan
	Layers  []Layer
	Outputs []Output
	Timings []Timing
	Image   v1.Image
	Engine  destination.Engine // that it was loaded into; nil without Load
	blobs   []execute.LayerBlob
	store   *store.Store
}

// Materialize returns a directory with the root file system of the image, made from its layers.
func (r *Result) Materialize(ctx context.Context) (string, error) {
	return execute.Materialize(ctx, r.store, r.blobs)
}

// Layer is a layer of the image and where it came from.
type Layer struct {
	layer.Record
	Reused bool // it was in the store
}

// Output is what one destination got.
type Output struct {
	Destination string // as it was asked for
	Reference   string // digest reference to print
	Sent        int64  // bytes moved
	ID          string // what an engine calls the image, to run it
}

// Run builds an image and writes it to its destinations.
func Run(ctx context.Context, opt Options) (result *Result, err error) {
	err = decided(ctx, opt, false, func(b *builder, d *decision) error {
		changes, err := b.saveLitheLock(d)
		if err != nil {
			return err
		}
		for _, change := range changes {
			b.ended("lock", "%s", change)
		}
		layers, err := b.layers(ctx, d)
		if err != nil {
			return err
		}
		if result, err = b.image(d.plan, layers); err != nil {
			return err
		}
		err = b.write(ctx, result)
		result.Timings = b.timings()
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// decided makes the plan, as every command does, and hands it to use. With upgrade the base is resolved anew.
func decided(ctx context.Context, opt Options, upgrade bool, use func(*builder, *decision) error) error {
	b, err := newBuilder(opt)
	if err != nil {
		return err
	}
	defer b.close()
	d, err := b.decide(ctx, upgrade)
	if err != nil {
		return err
	}
	return use(b, d)
}

// layers makes what the image consists of: the ground and the wheels side by side, the first-party code last, since it
// is compiled on the ground.
func (b *builder) layers(ctx context.Context, d *decision) ([]made, error) {
	p := d.plan
	own, err := b.ownCode(d.inputs, p)
	if err != nil {
		return nil, err
	}
	var below *ground
	var dropped map[string][]string
	g, groupCtx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		defer b.time("base")()
		below, err = b.ground(groupCtx, p, d.pins)
		return err
	})
	g.Go(func() (err error) {
		defer b.time("download")()
		dropped, err = b.overlaps(groupCtx, p, own.installed)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := own.without(d.inputs, p, dropped); err != nil {
		return nil, err
	}
	b.ended("base", "%s with Python %s, %d packages%s", p.Base, p.Python, len(debDigests(d.pins, p)), reusedText(below.layers))
	defer b.time("layers")()
	code := b.compileOn(p, below.layers)
	wheels, err := b.wheelLayers(ctx, p, dropped, code.when(p.Bytecode))
	if err != nil {
		return nil, err
	}
	top, err := b.ownLayer(ctx, p, own, code.when(p.OwnCode))
	if err != nil {
		return nil, err
	}
	all := append(append(below.layers, wheels...), top)
	if n := b.compiled.Load(); n > 0 {
		b.ended("bytecode", "%s", count(int(n), "file"))
	}
	b.ended("layers", "%d, %s%s", len(all), sizeText(all), reusedText(all))
	return all, nil
}

// image puts configuration and layers together.
func (b *builder) image(p *plan.Plan, layers []made) (*Result, error) {
	result := &Result{Plan: p, store: b.store, blobs: blobsOf(layers)}
	records := make([]layer.Record, len(layers))
	for i, l := range layers {
		records[i] = l.Record
		result.Layers = append(result.Layers, Layer{Record: l.Record, Reused: l.reused})
	}
	img, err := image.New(p.Config, records, b.store)
	if err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	result.Image, result.Digest = img, digest.String()
	return result, nil
}
