package destination

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// held is the store's record of an image that an engine got, by the engine's id for it. An engine tells what an image
// consists of one by one, and containerd's store does not tell the digests of the layers at all; but it keeps the blobs of
// each image as long as it has it.
type held struct {
	Layers  []string // digests
	DiffIDs []string
}

// heldKind names those records.
const heldKind = "held"

// hold takes note of an image that the engine has now.
func (d *dockerEngine) hold(id string, p *parts) {
	if d.store == nil {
		return
	}
	var of held
	for i, l := range p.layers {
		of.Layers, of.DiffIDs = append(of.Layers, l.digest.String()), append(of.DiffIDs, p.diffIDs[i].String())
	}
	_ = d.store.PutRecord(heldKind, id, of) // a store that is full must not fail a load
}

// each calls f for those of an engine's images of which there are records.
func (d *dockerEngine) each(ids []string, f func(held)) {
	if d.store == nil {
		return
	}
	for _, id := range ids[:min(len(ids), maxImages)] {
		var of held
		if ok, err := d.store.Record(heldKind, id, &of); ok && err == nil {
			f(of)
		}
	}
}

// heldOf returns how many of the lowest layers are in one of some images, as far as there are records.
func (d *dockerEngine) heldOf(ids []string, diffIDs []v1.Hash) (most int) {
	d.each(ids, func(of held) { most = max(most, commonLayers(diffIDs, of.DiffIDs)) })
	return most
}

// contents returns the layers that are in images which the engine has. Layers of images that others made there are not
// among them, even where the files are the same: containerd knows blobs, which are compressed.
func (d *dockerEngine) contents(ctx context.Context, p *parts) (map[v1.Hash]bool, error) {
	ids, err := d.api.Images(ctx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	d.each(ids, func(of held) {
		for _, digest := range of.Layers {
			there[digest] = true
		}
	})
	known := map[v1.Hash]bool{}
	for _, l := range p.layers {
		if there[l.digest.String()] {
			known[l.digest] = true
		}
	}
	return known, nil
}
