// Package destination puts a finished image somewhere: an OCI layout, an archive, the store of a local engine.
//
// What comes in is an image, what goes out is the digest of its manifest: the same for every destination, and never
// an engine's own id. Only what the destination lacks is moved, and the result counts it. A killed run leaves nothing
// that looks finished: files get their names by a rename, and the file that makes the rest reachable comes last.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md.
package destination

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// Destination is where an image can be written.
type Destination interface {
	Write(ctx context.Context, img v1.Image, opt Options) (Result, error)
}

// Options say how an image is written. The zero value writes it without a name.
type Options struct {
	Tags []string    // as the user writes them: "app:1.0", "registry.example/app"
	On   func(Event) // progress; nil is fine
}

// Event is progress of one thing that is moved.
type Event struct {
	Item        string // a digest, or the destination's name where it takes one stream
	Done, Total int64  // bytes
}

// Result says what was written.
type Result struct {
	Digest string // of the manifest
	Sent   int64  // bytes that had to be moved
	Engine string // "docker", "podman", "nerdctl"; empty for files
	ID     string // what the engine calls the image; for running it, not for people
}

// blob is one immutable piece of an image.
type blob struct {
	digest v1.Hash
	size   int64
	open   func() (io.ReadCloser, error)
	path   func() (string, error) // nil where it is in no file
}

// hasPath is a layer that is a file already, as those of the store are.
type hasPath interface{ BlobPath() (string, error) }

// parts is an image, taken apart.
type parts struct {
	manifest, config blob
	layers           []blob // as in the manifest, which may name one twice
	diffIDs          []v1.Hash
	platform         *v1.Platform
	raw              []byte // the manifest
}

// prepare looks at what any destination needs before it writes: the image's parts and names.
func prepare(img v1.Image, opt Options) (*parts, []tag, error) {
	tags, err := parseTags(opt.Tags)
	if err != nil {
		return nil, nil, err
	}
	p, err := takeApart(img)
	return p, tags, err
}

// takeApart asks an image for all that a destination needs. No layer is read.
func takeApart(img v1.Image) (*parts, error) {
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

// layerBlob is the compressed form of a layer.
func layerBlob(l v1.Layer) (b blob, err error) {
	if b.digest, err = l.Digest(); err != nil {
		return blob{}, err
	}
	if b.size, err = l.Size(); err != nil {
		return blob{}, err
	}
	b.open = l.Compressed
	if file, ok := l.(hasPath); ok {
		b.path = file.BlobPath
	}
	return b, nil
}

// all returns every blob once: the layers, the config, and last the manifest, which names the others.
func (p *parts) all() []blob {
	return append(unique(p.layers), p.config, p.manifest)
}

// unique returns the blobs without repetitions.
func unique(blobs []blob) []blob {
	seen := map[v1.Hash]bool{}
	var out []blob
	for _, b := range blobs {
		if !seen[b.digest] {
			seen[b.digest] = true
			out = append(out, b)
		}
	}
	return out
}

// total returns how many bytes blobs have.
func total(blobs []blob) (n int64) {
	for _, b := range blobs {
		n += b.size
	}
	return n
}

// copyTo writes the blob to w, and sees that it has the size it should have.
func (b blob) copyTo(ctx context.Context, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := b.open()
	if err != nil {
		return err
	}
	defer r.Close()
	// Between two files this shares the blocks, or lets the kernel copy (copy_file_range).
	n, err := io.Copy(w, r)
	if err == nil && n != b.size {
		err = fmt.Errorf("blob %s has %d bytes, not %d", b.digest, n, b.size)
	}
	return err
}

// meter counts what passes, and tells it.
type meter struct {
	w     io.Writer
	event Event
	on    func(Event)
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.event.Done += int64(n)
	if m.on != nil {
		m.on(m.event)
	}
	return n, err
}
