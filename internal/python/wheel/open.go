package wheel

import (
	"bufio"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// when says when the contents of a wheel are compared with RECORD.
type when int

const (
	now   when = iota
	later      // while they are read
	never      // they were before
)

// Open reads a wheel and verifies every file in it against RECORD. It inflates each file once, in a stream.
func Open(path string, filename wheeltag.Filename) (*Wheel, error) {
	return open(path, filename, now)
}

// OpenPromised reads a wheel as Open does, but inflates only what it reads itself: the metadata. Every other file is compared
// with RECORD by whoever reads it (entry.Promised), so that a wheel which becomes a layer is inflated once. Nothing that was
// read may be used for good before Verify agrees.
func OpenPromised(path string, filename wheeltag.Filename) (*Wheel, error) {
	return open(path, filename, later)
}

// OpenVerified reads a wheel that Open or Verify has accepted before, byte for byte the same (the caller knows by its hash).
// It does not read the contents of the files again; their hashes are RECORD's.
func OpenVerified(path string, filename wheeltag.Filename) (*Wheel, error) {
	return open(path, filename, never)
}

// Verify compares those files of a wheel of OpenPromised with RECORD that nobody has read to the end, or that were not what
// RECORD says.
func (w *Wheel) Verify() error {
	var f *os.File
	for _, m := range w.promised {
		if m.promise.kept.Load() {
			continue
		}
		if f == nil {
			var err error
			if f, err = os.Open(w.path); err != nil {
				return err
			}
			defer f.Close()
		}
		d, err := hashMember(f, m.member, "sha256", w.inflaters)
		if err != nil {
			return w.errorf("%s: %w", m.name, err)
		}
		if err := m.promise.keep(d.sha256); err != nil {
			return w.errorf("RECORD: %s: %w", m.name, err)
		}
	}
	return nil
}

// promised is a member of the archive with what RECORD says of it.
type promised struct {
	member
	promise *promise
}

// open is Open and its relatives. The small files are read, and their own hashes checked, only after the names are known to
// be clean.
func open(path string, filename wheeltag.Filename, compare when) (*Wheel, error) {
	w := &Wheel{file: fileLabel(path, filename), path: path, inflaters: &inflaters{}}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	members, err := readDirectory(f, info.Size())
	if err != nil {
		return nil, w.errorf("%w", err)
	}
	byPath := make(map[string]member, len(members))
	for _, m := range members {
		if err := w.addMember(m); err != nil {
			return nil, err
		}
		byPath[m.name] = m
	}
	if err := w.check(filename); err != nil {
		return nil, err
	}
	rows, err := w.readRecord()
	if err != nil {
		return nil, err
	}
	if err := w.verify(f, byPath, rows, compare); err != nil {
		return nil, err
	}
	return w, nil
}

// fileLabel is the name of the wheel in messages. In a content-addressed store the path says nothing.
func fileLabel(path string, filename wheeltag.Filename) string {
	base := filepath.Base(path)
	if strings.HasSuffix(base, ".whl") || filename.Name == "" {
		return base
	}
	return filename.Name + "-" + filename.Version.String()
}

// addMember adds a file to the wheel, and skips directories. Only these two kinds may be in a wheel.
func (w *Wheel) addMember(m member) error {
	const typeMask, regular, directory, symlink = 0o170000, 0o100000, 0o040000, 0o120000
	isDir := strings.HasSuffix(m.name, "/")
	switch kind := m.mode & typeMask; {
	case kind == symlink:
		return w.errorf("%q is a symbolic link", m.name)
	case kind != 0 && kind != regular && kind != directory:
		return w.errorf("%q is neither file nor directory (mode %o)", m.name, m.mode)
	case kind == regular && isDir, kind == directory && !isDir:
		return w.errorf("%q is a directory by its name or its mode, but not by both", m.name)
	}
	if isDir {
		if err := cleanPath(strings.TrimSuffix(m.name, "/")); err != nil {
			return w.errorf("%q: %w", m.name, err)
		}
		if m.size != 0 {
			return w.errorf("%q: a directory of %d bytes", m.name, m.size)
		}
		return nil
	}
	f := File{Path: m.name, Executable: m.mode&typeMask == regular && m.mode&0o111 != 0, Size: m.size}
	c := content{path: w.path, offset: m.offset, packed: m.packed, size: m.size, crc: m.crc, inflaters: w.inflaters}
	if f.Content = c; m.method == methodDeflate {
		f.Content = deflated{c}
	}
	w.Files = append(w.Files, f)
	return nil
}

// verify fills File.SHA256: from RECORD if the wheel is known or compared later, else from the contents, which must agree
// with it.
func (w *Wheel) verify(r io.ReaderAt, members map[string]member, rows map[string]row, compare when) error {
	for i := range w.Files {
		f := &w.Files[i]
		row, listed := rows[f.Path]
		if row.algorithm == "sha256" && (compare == never || compare == later && row.size == f.Size && !w.isMetadata(f.Path)) {
			f.SHA256 = [32]byte(row.hash)
			if compare == later {
				w.promise(f, members[f.Path])
			}
			continue
		}
		d, err := hashMember(r, members[f.Path], row.algorithm, w.inflaters)
		if err != nil {
			return w.errorf("%s: %w", f.Path, err)
		}
		if listed {
			if err := row.check(d); err != nil {
				return w.errorf("RECORD: %s: %w", f.Path, err)
			}
		}
		f.SHA256 = [32]byte(d.sha256)
	}
	return nil
}

// promise has the contents of a file compared when they are read.
func (w *Wheel) promise(f *File, m member) {
	p := promised{m, &promise{sum: f.SHA256}}
	w.promised = append(w.promised, p)
	switch c := f.Content.(type) {
	case deflated:
		c.promise = p.promise
		f.Content = c
	case content:
		c.promise = p.promise
		f.Content = c
	}
}

// isMetadata reports what open itself reads.
func (w *Wheel) isMetadata(path string) bool {
	return strings.HasPrefix(path, w.distInfo+"/") || strings.HasSuffix(path, ".pth")
}

// errTrailing says that a deflate stream ends before its data does.
var errTrailing = errors.New("bytes after the end of the compressed data")

// hashMember reads a member once. It must be what the directory says: length, checksum, and, since layers copy the
// stream as it is, a deflate stream that ends with its last byte.
func hashMember(r io.ReaderAt, m member, algorithm string, shared *inflaters) (digests, error) {
	section := io.NewSectionReader(r, m.offset, m.packed)
	raw := io.ByteReader(nil)
	var src io.Reader
	if m.method == methodDeflate {
		in := shared.get(section)
		defer shared.put(in)
		src, raw = in, in.from
	} else {
		plain := bufio.NewReader(section)
		src, raw = plain, plain
	}
	sum256, crc := sha256.New(), crc32.NewIEEE()
	sinks := []io.Writer{sum256, crc}
	var other hash.Hash
	switch algorithm {
	case "sha384":
		other = sha512.New384()
	case "sha512":
		other = sha512.New()
	}
	if other != nil {
		sinks = append(sinks, other)
	}
	n, err := io.Copy(io.MultiWriter(sinks...), io.LimitReader(src, m.size+1))
	switch {
	case err != nil:
		return digests{}, fmt.Errorf("damaged data: %w", err)
	case n != m.size:
		return digests{}, fmt.Errorf("holds more or fewer bytes than the %d declared", m.size)
	case crc.Sum32() != m.crc:
		return digests{}, errors.New("checksum (CRC-32) differs")
	}
	if _, err := raw.ReadByte(); !errors.Is(err, io.EOF) {
		return digests{}, errTrailing
	}
	d := digests{size: n, sha256: sum256.Sum(nil)}
	if other != nil {
		// row.check reads the one that the row names.
		d.sha384 = other.Sum(nil)
		d.sha512 = d.sha384
	}
	return d, nil
}
