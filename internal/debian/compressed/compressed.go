// Package compressed opens the compressed files of a Debian archive: xz, gzip, zstd or none, told by the name.
//
// The input is hostile until its hash is known, and partly after: every reader has a cap on what comes out, on the
// memory that the format may ask for, and turns a decoder's panic into an error. Reading to io.EOF has verified the
// format's own checksums.
// See https://tukaani.org/xz/xz-file-format.txt, RFC 1952 and RFC 8878.
package compressed

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Memory that a stream may ask for. dpkg-deb's strongest settings, xz -9 and zstd -22, stay within both.
const (
	maxDictionary = 64 << 20
	maxWindow     = 128 << 20
)

// ErrTooLarge is returned when more comes out than the caller allowed.
var ErrTooLarge = errors.New("unpacks to more than is allowed")

// NewReader returns a reader of r's contents. The extension of name tells the format: .xz, .gz, .zst; a name that
// ends in .tar, or that has no extension, is not compressed. More than limit bytes are ErrTooLarge.
func NewReader(r io.Reader, name string, limit int64) (io.ReadCloser, error) {
	inner, err := open(r, path.Ext(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &reader{inner: inner, name: name, left: limit}, nil
}

func open(r io.Reader, ext string) (io.ReadCloser, error) {
	switch ext {
	case ".xz":
		return newXZ(r)
	case ".gz":
		return gzip.NewReader(r)
	case ".zst":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case "", ".tar":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("compression %q is not supported", ext)
}

// newXZ starts the decoder, which reads the header at once.
func newXZ(r io.Reader) (out io.ReadCloser, err error) {
	defer recovered(&err)
	x, err := xz.NewReader(r, maxDictionary)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

// reader adds the cap, the name and the safety net to a decoder.
type reader struct {
	inner io.ReadCloser
	name  string
	left  int64
	err   error // a broken decoder is not asked twice
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	// One byte past the cap tells a file of just that size from a longer one.
	n, err := r.safeRead(p[:min(int64(len(p)), r.left+1)])
	if int64(n) > r.left {
		n, err = int(r.left), ErrTooLarge
	}
	r.left -= int64(n)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", r.name, err)
	}
	r.err = err
	return n, err
}

func (r *reader) safeRead(p []byte) (n int, err error) {
	defer recovered(&err)
	return r.inner.Read(p)
}

// Close releases the decoder. It does not close the source.
func (r *reader) Close() error { return r.inner.Close() }

// recovered turns a panic of a decoder into an error: the xz decoder is a translation of C whose bounds checks are
// Go's own.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("is corrupt: %v", p)
	}
}
