package baseimage

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/layerblob"
)

const (
	maxLayers   = 200      // engines stop at 127
	maxEntries  = 1 << 20  // in all layers; the largest images have some 300,000 files
	maxName     = 4096     // PATH_MAX
	maxNames    = 1 << 27  // bytes of all paths; those of the largest images have a fifth
	maxImplied  = 1 << 17  // folders that only the paths in them tell of; tools write all
	maxUnpacked = 64 << 30 // bytes of one layer, as when it is unpacked
)

// Layer is one layer of an image.
type Layer struct {
	DiffID string                        // "sha256:…" of the tar, which is verified
	Open   func() (io.ReadCloser, error) // the blob: a tar, plain, gzipped or in zstd
}

// opened is a layer whose names are known.
type opened struct {
	Layer
	unpacked int64
}

// Marks in a layer that take files of lower layers away (image-spec, layer.md, "Whiteouts").
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// flatten lays the layers over each other, the lowest first.
func flatten(ctx context.Context, layers []Layer) (*tree, error) {
	if len(layers) > maxLayers {
		return nil, problem("base-layers", "it has %d layers, more than %d", len(layers), maxLayers)
	}
	t := &tree{root: newDirectory()}
	left := room{maxEntries, maxNames}
	for i, l := range layers {
		o := &opened{Layer: l}
		t.layers = append(t.layers, o)
		entries, err := o.names(ctx, i, &left)
		if err != nil {
			return nil, fmt.Errorf("layer %d of %d (%s): %w", i+1, len(layers), l.DiffID, err)
		}
		if t.lay(entries); t.implied > maxImplied {
			return nil, fmt.Errorf("more than %d folders that no layer names", maxImplied)
		}
	}
	return t, nil
}

var errEntries = fmt.Errorf("more than %d files in all layers", maxEntries)

// room is what may still come of all layers.
type room struct{ entries, names int }

// named is one entry of a layer.
type named struct {
	path string
	*node
}

// lay puts a layer over what is there. Its whiteouts concern lower layers alone, so they come first, wherever they
// stand in it.
func (t *tree) lay(entries []named) {
	for _, e := range entries {
		dir, base := path.Split(e.path)
		switch {
		case base == opaque:
			t.empty(dir)
		case strings.HasPrefix(base, whiteout):
			t.remove(path.Join(dir, strings.TrimPrefix(base, whiteout)))
		}
	}
	for _, e := range entries {
		if !strings.HasPrefix(path.Base(e.path), whiteout) && t.implied <= maxImplied {
			t.put(e.path, e.node)
		}
	}
}

// names reads the headers of a layer, and verifies its digest.
func (o *opened) names(ctx context.Context, index int, left *room) ([]named, error) {
	var entries []named
	byName := map[string]*node{}
	sum := sha256.New()
	count := &counter{w: sum}
	err := o.read(ctx, count, func(h *tar.Header, _ io.Reader) error {
		if left.entries--; left.entries < 0 {
			return errEntries
		}
		if len(h.Name) > maxName || len(h.Linkname) > maxName {
			return fmt.Errorf("a path of more than %d bytes", maxName)
		}
		if left.names -= len(h.Name) + len(h.Linkname); left.names < 0 {
			return fmt.Errorf("paths of more than %d bytes in all layers", maxNames)
		}
		n := &node{source: index, name: h.Name, size: h.Size, target: h.Linkname}
		switch h.Typeflag {
		case tar.TypeDir:
			n = newDirectory()
		case tar.TypeReg:
			n.kind = file
		case tar.TypeSymlink:
			n.kind = link
		case tar.TypeLink:
			if n = byName[clean(h.Linkname)]; n == nil {
				return nil // of a file in no layer of this image: nothing to read
			}
		default:
			n.kind = other
		}
		byName[clean(h.Name)] = n
		entries = append(entries, named{clean(h.Name), n})
		return nil
	})
	if err != nil {
		return nil, err
	}
	o.unpacked = count.n
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != o.DiffID {
		return nil, fmt.Errorf("the uncompressed layer is %s", got)
	}
	return entries, nil
}

// read hands every entry of a layer to visit, and all bytes of its tar to tee, if there is one. errStop ends it early.
func (o *opened) read(ctx context.Context, tee io.Writer, visit func(*tar.Header, io.Reader) error) error {
	blob, err := o.Open()
	if err != nil {
		return err
	}
	defer blob.Close()
	plain, err := layerblob.Open(blob)
	if err != nil {
		return err
	}
	defer plain.Close()
	limited := &io.LimitedReader{R: contextReader{ctx, plain}, N: maxUnpacked}
	var stream io.Reader = limited
	if tee != nil {
		stream = io.TeeReader(limited, tee)
	}
	archive := tar.NewReader(stream)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = visit(h, archive)
		}
		if errors.Is(err, errStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	// What follows the end of the archive belongs to the digest.
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return err
	}
	if limited.N <= 0 {
		return fmt.Errorf("more than %d bytes", int64(maxUnpacked))
	}
	return nil
}

var errStop = errors.New("enough")

// counter counts what passes.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// contextReader ends a long read soon after the context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
