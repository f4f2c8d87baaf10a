package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	tarBlock = 512
	// maxWindow is in bytes, for zstd streams that say how much memory they want; a layer needs no more.
	maxWindow = 8 << 20
	// ownTime is when every file of a layer of ours was last changed, by which it is told from the layers of others.
	ownTime = 315619200
)

// blobKind tells what a blob is by its beginning. Nothing but the list for people depends on it.
func (s *Store) blobKind(path string) Kind {
	f, err := os.Open(filepath.Join(s.dir, path))
	if err != nil {
		return Indexes
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, tarBlock)
	start, _ := r.Peek(8) // shorter than that it is a small document
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return Wheels
	case bytes.HasPrefix(start, []byte("!<arch>\n")):
		return Debs
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		if z, err := gzip.NewReader(r); err == nil {
			return archiveKind(z)
		}
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			defer z.Close()
			return archiveKind(z)
		}
	}
	return Indexes
}

// archiveKind tells layers from compressed indexes, by the header of the first entry of a tar.
func archiveKind(r io.Reader) Kind {
	header := make([]byte, tarBlock)
	if _, err := io.ReadFull(r, header); err != nil || !bytes.Equal(header[257:262], []byte("ustar")) {
		return Indexes
	}
	seconds, err := strconv.ParseInt(strings.Trim(string(header[136:148]), " \x00"), 8, 64)
	if err == nil && seconds == ownTime {
		return Layers
	}
	return BaseImages
}
