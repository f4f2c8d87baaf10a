// Package layerblob opens the tar in the blob of an image's layer: plain, with gzip or with zstd.
//
// Media types are said to be wrong at times, and engines do not trust them, so that the first bytes decide. What comes out
// is not bounded: whoever reads it counts.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md.
package layerblob

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of a decoder, in bytes. It is the largest window that `zstd --long` writes.
const maxWindow = 128 << 20

// bufferSize is what is read of a blob at once, in bytes.
const bufferSize = 64 << 10

// Open returns the tar. Closing it leaves the blob open.
func Open(blob io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(blob, bufferSize)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}
