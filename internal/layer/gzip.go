package layer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/lithe-build/lithe/internal/entry"
)

// gzipHeader begins every member: deflate, no flags, no time, no hint of the level, unknown system (RFC 1952, 2.3).
// Like the tar it is written here, so that no library decides about a byte of it.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// gzipTrailer ends a member.
func gzipTrailer(crc uint32, size int64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, crc)
	return binary.LittleEndian.AppendUint32(b, uint32(size)) // modulo 2^32, as the format has it
}

// newCompressor returns a compressor of our level.
func newCompressor() *flate.Writer {
	fw, err := flate.NewWriter(io.Discard, level)
	if err != nil {
		panic(err) // the level is a constant
	}
	return fw
}

// compress returns data as a gzip member. What the compressor did before does not show.
func compress(fw *flate.Writer, data []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(data)/3 + 64)
	out.Write(gzipHeader)
	fw.Reset(&out)
	fw.Write(data) // a bytes.Buffer takes everything
	fw.Close()
	out.Write(gzipTrailer(crc32.ChecksumIEEE(data), int64(len(data))))
	return out.Bytes()
}

// copyDeflated makes a deflate stream a member of its own without compressing it again, if it is large enough.
// The stream is inflated for the diffID anyway, so size and CRC-32 are verified on the way.
func (s *sink) copyDeflated(d entry.Deflated, size int64) (copied bool, err error) {
	stream, packed, crc, err := d.OpenDeflated()
	if err != nil {
		return false, err
	}
	defer stream.Close()
	if packed < copyFrom {
		return false, nil
	}
	s.seal()
	s.emit(gzipHeader)
	// One byte more than promised, so that a longer stream is seen.
	tee := &teeReader{r: io.LimitReader(stream, packed+1), emit: s.emit}
	in := bufio.NewReaderSize(tee, chunkSize)
	sum, keep := promise(d)
	got, n, err := s.inflate(in, size, sum)
	if err != nil {
		return false, fmt.Errorf("bad deflate stream: %w", err)
	}
	if _, err := in.ReadByte(); err != io.EOF || tee.n != packed {
		return false, fmt.Errorf("deflate stream ends after %d bytes, not after %d", tee.n-int64(in.Buffered()), packed)
	}
	if n != size || got != crc {
		return false, fmt.Errorf("has %d bytes with CRC-32 %08x, not %d with %08x", n, got, size, crc)
	}
	if sum != nil {
		if err := keep(sum.Sum(nil)); err != nil {
			return false, err
		}
	}
	s.emit(gzipTrailer(crc, size))
	return true, nil
}

// promise returns a hash for what a stream holds, and what compares it; nil where nothing is to be compared.
func promise(d entry.Deflated) (h hash.Hash, keep func([]byte) error) {
	if p, ok := d.(entry.Promised); ok {
		return p.Promise()
	}
	return nil, nil
}

// inflate sends what a stream holds to the diffID and to sum, which may be nil, and returns its CRC-32 and size. It stops when there is more than
// limit, since a small stream can hold terabytes.
func (s *sink) inflate(in *bufio.Reader, limit int64, sum hash.Hash) (crc uint32, n int64, err error) {
	fr := flate.NewReader(in)
	for err == nil && n <= limit {
		var data []byte
		data, err = fill(fr, s.chunk())
		crc = crc32.Update(crc, crc32.IEEETable, data)
		n += int64(len(data))
		if sum != nil {
			sum.Write(data)
		}
		if _, failed := s.see.Write(data); failed != nil {
			return crc, n, failed
		}
		s.plain <- chunk{data: data, reusable: true}
	}
	if err == io.EOF {
		err = nil
	}
	return crc, n, err
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it keeps a stream's own "unexpected EOF" apart from a
// clean end.
func fill(r io.Reader, buf []byte) ([]byte, error) {
	var n int
	for n < len(buf) {
		k, err := r.Read(buf[n:])
		n += k
		if err != nil {
			return buf[:n], err
		}
	}
	return buf, nil
}

// chunk returns a chunk to be filled.
func (s *sink) chunk() []byte {
	select {
	case b := <-s.free:
		return b
	default:
		return make([]byte, chunkSize)
	}
}

// teeReader emits what it reads.
type teeReader struct {
	r    io.Reader
	n    int64
	emit func([]byte)
}

func (t *teeReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.n += int64(n)
		t.emit(bytes.Clone(p[:n]))
	}
	return n, err
}
