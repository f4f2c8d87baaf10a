// Package layer turns entries into OCI layers: gzip-compressed tars that are a pure function of what they hold.
//
// The same entries give the same bytes whatever their order, the machine, the number of processors or the day.
// Every file belongs to 0:0 and has the time of MTime, every parent directory of an entry is in the layer with the
// same metadata as in every other layer, and paths are usr-merged. Contents that are deflate streams already, as the
// members of a wheel are, are copied and not compressed again: a gzip file may have many members (RFC 1952, 2.2).
// A layer is written in one pass and is never whole in memory.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md.
package layer

import (
	"cmp"
	"fmt"
	"io"

	"github.com/lithe-build/lithe/internal/entry"
)

// Format is the number of the rules by which this package makes bytes. Whatever changes a byte of any layer, an
// upgrade of the compressor included, raises it.
const Format = 1

// MTime is the time of every file, 1980-01-02T00:00:00Z: a day after the first moment that a zip file can hold, so
// that code which zips its own files works in every time zone.
const MTime = 315619200

// Blob is a finished layer.
type Blob struct {
	Digest       string `json:"digest"`       // of the compressed bytes, "sha256:…"
	DiffID       string `json:"diffID"`       // of the tar
	Size         int64  `json:"size"`         // compressed bytes
	UnpackedSize int64  `json:"unpackedSize"` // bytes of the tar
}

// Write writes the entries as a layer to w. Parent directories are added; entries of one path must be equal.
// After an error, what w got is worthless.
func Write(w io.Writer, entries []entry.Entry) (Blob, error) {
	sorted, err := arrange(entries)
	if err != nil {
		return Blob{}, err
	}
	return write(w, sorted, nil)
}

// write writes arranged entries, and lets a watcher see them, if it is not nil.
func write(w io.Writer, sorted []entry.Entry, see *watcher) (Blob, error) {
	s := newSink(w)
	s.see = see
	defer see.discard()
	err := writeTar(s, sorted)
	blob, finishErr := s.finish()
	// A failed destination is why the rest fails, so it comes first.
	if err := cmp.Or(finishErr, err); err != nil {
		return Blob{}, err
	}
	return blob, nil
}

// writeTar writes entries in order, and the end of the archive.
func writeTar(s *sink, sorted []entry.Entry) error {
	for _, e := range sorted {
		if err := s.err(); err != nil {
			return err
		}
		s.write(tarHeader(e))
		s.see.begin(e)
		if e.Type != entry.File {
			continue
		}
		if err := writeContent(s, e); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		if err := s.see.end(); err != nil {
			return err
		}
		s.write(zeros[:padding(e.Size)])
	}
	s.write(zeros[:2*blockSize])
	return nil
}

// writeContent copies a large deflate stream as it is, and lets everything else join the group.
func writeContent(s *sink, e entry.Entry) error {
	if d, ok := e.Content.(entry.Deflated); ok && e.Size >= copyFrom {
		copied, err := s.copyDeflated(d, e.Size)
		if copied || err != nil {
			return err
		}
	}
	r, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return s.readFrom(s.see.watched(r), e.Size)
}
