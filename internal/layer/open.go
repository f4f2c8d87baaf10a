package layer

import (
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/lithe-build/lithe/internal/store"
)

// Open returns a layer of the store. The blob is looked for when it is read, so that a layer which its destination
// has already need not be here.
func Open(st *store.Store, rec Record) v1.Layer { return &stored{st, rec} }

// stored is a layer whose facts are in a record and whose bytes are in the store.
type stored struct {
	st  *store.Store
	rec Record
}

var _ v1.Layer = (*stored)(nil)

// Digest returns the hash of the compressed bytes.
func (l *stored) Digest() (v1.Hash, error) { return v1.NewHash(l.rec.Digest) }

// DiffID returns the hash of the tar.
func (l *stored) DiffID() (v1.Hash, error) { return v1.NewHash(l.rec.DiffID) }

// Size returns how many bytes the layer has, compressed.
func (l *stored) Size() (int64, error) { return l.rec.Size, nil }

// MediaType says OCI, tar, gzip.
func (l *stored) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// BlobPath returns the file that holds the compressed bytes, for destinations that can link or clone it.
func (l *stored) BlobPath() (string, error) {
	path, ok := l.st.Blob(l.rec.Digest)
	if !ok {
		return "", fmt.Errorf("layer %s is not in the store: %w", l.rec.Digest, os.ErrNotExist)
	}
	return path, nil
}

// Compressed opens the blob.
func (l *stored) Compressed() (io.ReadCloser, error) {
	path, err := l.BlobPath()
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Uncompressed opens the tar.
func (l *stored) Uncompressed() (io.ReadCloser, error) {
	f, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return unpacked{r, f}, nil
}

// unpacked closes the file below a gzip reader.
type unpacked struct {
	*gzip.Reader
	file io.Closer
}

func (u unpacked) Close() error { return u.file.Close() }
