package build

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// Result is a finished build.
type Result struct {
	Digest    string           // "sha256:…" of the manifest, or of the index where there are several platforms
	Platforms []PlatformResult // sorted by platform, one at least
	Index     v1.ImageIndex    // of all platforms; nil where there is one
	Outputs   []Output
	Timings   []Timing
	Counts    trace.Counts       // what the run did
	Engine    destination.Engine // that it was loaded into; nil without Load
}

// PlatformResult is the image of one platform.
type PlatformResult struct {
	Platform string // "linux/arm64"
	Digest   string // "sha256:…" of the manifest
	Plan     *plan.Plan
	Layers   []Layer
	Image    v1.Image
	store    *store.Store
}

// Layer is a layer of the image and where it came from.
type Layer struct {
	layer.Record
	Reused bool // it was in the store
	Remote bool // a registry has it, of another image or from an earlier build, and may be the only one
	made   made
}

// Output is what one destination got.
type Output struct {
	Destination string // as it was asked for
	Reference   string // digest reference to print
	Sent        int64  // bytes moved
	ID          string // what an engine calls the image, to run it
}

// Materialize returns a directory with the root file system of the image, made from its layers.
func (r *PlatformResult) Materialize(ctx context.Context) (string, error) {
	blobs := make([]execute.LayerBlob, len(r.Layers))
	for i, l := range r.Layers {
		if err := bring(ctx, r.store, []made{l.made}); err != nil {
			return "", err
		}
		blobs[i] = execute.LayerBlob{Digest: l.Digest, DiffID: l.DiffID}
	}
	return execute.Materialize(ctx, r.store, blobs)
}

// written is what destinations get.
func (r *Result) written() destination.Image {
	img := destination.Image{Index: r.Index}
	for _, p := range r.Platforms {
		img.Manifests = append(img.Manifests, p.Image)
	}
	return img
}

// images puts configuration and layers of each platform together, and several images into an index.
func (b *builder) images(ctx context.Context, d *decision) (*Result, error) {
	result := &Result{}
	var members []image.Member
	for _, v := range d.variants {
		r, err := b.image(ctx, v)
		if err != nil {
			return nil, err
		}
		result.Platforms = append(result.Platforms, *r)
		members = append(members, image.Member{Image: r.Image, Platform: v.target.Platform})
	}
	if len(members) == 1 {
		result.Digest = result.Platforms[0].Digest
		return result, nil
	}
	index, err := image.NewIndex(members, d.config.Annotations)
	if err != nil {
		return nil, err
	}
	digest, err := index.Digest()
	if err != nil {
		return nil, err
	}
	result.Index, result.Digest = index, digest.String()
	return result, nil
}

// image is the image of one platform.
func (b *builder) image(ctx context.Context, v *variant) (*PlatformResult, error) {
	result := &PlatformResult{Platform: v.name(), Plan: v.plan, store: b.store}
	var records []layer.Record
	layers := v.layers()
	for _, l := range layers {
		records = append(records, l.Record)
		result.Layers = append(result.Layers, Layer{Record: l.Record, Reused: l.reused, Remote: l.remote || l.recalled, made: l})
	}
	var err error
	open := func(i int) v1.Layer { return b.asLayer(ctx, layers[i]) }
	if result.Image, err = image.NewOf(v.plan.Config, records, open); err != nil {
		return nil, err
	}
	digest, err := result.Image.Digest()
	result.Digest = digest.String()
	return result, err
}
