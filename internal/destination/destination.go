// Package destination puts a finished image somewhere: an OCI layout, an archive, the store of a local engine.
//
// What comes in is an image of one platform, or an index of several; what goes out is its digest: the same for every
// destination that can hold it, and never an engine's own id. Only what the destination lacks is moved, and the result counts it. A killed run leaves nothing
// that looks finished: files get their names by a rename, and the file that makes the rest reachable comes last.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md.
package destination

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/store"
)

// Image is what is written: the manifest of one platform, or an index of several.
type Image struct {
	Manifests []v1.Image    // one for each platform, in the index's order
	Index     v1.ImageIndex // nil for a single platform
}

// Destination is where an image can be written.
type Destination interface {
	Write(ctx context.Context, img Image, opt Options) (Result, error)
}

// Options say how an image is written. The zero value writes it without a name.
type Options struct {
	Tags []string    // as the user writes them: "app:1.0", "registry.example/app"
	On   func(Event) // progress; nil is fine

	Store *store.Store // remembers what is in images that engines got; nil remembers nothing
}

// Event is progress of one thing that is moved.
type Event struct {
	Item        string // a digest, or the destination's name where it takes one stream
	Done, Total int64  // bytes
}

// Result says what was written.
type Result struct {
	Digest string // of the index, where the destination holds one, else of the manifest
	Sent   int64  // bytes that had to be moved
	// Platform is the one that was taken of several, "linux/amd64", by a destination that holds one platform only.
	Platform string
	Engine   string   // "docker", "podman", "nerdctl"; empty for files
	ID       string   // what the engine calls the image; for running it, not for people
	Pushed   []Pushed // one for each repository, in the order of the names
}

// blob is one immutable piece of an image.
type blob struct {
	digest v1.Hash
	size   int64
	open   func() (io.ReadCloser, error)
	path   func() (string, error) // nil where it is in no file
	origin string                 // repository that has it; "" if unknown
}

// hasPath is a layer that is a file already, as those of the store are.
type hasPath interface{ BlobPath() (string, error) }

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
	if remote, ok := l.(hasOrigin); ok {
		b.origin = remote.Origin()
	}
	return b, nil
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

// bytes returns a blob that is in memory already.
func (b blob) bytes() ([]byte, error) {
	r, err := b.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
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
