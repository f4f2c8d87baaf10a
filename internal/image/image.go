// Package image makes an OCI image of finished layers: config and manifest that are a pure function of their inputs.
//
// It reads no layer: digest, diffID and size come from the layers' records, so an image can be made, named and
// compared before any byte of it is here. The JSON has one form: fixed order of fields, sorted maps, no indentation.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md and manifest.md beside it.
package image

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// KeyAnnotation is where a layer's descriptor holds the key of its record, by which a later build finds the layer in
// a registry. Layers of first-party code have none: they are found by nothing but their content.
const KeyAnnotation = "build.lithe.layer.key"

// New returns the image of a configuration and layers, lowest first. The layers' blobs are looked for in the store
// when they are read.
func New(cfg plan.Config, layers []layer.Record, st *store.Store) (v1.Image, error) {
	return NewOf(cfg, layers, func(i int) v1.Layer { return layer.Open(st, layers[i]) })
}

// NewOf is New for layers of which some are elsewhere: open returns that of the record with this index.
func NewOf(cfg plan.Config, layers []layer.Record, open func(int) v1.Layer) (v1.Image, error) {
	if err := check(cfg); err != nil {
		return nil, err
	}
	config, err := encode(newConfigFile(cfg, layers))
	if err != nil {
		return nil, err
	}
	manifest, err := newManifest(cfg, config, layers)
	if err != nil {
		return nil, err
	}
	img := &image{config: config, manifest: manifest}
	for i := range layers {
		img.layers = append(img.layers, open(i))
	}
	return img, nil
}

// newManifest returns the manifest's JSON.
func newManifest(cfg plan.Config, config []byte, layers []layer.Record) ([]byte, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	m := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        v1.Descriptor{MediaType: types.OCIConfigJSON, Size: size, Digest: digest},
		Layers:        []v1.Descriptor{},
		Annotations:   cfg.Annotations,
	}
	for _, rec := range layers {
		d, err := descriptor(rec)
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, d)
	}
	return encode(m)
}

// descriptor names a layer in the manifest.
func descriptor(rec layer.Record) (v1.Descriptor, error) {
	digest, err := v1.NewHash(rec.Digest)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("layer of %s: %w", describe(rec), err)
	}
	d := v1.Descriptor{MediaType: rec.LayerType(), Size: rec.Size, Digest: digest}
	if rec.Key != "" && rec.Kind != plan.ProjectLayer {
		d.Annotations = map[string]string{KeyAnnotation: rec.Key}
	}
	return d, nil
}

// encode returns compact JSON that keeps <, > and & as they are: commands in labels stay readable.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// image is config and manifest as bytes, and layers that are opened late.
type image struct {
	config, manifest []byte
	layers           []v1.Layer
}

var _ v1.Image = (*image)(nil)

// Layers returns the layers, lowest first.
func (i *image) Layers() ([]v1.Layer, error) { return i.layers, nil }

// MediaType says OCI manifest.
func (i *image) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// Size returns the length of the manifest.
func (i *image) Size() (int64, error) { return int64(len(i.manifest)), nil }

// ConfigName returns the digest of the config, which Docker calls the image's id.
func (i *image) ConfigName() (v1.Hash, error) { return partial.ConfigName(i) }

// ConfigFile returns the config, parsed.
func (i *image) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(i) }

// RawConfigFile returns the config's bytes.
func (i *image) RawConfigFile() ([]byte, error) { return i.config, nil }

// Digest returns the digest of the manifest, which is the image's name everywhere in lithe.
func (i *image) Digest() (v1.Hash, error) { return partial.Digest(i) }

// Manifest returns the manifest, parsed.
func (i *image) Manifest() (*v1.Manifest, error) { return partial.Manifest(i) }

// RawManifest returns the manifest's bytes.
func (i *image) RawManifest() ([]byte, error) { return i.manifest, nil }

// LayerByDigest returns the layer with this digest; the config counts as one, as go-containerregistry has it.
func (i *image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if config, err := i.ConfigName(); err == nil && config == h {
		return partial.ConfigLayer(i)
	}
	return i.find(h, v1.Layer.Digest)
}

// LayerByDiffID returns the layer whose tar has this digest.
func (i *image) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return i.find(h, v1.Layer.DiffID) }

// find returns the first layer that has h by the given measure.
func (i *image) find(h v1.Hash, by func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	for _, l := range i.layers {
		if got, err := by(l); err == nil && got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}
