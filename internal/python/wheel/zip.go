package wheel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The zip reader is our own because archive/zip is made to read what it can, and a wheel must have one reading only:
// the central directory and the local headers agree, members do not overlap, nothing hides after the end.
// See https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.

const (
	maxMembers    = 200_000  // files in a wheel; torch has 12 000, the largest seen 60 000
	maxDirectory  = 64 << 20 // bytes of central directory: maxMembers with long names
	maxFile       = 8 << 30  // bytes of one file; CUDA libraries reach 2 GB
	maxUnpacked   = 16 << 30 // bytes of all files; CUDA builds of torch reach 5 GB
	ratioFrom     = 16 << 20 // files below this cannot hurt, whatever their ratio
	maxRatio      = 200      // deflate reaches 1032; real large files stay below 50
	methodStore   = 0
	methodDeflate = 8
)

const (
	endSize, end64Size, locatorSize, centralSize, localSize = 22, 56, 20, 46, 30

	endSignature, end64Signature, locatorSignature = 0x06054b50, 0x06064b50, 0x07064b50
	centralSignature, localSignature               = 0x02014b50, 0x04034b50

	flagEncrypted, flagDescriptor = 1, 8 // general purpose bits 0 and 3
)

// member is one entry of the central directory, checked against its local header.
type member struct {
	name           string
	flags, method  uint16
	crc            uint32
	packed, size   int64 // bytes in the archive, and uncompressed
	header, offset int64 // of the local header, and of the data
	mode           uint32
}

// errNotZip says that the bytes are no zip archive at all.
var errNotZip = errors.New("not a zip archive")

// readDirectory reads and checks the central directory of an archive of this many bytes.
func readDirectory(r io.ReaderAt, size int64) ([]member, error) {
	start, length, count, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	data := make([]byte, length)
	if err := readAt(r, data, start); err != nil {
		return nil, err
	}
	members := make([]member, 0, count)
	for len(data) > 0 {
		m, used, err := parseCentral(data)
		if err != nil {
			return nil, fmt.Errorf("damaged zip archive: %w", err)
		}
		data = data[used:]
		members = append(members, m)
	}
	if len(members) != count {
		return nil, fmt.Errorf("damaged zip archive: %d members, %d are declared", len(members), count)
	}
	for i := range members {
		if err := checkLocal(r, &members[i], start); err != nil {
			return nil, fmt.Errorf("%q: %w", members[i].name, err)
		}
	}
	return members, checkOverlap(members)
}

// findDirectory returns place, length and number of members of the central directory. It must end where the end
// record begins: an archive with something in front, or two archives in a row, fails this.
func findDirectory(r io.ReaderAt, size int64) (start, length int64, count int, err error) {
	end, at, err := findEnd(r, size)
	if err != nil {
		return 0, 0, 0, err
	}
	le := binary.LittleEndian
	n, total := uint64(le.Uint16(end[8:])), uint64(le.Uint16(end[10:]))
	bytes, offset := uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	disks := uint32(le.Uint16(end[4:])) | uint32(le.Uint16(end[6:]))
	if rec, place, err := findEnd64(r, at); err != nil {
		return 0, 0, 0, err
	} else if rec != nil {
		disks, at = le.Uint32(rec[16:])|le.Uint32(rec[20:]), place
		n, total = le.Uint64(rec[24:]), le.Uint64(rec[32:])
		bytes, offset = le.Uint64(rec[40:]), le.Uint64(rec[48:])
	}
	switch {
	case disks != 0 || n != total:
		return 0, 0, 0, errors.New("zip archive in several parts")
	case n > maxMembers || bytes > maxDirectory:
		return 0, 0, 0, fmt.Errorf("zip archive with %d members; lithe reads up to %d", n, maxMembers)
	case offset > uint64(at) || offset+bytes != uint64(at):
		return 0, 0, 0, errors.New("damaged zip archive: its directory is not where it should be")
	}
	return int64(offset), int64(bytes), int(n), nil
}

