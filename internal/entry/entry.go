// Package entry describes the files of an image before they are layers: path, type, mode and contents.
//
// Entries come from Debian packages, wheels and projects, and go into layers. Paths are slash-separated, relative
// to the root of the image, clean, and usr-merged. Owner and time are no part of an entry: every file of an image
// belongs to 0:0 and has the same time. The package does no I/O of its own; contents are opened by whoever reads.
package entry

import (
	"bytes"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Type is what an entry is. Devices, sockets and hard links do not exist in our images.
type Type uint8

// The types of entries.
const (
	File Type = iota
	Dir
	Symlink
)

// Entry is one file, directory or symbolic link of an image.
type Entry struct {
	Path    string      // "usr/bin/python3.13"
	Type    Type        //
	Mode    fs.FileMode // permission bits, plus fs.ModeSticky for /tmp; 0 for links
	Link    string      // target of a symbolic link, as written
	Size    int64       // bytes, uncompressed; 0 but for files
	Content Content     // nil but for files
}

// Content is what a file holds. Open may be called more than once and by several goroutines.
type Content interface {
	Open() (io.ReadCloser, error)
}

// Deflated is Content that already exists as one raw deflate stream, as the members of a wheel do. A layer may copy
// the stream instead of inflating and compressing it again (design: no recompression).
type Deflated interface {
	Content
	// OpenDeflated returns the raw stream (RFC 1951), whose uncompressed bytes have this CRC-32 (IEEE).
	OpenDeflated() (stream io.ReadCloser, size int64, crc32 uint32, err error)
}

// Promised is Deflated whose bytes may not have been compared yet with the hash that they are known by. Open compares them by
// itself; whoever inflates the stream hashes what it holds, and has the hash compared before the bytes count.
type Promised interface {
	Deflated
	// Promise returns the hash to write to and the comparison, or nil and nil where nothing is left to compare.
	Promise() (h hash.Hash, keep func(sum []byte) error)
}

// Bytes is Content in memory.
type Bytes []byte

// Open returns a reader of the bytes.
func (b Bytes) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }

// Path is Content in a file of the host.
type Path string

// Open opens the file.
func (p Path) Open() (io.ReadCloser, error) { return os.Open(string(p)) }

// NewFile returns a file with these bytes. The mode becomes 0o644 or 0o755.
func NewFile(path string, data []byte, executable bool) Entry {
	return Entry{Path: path, Mode: FileMode(executable), Size: int64(len(data)), Content: Bytes(data)}
}

// NewDir returns a directory with mode 0o755.
func NewDir(path string) Entry { return Entry{Path: path, Type: Dir, Mode: 0o755} }

// NewSymlink returns a symbolic link.
func NewSymlink(path, target string) Entry { return Entry{Path: path, Type: Symlink, Link: target} }

// FileMode returns the only two modes that files of an image have.
func FileMode(executable bool) fs.FileMode {
	if executable {
		return 0o755
	}
	return 0o644
}

// Read returns the whole contents of a file.
func (e Entry) Read() ([]byte, error) {
	r, err := e.Content.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Compare orders entries by path, component by component, so that a directory stands right before what is in it.
func Compare(a, b Entry) int {
	return ComparePaths(a.Path, b.Path)
}

// ComparePaths orders paths as Compare orders entries.
func ComparePaths(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] == b[i] {
			continue
		}
		if a[i] == '/' {
			return -1
		}
		if b[i] == '/' {
			return 1
		}
		return strings.Compare(a[i:i+1], b[i:i+1])
	}
	return len(a) - len(b)
}
