package baseimage

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
)

// maxFile is the most bytes of a file that is looked into. A Python with all its debugging information in one file has
// 110 MB; others have a tenth of that.
const maxFile = 256 << 20

// contents returns the bytes of a file, of which links were followed.
func (t *tree) contents(ctx context.Context, name string, limit int64) ([]byte, error) {
	real, n, err := t.lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if n.kind != file {
		return nil, fmt.Errorf("%s: %w", real, fs.ErrInvalid)
	}
	if n.size > limit {
		return nil, problem("base-file", "%s has %d bytes, more than the %d that lithe looks into", real, n.size, limit)
	}
	// The last entry of a name counts, so that the whole layer is read: some tenths of a second, once for each file.
	var data []byte
	found := false
	err = t.layers[n.source].read(ctx, nil, func(h *tar.Header, r io.Reader) (err error) {
		if h.Name != n.name || h.Typeflag != tar.TypeReg {
			return nil
		}
		found = true
		data, err = io.ReadAll(io.LimitReader(r, limit))
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", real, fs.ErrNotExist) // the blob is another one than a moment ago
	}
	return data, err
}
