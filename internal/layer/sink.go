package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
)

const (
	// groupSize is how many bytes of the tar become one gzip member where they are compressed here. Members are
	// compressed side by side; at 1 MiB the lost history costs 0.6 % of Django.
	groupSize = 1 << 20
	// copyFrom is the size in bytes from which a deflate stream is copied. Below it the gzip header and the history
	// that the files around lose cost more than they save: at 32 KiB numpy, pandas, SciPy and SQLAlchemy are
	// 0.2 to 1 % larger than by gzip -6, at 8 KiB Django would be 6 %.
	copyFrom = 32 << 10
	// level of klauspost/compress: Django is 1.4 % larger than by gzip -6 in two thirds of its time; level 6 is
	// twice as fast and 5 % larger, level 9 saves 1 % and takes three times as long.
	level = 8
	// chunkSize is how much is handed from one stage of the pipeline to the next at a time.
	chunkSize = 128 << 10
	// maxWorkers bounds the compressors, and with them the memory, of one layer: several layers are made at a time.
	maxWorkers = 8
)

// sink turns the bytes of a tar into a layer. Four things go on at once: reading and inflating, compressing groups,
// hashing the tar, and hashing and writing the layer. Both of its channels keep the order, so the bytes do not
// depend on who is first.
type sink struct {
	group       []byte             // bytes of the tar that are no member yet
	plain       chan chunk         // bytes of the tar, to be hashed
	parts       chan chan []byte   // bytes of the layer, each perhaps still being made
	compressors chan *flate.Writer // idle; nil where none has been made yet
	free        chan []byte        // chunks to be used again
	failed      atomic.Pointer[error]
	done        sync.WaitGroup
	diff, blob  *counter
	see         *watcher // sees the contents of files; may be nil
}

// chunk is some bytes of the tar; those of a group are still being compressed when they have been hashed.
type chunk struct {
	data     []byte
	reusable bool
}

// counter is a hash that counts.
type counter struct {
	hash.Hash
	n int64
}

func newCounter() *counter { return &counter{Hash: sha256.New()} }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.Hash.Write(p)
}

func (c *counter) digest() string { return "sha256:" + hex.EncodeToString(c.Sum(nil)) }

// newSink starts the pipeline. Its finish must be called.
func newSink(w io.Writer) *sink {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	s := &sink{
		plain:       make(chan chunk, 8),
		parts:       make(chan chan []byte, 2*workers+8),
		compressors: make(chan *flate.Writer, workers),
		free:        make(chan []byte, 16),
		diff:        newCounter(),
		blob:        newCounter(),
	}
	for range workers {
		s.compressors <- nil
	}
	s.done.Go(s.hashPlain)
	s.done.Go(func() { s.writeParts(w) })
	return s
}

// finish ends the last member, waits for all to be written, and returns what the layer became.
func (s *sink) finish() (Blob, error) {
	s.seal()
	close(s.plain)
	close(s.parts)
	s.done.Wait()
	if err := s.err(); err != nil {
		return Blob{}, err
	}
	return Blob{Digest: s.blob.digest(), DiffID: s.diff.digest(), Size: s.blob.n, UnpackedSize: s.diff.n}, nil
}

// err returns why writing failed, if it did.
func (s *sink) err() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// hashPlain makes the diffID.
func (s *sink) hashPlain() {
	for c := range s.plain {
		s.diff.Write(c.data)
		if c.reusable {
			select {
			case s.free <- c.data[:cap(c.data)]:
			default:
			}
		}
	}
}

// writeParts makes the layer. After an error it goes on receiving, so that nobody waits for it.
func (s *sink) writeParts(w io.Writer) {
	for part := range s.parts {
		data := <-part
		if s.err() != nil {
			continue
		}
		s.blob.Write(data)
		if _, err := w.Write(data); err != nil {
			s.failed.Store(&err)
		}
	}
}

// write adds bytes to the group.
func (s *sink) write(p []byte) {
	for len(p) > 0 {
		n := copy(s.room(), p)
		s.grow(n)
		p = p[n:]
	}
}

// readFrom adds exactly size bytes of r to the group.
func (s *sink) readFrom(r io.Reader, size int64) error {
	for left := size; left > 0; {
		room := s.room()
		n, err := io.ReadFull(r, room[:min(int64(len(room)), left)])
		s.grow(n)
		left -= int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("has %d bytes, not %d", size-left, size)
		}
		if err != nil {
			return err
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || err != io.EOF {
		if n == 0 {
			return err
		}
		return fmt.Errorf("has more than %d bytes", size)
	}
	return nil
}

// room returns the free part of the group, which is never empty.
func (s *sink) room() []byte {
	if s.group == nil {
		s.group = make([]byte, 0, groupSize)
	}
	return s.group[len(s.group):cap(s.group)]
}

// grow says that n bytes of room are used.
func (s *sink) grow(n int) {
	s.group = s.group[:len(s.group)+n]
	if len(s.group) == cap(s.group) {
		s.seal()
	}
}

// seal makes the group a gzip member.
func (s *sink) seal() {
	if len(s.group) == 0 {
		return
	}
	group := s.group
	s.group = nil
	if len(group) < groupSize/4 { // as between two copied streams: the rest of the memory is used again
		s.group = group[:0]
		group = bytes.Clone(group)
	}
	s.plain <- chunk{data: group}
	part := make(chan []byte, 1)
	s.parts <- part
	fw := <-s.compressors
	s.done.Go(func() {
		if fw == nil {
			fw = newCompressor()
		}
		part <- compress(fw, group)
		s.compressors <- fw
	})
}

// emit hands over bytes of the layer that are there already.
func (s *sink) emit(data []byte) {
	part := make(chan []byte, 1)
	part <- data
	s.parts <- part
}
