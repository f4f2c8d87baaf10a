package wheel

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"

	"github.com/lithe-build/lithe/internal/entry"
)

// content is a stored member. It opens the archive anew each time, so that a Wheel holds no file descriptor.
type content struct {
	path                 string
	offset, packed, size int64
	crc                  uint32
	inflaters            *inflaters // of the archive
	promise              *promise   // nil for contents that are known to be what RECORD says
}

// promise is what RECORD says of a file whose contents nobody has compared with it so far.
type promise struct {
	sum  [sha256.Size]byte
	kept atomic.Bool // they were compared, and agree
}

// due reports whether contents must be compared still.
func (p *promise) due() bool { return p != nil && !p.kept.Load() }

// keep compares the hash of the contents.
func (p *promise) keep(sum []byte) error {
	if !bytes.Equal(sum, p.sum[:]) {
		return errNotAsRecorded
	}
	p.kept.Store(true)
	return nil
}

// errNotAsRecorded says that contents are not what RECORD says. Verify tells more.
var errNotAsRecorded = errors.New("the file's sha256 is not the one in RECORD")

// deflated is a deflated member.
type deflated struct{ content }

var (
	_ entry.Content  = content{}
	_ entry.Promised = deflated{}
)

// errChanged says that an archive changed after it was verified.
var errChanged = errors.New("the wheel changed while it was read")

// Open returns the bytes as they are in the archive.
func (c content) Open() (io.ReadCloser, error) {
	raw, err := c.raw()
	if err != nil {
		return nil, err
	}
	return c.checked(raw, raw, func() bool { return true }), nil
}

// checked returns the reader that all contents are read by. At their end, ended tells whether the archive's data is over too.
func (c content) checked(r io.Reader, raw io.Closer, ended func() bool) *checked {
	out := &checked{Reader: r, raw: raw, want: c, ended: ended}
	if c.promise.due() {
		out.sum = sha256.New()
	}
	return out
}

// Open returns the inflated bytes.
func (d deflated) Open() (io.ReadCloser, error) {
	raw, err := d.raw()
	if err != nil {
		return nil, err
	}
	in := d.inflaters.get(raw)
	out := d.checked(in, raw, func() bool { _, err := in.from.ReadByte(); return errors.Is(err, io.EOF) })
	out.release = func() { d.inflaters.put(in) }
	return out, nil
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

// Promise returns a hash for what the stream holds, and what compares it then. They are nil for known contents.
func (d deflated) Promise() (h hash.Hash, keep func(sum []byte) error) {
	if !d.promise.due() {
		return nil, nil
	}
	return sha256.New(), d.promise.keep
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

// checked compares length and checksum while it reads, and the hash where it is due: a store on a shared disk may change
// under us, and nobody else would notice once a verified wheel is not hashed again.
type checked struct {
	io.Reader
	raw     io.Closer
	want    content
	n       int64
	crc     uint32
	sum     hash.Hash   // nil where nothing is due
	ended   func() bool // called at the end
	release func()      // gives the decompressor back; nil where there is none
}

// Read reads on, never past the declared size.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	if c.n > c.want.size || (errors.Is(err, io.EOF) && (c.n != c.want.size || c.crc != c.want.crc)) {
		return 0, errChanged
	}
	if c.sum == nil {
		return n, err
	}
	c.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		return n, c.compare()
	}
	return n, err
}

// compare compares the hash of contents that were read to their end, and returns io.EOF if it is right.
func (c *checked) compare() error {
	if !c.ended() {
		return errTrailing
	}
	if err := c.want.promise.keep(c.sum.Sum(nil)); err != nil {
		return err
	}
	c.sum = nil
	return io.EOF
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
