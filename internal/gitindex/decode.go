package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Parts of an entry, with the hash between stat and flags.
const (
	statSize = 40 // ten numbers, of which only the mode counts here
	modeAt   = 24
	flagSize = 2
)

// Flags of an entry.
const (
	extendedFlag = 0x4000 // two more bytes of flags follow; version 3 and later
	nameMask     = 0x0fff // length of the path, or all ones for longer ones
	unknownFlags = 0x9fff // in the second flags: all but skip-worktree and intent-to-add, which are tracked all the same
)

// Types of an entry, the upper bits of its mode.
const (
	typeDir     = 0o040000 // only in a sparse index
	typeFile    = 0o100000
	typeSymlink = 0o120000
	typeModule  = 0o160000
	typeMask    = 0o170000
)

var errShort = errors.New("it ends too early")

// decoder reads entries and extensions, the checksum at the end being cut off.
type decoder struct {
	all     []byte
	at      int
	version uint32
	hash    int // bytes of an object's name
	index   *Index

	path  string // of the entry before
	stage int
	total int // bytes of all paths
}

func (d *decoder) read(count uint32) error {
	if int64(count)*int64(statSize+d.hash+flagSize+1) > int64(len(d.all)-d.at) {
		return errShort
	}
	for i := range count {
		if err := d.entry(i == 0); err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	for d.at < len(d.all) {
		if err := d.extension(); err != nil {
			return err
		}
	}
	return nil
}

// take returns the next n bytes.
func (d *decoder) take(n int) ([]byte, error) {
	if n > len(d.all)-d.at {
		return nil, errShort
	}
	d.at += n
	return d.all[d.at-n : d.at], nil
}

func (d *decoder) entry(first bool) error {
	start := d.at
	fixed, err := d.take(statSize + d.hash + flagSize)
	if err != nil {
		return err
	}
	flags := binary.BigEndian.Uint16(fixed[statSize+d.hash:])
	if flags&extendedFlag != 0 {
		if err := d.extended(); err != nil {
			return err
		}
	}
	path, err := d.name(start, int(flags&nameMask))
	if err != nil {
		return err
	}
	stage := int(flags >> 12 & 3)
	// Git sorts by path and stage. A file in conflict has up to three stages.
	if !first && (path < d.path || path == d.path && stage <= d.stage) {
		return fmt.Errorf("%q is out of order", path)
	}
	repeated := !first && path == d.path
	d.path, d.stage = path, stage
	if repeated {
		return nil
	}
	return d.add(path, binary.BigEndian.Uint32(fixed[modeAt:])&typeMask)
}

func (d *decoder) extended() error {
	more, err := d.take(flagSize)
	if err != nil {
		return err
	}
	if d.version == 2 {
		return errors.New("version 2 has no further flags")
	}
	if f := binary.BigEndian.Uint16(more); f&unknownFlags != 0 {
		return fmt.Errorf("flags %#x: %w", f, ErrUnsupported)
	}
	return nil
}

// name reads the path of the entry that began at start, with what fills the entry up.
func (d *decoder) name(start, length int) (path string, err error) {
	if d.version == 4 {
		path, err = d.compressed()
	} else {
		path, err = d.terminated()
	}
	switch {
	case err != nil:
		return "", err
	case len(path) > maxPath:
		return "", fmt.Errorf("a path of %d bytes is longer than %d", len(path), maxPath)
	case length != min(len(path), nameMask):
		return "", fmt.Errorf("%q does not have the length that its flags say", path)
	case path == "": // what replaces an entry of the index that is shared
		return "", fmt.Errorf("a split index: %w", ErrUnsupported)
	case path[0] == '/':
		return "", fmt.Errorf("%q is no path of a file", path)
	}
	if d.total += len(path); d.total > maxPaths {
		return "", fmt.Errorf("all paths together are longer than %d bytes", maxPaths)
	}
	if d.version == 4 {
		return path, nil
	}
	// One NUL ended the path; entries are multiples of eight bytes.
	fill, err := d.take((8 - (d.at-start)%8) % 8)
	if err == nil && len(bytes.Trim(fill, "\x00")) > 0 {
		err = fmt.Errorf("%q is followed by bytes that are not zero", path)
	}
	return path, err
}

// terminated reads up to the next NUL.
func (d *decoder) terminated() (string, error) {
	end := bytes.IndexByte(d.all[d.at:min(len(d.all), d.at+maxPath+1)], 0)
	if end < 0 {
		return "", errors.New("a path has no end")
	}
	text, err := d.take(end + 1)
	return string(text[:end]), err
}

// compressed reads how many bytes of the path before go, and what takes their place.
func (d *decoder) compressed() (string, error) {
	drop := 0
	for more := true; more; {
		b, err := d.take(1)
		if err != nil {
			return "", err
		}
		drop = drop<<7 | int(b[0]&0x7f)
		if more = b[0]&0x80 != 0; more {
			drop++ // git's variable width: no number has two spellings
		}
		if drop > len(d.path) {
			return "", fmt.Errorf("%d bytes are to go from a path of %d", drop, len(d.path))
		}
	}
	rest, err := d.terminated()
	return d.path[:len(d.path)-drop] + rest, err
}

func (d *decoder) add(path string, kind uint32) error {
	switch kind {
	case typeFile, typeSymlink:
	case typeModule:
		d.index.modules = append(d.index.modules, path)
	case typeDir:
		return fmt.Errorf("a sparse index: %w", ErrUnsupported)
	default:
		return fmt.Errorf("%q is of the unknown type %o", path, kind)
	}
	if strings.HasSuffix(path, "/") {
		return fmt.Errorf("%q is no path of a file", path)
	}
	d.index.paths = append(d.index.paths, path)
	return nil
}

// extension passes over an extension that git calls optional: one with a capital letter.
func (d *decoder) extension() error {
	head, err := d.take(8)
	if err != nil {
		return err
	}
	name := head[:4]
	if name[0] < 'A' || name[0] > 'Z' {
		return fmt.Errorf("extension %q: %w", name, ErrUnsupported)
	}
	size := binary.BigEndian.Uint32(head[4:])
	if int64(size) > int64(len(d.all)-d.at) {
		return fmt.Errorf("extension %q: %w", name, errShort)
	}
	d.at += int(size)
	return nil
}