// findEnd finds the end record, whose comment must reach exactly to the end of the file.
func findEnd(r io.ReaderAt, size int64) (record []byte, at int64, err error) {
	tail := make([]byte, min(size, endSize+0xffff))
	if err := readAt(r, tail, size-int64(len(tail))); err != nil {
		return nil, 0, err
	}
	for i := len(tail) - endSize; i >= 0; i-- {
		if binary.LittleEndian.Uint32(tail[i:]) == endSignature &&
			i+endSize+int(binary.LittleEndian.Uint16(tail[i+20:])) == len(tail) {
			return tail[i : i+endSize], size - int64(len(tail)) + int64(i), nil
		}
	}
	return nil, 0, errNotZip
}

// findEnd64 finds the zip64 end record in front of the end record, nil when there is none.
func findEnd64(r io.ReaderAt, end int64) (record []byte, at int64, err error) {
	if end < locatorSize+end64Size {
		return nil, 0, nil
	}
	locator := make([]byte, locatorSize)
	if err := readAt(r, locator, end-locatorSize); err != nil {
		return nil, 0, err
	}
	if binary.LittleEndian.Uint32(locator) != locatorSignature {
		return nil, 0, nil
	}
	at = end - locatorSize - end64Size
	if binary.LittleEndian.Uint64(locator[8:]) != uint64(at) {
		return nil, 0, errors.New("damaged zip archive: its zip64 record is not where it should be")
	}
	record = make([]byte, end64Size)
	if err := readAt(r, record, at); err != nil {
		return nil, 0, err
	}
	if binary.LittleEndian.Uint32(record) != end64Signature {
		return nil, 0, errors.New("damaged zip archive: no zip64 record")
	}
	return record, at, nil
}

// parseCentral reads one header of the central directory and returns how many bytes it took.
func parseCentral(data []byte) (m member, used int, err error) {
	le := binary.LittleEndian
	if len(data) < centralSize || le.Uint32(data) != centralSignature {
		return m, 0, errors.New("no directory header")
	}
	nameLen, extraLen := int(le.Uint16(data[28:])), int(le.Uint16(data[30:]))
	used = centralSize + nameLen + extraLen + int(le.Uint16(data[32:]))
	if used > len(data) {
		return m, 0, errors.New("directory header cut off")
	}
	m = member{
		flags: le.Uint16(data[8:]), method: le.Uint16(data[10:]), crc: le.Uint32(data[16:]),
		packed: int64(le.Uint32(data[20:])), size: int64(le.Uint32(data[24:])), header: int64(le.Uint32(data[42:])),
		mode: le.Uint32(data[38:]) >> 16, name: string(data[centralSize : centralSize+nameLen]),
	}
	extra := data[centralSize+nameLen : centralSize+nameLen+extraLen]
	if err := m.readExtra(extra); err != nil {
		return m, 0, fmt.Errorf("%q: %w", m.name, err)
	}
	return m, used, m.checkCaps()
}

// readExtra applies the extra fields that change the meaning of a header.
func (m *member) readExtra(extra []byte) error {
	const zip64, unicodePath = 0x0001, 0x7075
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return errors.New("extra field cut off")
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		switch id {
		case unicodePath:
			return errors.New("second name in an extra field")
		case zip64:
			for _, value := range []*int64{&m.size, &m.packed, &m.header} {
				if *value != 0xffffffff {
					continue
				}
				if len(field) < 8 || le.Uint64(field) > 1<<62 {
					return errors.New("bad zip64 field")
				}
				*value, field = int64(le.Uint64(field)), field[8:]
			}
		}
	}
	return nil
}

