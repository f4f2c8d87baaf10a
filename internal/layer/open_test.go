package layer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/store"
)

// TestOpenFrom reads a layer that is elsewhere: nothing is fetched until its bytes are asked for, and then once.
func TestOpenFrom(t *testing.T) {
	tarball := bytes.Repeat([]byte("a tar "), 1000)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(tarball); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		mediaType types.MediaType
		blob      []byte
	}{
		"gzip": {"", zipped.Bytes()}, "zstd": {types.OCILayerZStd, encoder.EncodeAll(tarball, nil)}, "plain": {types.OCIUncompressedLayer, tarball},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			rec := layer.Record{Blob: layer.Blob{Digest: store.DigestBytes(test.blob), DiffID: store.DigestBytes(tarball), Size: int64(len(test.blob))},
				MediaType: string(test.mediaType)}
			fetched := 0
			l := layer.OpenFrom(t.Context(), st, rec, layer.Origin{Repository: "r/x", Fetch: func(context.Context) error {
				fetched++
				return put(st, test.blob)
			}})
			if got, err := l.MediaType(); err != nil || test.mediaType != "" && got != test.mediaType || test.mediaType == "" && got != types.OCILayer {
				t.Errorf("media type is %s (%v)", got, err)
			}
			if _, err := l.Digest(); err != nil || fetched != 0 {
				t.Errorf("fetched %d times to tell a digest (%v)", fetched, err)
			}
			for range 2 {
				r, err := l.Uncompressed()
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, tarball) {
					t.Errorf("%d bytes (%v)", len(got), err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			if fetched != 1 {
				t.Errorf("fetched %d times", fetched)
			}
		})
	}
}

func TestOpenFromFails(t *testing.T) {
	rec := layer.Record{Blob: layer.Blob{Digest: store.DigestBytes([]byte("x"))}}
	if _, err := layer.Open(open(t), rec).Compressed(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a blob that is nowhere: %v", err)
	}
	broken := errors.New("no network")
	l := layer.OpenFrom(t.Context(), open(t), rec, layer.Origin{Fetch: func(context.Context) error { return broken }})
	if _, err := l.Compressed(); !errors.Is(err, broken) {
		t.Errorf("a blob that cannot be fetched: %v", err)
	}
}

func open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func put(st *store.Store, data []byte) error {
	w, err := st.Create()
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	_, err = w.Commit("")
	return err
}
