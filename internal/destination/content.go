package destination

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// content is all that is to be written, taken apart.
type content struct {
	images []*parts // one for each platform
	index  *blob    // nil for a single platform
}

// parts is the image of one platform, taken apart.
type parts struct {
	manifest, config blob
	layers           []blob // as in the manifest, which may name one twice
	diffIDs          []v1.Hash
	platform         *v1.Platform
	raw              []byte // the manifest
}

// prepare looks at what any destination needs before it writes: the image's parts and names.
func prepare(img Image, opt Options) (*content, []tag, error) {
	tags, err := parseTags(opt.Tags)
	if err != nil {
		return nil, nil, err
	}
	c, err := takeApart(img)
	return c, tags, err
}

// takeApart asks an image for all that a destination needs. No layer is read.
func takeApart(img Image) (*content, error) {
	if len(img.Manifests) == 0 || img.Index == nil && len(img.Manifests) > 1 {
		return nil, fmt.Errorf("an image of %d platforms without an index", len(img.Manifests))
	}
	c := &content{}
	for _, m := range img.Manifests {
		p, err := takeManifest(m)
		if err != nil {
			return nil, err
		}
		c.images = append(c.images, p)
	}
	if img.Index == nil {
		return c, nil
	}
	raw, err := img.Index.RawManifest()
	if err != nil {
		return nil, err
	}
	index, err := bytesBlob(raw)
	if err != nil {
		return nil, err
	}
	c.index = &index
	return c, c.checkIndex(raw)
}

// checkIndex keeps out an index of other manifests, which no reader could follow.
func (c *content) checkIndex(raw []byte) error {
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	same := slices.EqualFunc(index.Manifests, c.images, func(d v1.Descriptor, p *parts) bool { return d.Digest == p.manifest.digest })
	if !same {
		return errors.New("the index does not list the manifests")
	}
	return nil
}

// takeManifest is takeApart for one platform.
func takeManifest(img v1.Image) (*parts, error) {
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	p := &parts{diffIDs: file.RootFS.DiffIDs, platform: file.Platform()}
	if len(layers) != len(p.diffIDs) {
		return nil, fmt.Errorf("image with %d layers and %d diffIDs", len(layers), len(p.diffIDs))
	}
	if p.config, err = layerBlob(config); err != nil {
		return nil, err
	}
	for _, l := range layers {
		b, err := layerBlob(l)
		if err != nil {
			return nil, err
		}
		p.layers = append(p.layers, b)
	}
	if p.raw, err = img.RawManifest(); err != nil {
		return nil, err
	}
	p.manifest, err = bytesBlob(p.raw)
	return p, err
}

// root is what names the whole: the index where there is one.
func (c *content) root() blob {
	if c.index != nil {
		return *c.index
	}
	return c.images[0].manifest
}

// descriptor is the root's entry in an index. An index has no platform of its own.
func (c *content) descriptor() v1.Descriptor {
	root := c.root()
	if c.index != nil {
		return v1.Descriptor{MediaType: types.OCIImageIndex, Size: root.size, Digest: root.digest}
	}
	return c.images[0].descriptor()
}

func (p *parts) descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: p.manifest.size, Digest: p.manifest.digest, Platform: p.platform}
}

// blobs returns what manifests name, each once: the layers and the configs.
func (c *content) blobs() []blob {
	var all []blob
	for _, p := range c.images {
		all = append(append(all, p.layers...), p.config)
	}
	return unique(all)
}

// all returns every blob once, each after those that it names.
func (c *content) all() []blob {
	all := c.blobs()
	for _, p := range c.images {
		all = append(all, p.manifest)
	}
	if c.index != nil {
		all = append(all, *c.index)
	}
	return unique(all)
}

// one returns the image for a machine, for destinations that hold one platform: the first where none fits. The name
// of its platform is empty where there was nothing to choose.
func (c *content) one(arch string) (p *parts, chosen string) {
	p = c.images[0]
	for _, other := range c.images {
		if other.platform != nil && other.platform.OS == "linux" && other.platform.Architecture == arch {
			p = other
			break
		}
	}
	if len(c.images) > 1 && p.platform != nil {
		chosen = p.platform.OS + "/" + p.platform.Architecture
	}
	return p, chosen
}
