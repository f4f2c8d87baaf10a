package layer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/layerblob"
	"github.com/lithe-build/lithe/internal/store"
)

// Origin is a repository that has a layer which was made elsewhere.
type Origin struct {
	Repository string                      // "docker.io/library/python"
	Fetch      func(context.Context) error // brings the blob into the store
}

// Open returns a layer of the store. The blob is looked for when it is read, so that a layer which its destination
// has already need not be here.
func Open(st *store.Store, rec Record) v1.Layer { return &stored{st: st, rec: rec} }

// OpenFrom is Open for a layer of another image: what the store lacks is fetched when it is read, as long as ctx lasts.
// The interface of layers has no context of its own.
func OpenFrom(ctx context.Context, st *store.Store, rec Record, origin Origin) v1.Layer {
	l := &stored{st: st, rec: rec, origin: origin.Repository}
	if origin.Fetch != nil {
		l.fetch = func() error { return origin.Fetch(ctx) }
	}
	return l
}

// VerifyDiffID compares the tar of a layer in the store with its record: a claim about a blob that others made.
func VerifyDiffID(ctx context.Context, st *store.Store, rec Record) error {
	tar, err := Open(st, rec).Uncompressed()
	if err != nil {
		return err
	}
	defer tar.Close()
	h := sha256.New()
	n, err := io.Copy(contextWriter{ctx, h}, io.LimitReader(tar, rec.UnpackedSize+1))
	if err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != rec.DiffID || n != rec.UnpackedSize {
		return fmt.Errorf("layer %s: %w: the diffID is %s, not %s", rec.Digest, store.ErrMismatch, got, rec.DiffID)
	}
	return nil
}

// stored is a layer whose facts are in a record and whose bytes are in the store.
type stored struct {
	st     *store.Store
	rec    Record
	origin string       // repository that has it
	fetch  func() error // nil for a layer that is nowhere else
}

var _ v1.Layer = (*stored)(nil)

// Origin returns the repository that has the layer already, for registries that need no second copy; "" if there is none.
func (l *stored) Origin() string { return l.origin }

// Digest returns the hash of the compressed bytes.
func (l *stored) Digest() (v1.Hash, error) { return v1.NewHash(l.rec.Digest) }

// DiffID returns the hash of the tar.
func (l *stored) DiffID() (v1.Hash, error) { return v1.NewHash(l.rec.DiffID) }

// Size returns how many bytes the layer has, compressed.
func (l *stored) Size() (int64, error) { return l.rec.Size, nil }

// MediaType says what kind of tar it is.
func (l *stored) MediaType() (types.MediaType, error) { return l.rec.LayerType(), nil }

// LayerType is the media type of the layer: OCI's, of a tar with gzip, if the record names no other.
func (r Record) LayerType() types.MediaType {
	return cmp.Or(types.MediaType(r.MediaType), types.OCILayer)
}

// BlobPath returns the file that holds the compressed bytes, for destinations that can link or clone it.
func (l *stored) BlobPath() (string, error) {
	path, ok := l.st.Blob(l.rec.Digest)
	if !ok && l.fetch != nil {
		if err := l.fetch(); err != nil {
			return "", err
		}
		path, ok = l.st.Blob(l.rec.Digest)
	}
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
	r, err := layerblob.Open(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return unpacked{r, f}, nil
}

// unpacked closes the file below a decompressor.
type unpacked struct {
	io.ReadCloser
	file io.Closer
}

func (u unpacked) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }
