package wheel

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/lithe-build/lithe/internal/entry"
)

// content is a stored member. It opens the archive anew each time, so that a Wheel holds no file descriptor.
type content struct {
	path                 string
	offset, packed, size int64
	crc                  uint32
	inflaters            *inflaters // of the archive
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
	in := d.inflaters.get(raw)
	return &checked{Reader: in, raw: raw, want: d.content, release: func() { d.inflaters.put(in) }}, nil
}

// inflaters are the decompressors of an archive that wait to be used again: a new one takes more time than most of the files
// that it is for.
type inflaters struct{ pool sync.Pool }

// inflater reads a deflate stream, and of what it reads from no byte more.
type inflater struct {
	io.Reader
	from *bufio.Reader
}

func (p *inflaters) get(raw io.Reader) *inflater {
	in, ok := p.pool.Get().(*inflater)
	if !ok {
		from := bufio.NewReader(raw)
		return &inflater{Reader: flate.NewReader(from), from: from}
	}
	in.from.Reset(raw)
	_ = in.Reader.(flate.Resetter).Reset(in.from, nil) // fails for dictionaries alone
	return in
}

func (p *inflaters) put(in *inflater) { p.pool.Put(in) }

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
	raw     io.Closer
	want    content
	n       int64
	crc     uint32
	release func() // gives the decompressor back; nil where there is none
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

// Close closes the archive. Nothing is read after it.
func (c *checked) Close() error {
	if c.release != nil {
		c.release()
		c.release, c.Reader = nil, closed{}
	}
	return c.raw.Close()
}

// closed is what a closed file reads.
type closed struct{}

func (closed) Read([]byte) (int, error) { return 0, os.ErrClosed }
