package image

import (
	"bytes"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/plan"
)

// Member is an image of an index, and the platform that it is for.
type Member struct {
	Image    v1.Image
	Platform plan.Platform
}

// NewIndex returns the index of images in the order given, a function of them and the annotations.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md.
func NewIndex(members []Member, annotations map[string]string) (v1.ImageIndex, error) {
	i := &index{}
	m := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}, Annotations: annotations}
	seen := map[plan.Platform]bool{}
	for _, member := range members {
		if seen[member.Platform] {
			return nil, fmt.Errorf("an index with two images for %s", member.Platform)
		}
		seen[member.Platform] = true
		d, err := partial.Descriptor(member.Image)
		if err != nil {
			return nil, err
		}
		m.Manifests = append(m.Manifests, v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest,
			Platform: &v1.Platform{OS: member.Platform.OS, Architecture: member.Platform.Arch, Variant: variant(member.Platform)}})
		i.images = append(i.images, member.Image)
	}
	var err error
	i.manifest, err = encode(m)
	return i, err
}

// variant returns the version of an architecture, as engines write it: the default one, which containerd leaves out when it
// compares, and Podman does not.
func variant(p plan.Platform) string {
	if p.Arch == "arm64" {
		return "v8"
	}
	return ""
}

// index is an index as bytes, and the images that it names.
type index struct {
	manifest []byte
	images   []v1.Image
}

var _ v1.ImageIndex = (*index)(nil)

// MediaType says OCI index.
func (i *index) MediaType() (types.MediaType, error) { return types.OCIImageIndex, nil }

// Size returns the length of the index.
func (i *index) Size() (int64, error) { return int64(len(i.manifest)), nil }

// Digest returns the digest of the index.
func (i *index) Digest() (v1.Hash, error) { return partial.Digest(i) }

// IndexManifest returns the index, parsed.
func (i *index) IndexManifest() (*v1.IndexManifest, error) {
	return v1.ParseIndexManifest(bytes.NewReader(i.manifest))
}

// RawManifest returns the bytes of the index.
func (i *index) RawManifest() ([]byte, error) { return i.manifest, nil }

// Image returns the image with this digest.
func (i *index) Image(h v1.Hash) (v1.Image, error) {
	for _, img := range i.images {
		if got, err := img.Digest(); err == nil && got == h {
			return img, nil
		}
	}
	return nil, fmt.Errorf("the index has no image %s", h)
}

// ImageIndex finds none: an index of lithe holds images.
func (i *index) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	return nil, fmt.Errorf("the index has no index %s", h)
}