// checkCaps refuses what lithe would not unpack, by the declared sizes; lying ones fail when they are read.
func (m *member) checkCaps() error {
	switch {
	case m.flags&flagEncrypted != 0:
		return fmt.Errorf("%s: encrypted", m.name)
	case m.method != methodStore && m.method != methodDeflate:
		return fmt.Errorf("%s: compression method %d; only deflate is used in wheels", m.name, m.method)
	case m.method == methodStore && m.packed != m.size:
		return fmt.Errorf("%s: stored with two sizes", m.name)
	case m.size > maxFile:
		return fmt.Errorf("%s: %d bytes are more than the %d that lithe unpacks", m.name, m.size, int64(maxFile))
	case m.size > ratioFrom && m.size/maxRatio > m.packed:
		return fmt.Errorf("%s: %d bytes out of %d: over the ratio of %d, as in a decompression bomb",
			m.name, m.size, m.packed, maxRatio)
	}
	return nil
}

// checkLocal compares the local header with the directory and finds the data.
func checkLocal(r io.ReaderAt, m *member, limit int64) error {
	local := make([]byte, localSize)
	if m.header > limit-localSize {
		return errors.New("header outside the archive")
	}
	if err := readAt(r, local, m.header); err != nil {
		return err
	}
	le := binary.LittleEndian
	if le.Uint32(local) != localSignature {
		return errors.New("no local header")
	}
	nameLen, extraLen := int64(le.Uint16(local[26:])), int64(le.Uint16(local[28:]))
	m.offset = m.header + localSize + nameLen + extraLen
	if m.offset > limit || m.packed > limit-m.offset {
		return errors.New("data outside the archive")
	}
	rest := make([]byte, nameLen+extraLen)
	if err := readAt(r, rest, m.header+localSize); err != nil {
		return err
	}
	if string(rest[:nameLen]) != m.name {
		return fmt.Errorf("the local header names %q", rest[:nameLen])
	}
	l := member{
		name: m.name, flags: le.Uint16(local[6:]), method: le.Uint16(local[8:]), crc: le.Uint32(local[14:]),
		packed: int64(le.Uint32(local[18:])), size: int64(le.Uint32(local[22:])),
	}
	if err := l.readExtra(rest[nameLen:]); err != nil {
		return err
	}
	return m.agrees(l)
}

// agrees compares a local header with the directory's. With a data descriptor, its sums follow the data instead.
func (m *member) agrees(local member) error {
	const meaning = flagEncrypted | flagDescriptor
	if local.method != m.method || local.flags&meaning != m.flags&meaning {
		return errors.New("local header and directory disagree on the compression")
	}
	if m.flags&flagDescriptor != 0 && local.crc == 0 && local.packed == 0 && local.size == 0 {
		return nil
	}
	if m.flags&flagDescriptor == 0 && (local.crc != m.crc || local.packed != m.packed || local.size != m.size) {
		return errors.New("local header and directory disagree on the size")
	}
	return nil
}

// checkOverlap refuses members that share bytes (the way to make a bomb of a small archive), and bombs in total.
func checkOverlap(members []member) error {
	var total int64
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b member) int { return int(min(max(a.header-b.header, -1), 1)) })
	for i, m := range sorted {
		if total += m.size; total > maxUnpacked {
			return fmt.Errorf("%s: more than the %d bytes in all that lithe unpacks", m.name, int64(maxUnpacked))
		}
		if i > 0 && m.header < sorted[i-1].offset+sorted[i-1].packed {
			return fmt.Errorf("%s: overlaps %s in the archive", m.name, sorted[i-1].name)
		}
	}
	return nil
}

// readAt fills data, and calls a short file what it is.
func readAt(r io.ReaderAt, data []byte, at int64) error {
	if at < 0 {
		return errNotZip
	}
	_, err := io.ReadFull(io.NewSectionReader(r, at, int64(len(data))), data)
	if errors.Is(err, io.ErrUnexpectedEOF) || (errors.Is(err, io.EOF) && len(data) > 0) {
		return fmt.Errorf("damaged zip archive: %w", io.ErrUnexpectedEOF)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
