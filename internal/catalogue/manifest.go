package catalogue

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/store"
)

const (
	artifactType = "application/vnd.lithe.layers.v1"
	// blobType is the list of records, JSON compressed with Zstandard.
	blobType = types.MediaType("application/vnd.lithe.layers.v1+zstd")
	// emptyType is that of OCI's empty object, the config of artifacts that have none.
	emptyType = types.MediaType("application/vnd.oci.empty.v1+json")
)

// Empty is the config of a catalogue's manifest: OCI's empty object.
const Empty = "{}"

// manifest is an OCI manifest with the field that artifacts have and the library does not know.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
}

// Manifest returns the manifest of a catalogue with this blob. The registry keeps the layers named beside it as long
// as the catalogue names them, and lets other repositories take them.
func Manifest(blob []byte, layers []v1.Descriptor) ([]byte, error) {
	describe := func(mediaType types.MediaType, data []byte) (d v1.Descriptor, err error) {
		d.MediaType, d.Size = mediaType, int64(len(data))
		d.Digest, err = v1.NewHash(store.DigestBytes(data))
		return d, err
	}
	config, err := describe(emptyType, []byte(Empty))
	if err != nil {
		return nil, err
	}
	records, err := describe(blobType, blob)
	if err != nil {
		return nil, err
	}
	return json.Marshal(manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: artifactType, Config: config,
		Layers: append([]v1.Descriptor{records}, layers...)})
}

// ParseManifest returns the digest of a catalogue's blob, and the layers that are named beside it.
func ParseManifest(raw []byte) (digest string, layers []v1.Descriptor, err error) {
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", nil, fmt.Errorf("catalogue: %w", err)
	}
	if len(m.Layers) == 0 || m.Layers[0].MediaType != blobType {
		return "", nil, errors.New("what has the tag of the catalogue is none")
	}
	if m.Layers[0].Size > MaxBlob {
		return "", nil, fmt.Errorf("a catalogue of %d bytes", m.Layers[0].Size)
	}
	return m.Layers[0].Digest.String(), m.Layers[1:], nil
}
