package wheel

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/klauspost/compress/flate"

	"github.com/lithe-build/lithe/internal/entry"
)

// content is a stored member. It opens the archive anew each time, so that a Wheel holds no file descriptor.
type content struct {
	path                 string
	offset, packed, size int64
	crc                  uint32
}

// deflated is a deflated member.
type deflated struct{ content }

var (
	_ entry.Content  = content{}
	_ entry.Deflated = deflated{}
)

// errChanged says that an archive changed after it was verified.
var errChanged = errors.New("the wheel changed while it was read")

// Open returns the bytes as they are in the archive.
func (c content) Open() (io.ReadCloser, error) {
	raw, err := c.raw()
	if err != nil {
		return nil, err
	}
	return &checked{Reader: raw, raw: raw, want: c}, nil
}

// Open returns the inflated bytes.
func (d deflated) Open() (io.ReadCloser, error) {
	raw, err := d.raw()
	if err != nil {
		return nil, err
	}
	return &checked{Reader: flate.NewReader(bufio.NewReader(raw)), raw: raw, want: d.content}, nil
}

// OpenDeflated returns the stream as it is in the archive.
func (d deflated) OpenDeflated() (stream io.ReadCloser, size int64, crc uint32, err error) {
	stream, err = d.raw()
	return stream, d.packed, d.crc, err
}

// raw opens the archive at the member's data.
func (c content) raw() (io.ReadCloser, error) {
	f, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, c.offset, c.packed), f}, nil
}

// checked compares length and checksum while it reads: a store on a shared disk may change under us, and nobody
// else would notice once a verified wheel is not hashed again.
type checked struct {
	io.Reader
	raw  io.Closer
	want content
	n    int64
	crc  uint32
}

// Read reads on, never past the declared size.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	if c.n > c.want.size || (errors.Is(err, io.EOF) && (c.n != c.want.size || c.crc != c.want.crc)) {
		return 0, errChanged
	}
	return n, err
}

// Close closes the archive.
func (c *checked) Close() error { return c.raw.Close() }
