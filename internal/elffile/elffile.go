// Package elffile opens ELF files that others made.
//
// A file goes in; its headers come out, and the names of the libraries and symbols that it asks for. The package debug/elf is,
// by its own words, not hardened against hostile files. It copies a name as often as something bears it, so that a file of some
// megabytes in which everything bears one long name asks for more memory than there is, and it unpacks a table of names that is
// compressed. Here the names of sections are not read at all, as the loader does not, and all others have a limit. What
// debug/elf panics at is left to whoever opens a file.
// See https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html.
package elffile

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"
)

const (
	headerSize  = 64       // bytes of a header of 64 bits; one of 32 bits has 52
	maxSections = 1 << 14  // of a file; the largest libraries have some fifty
	maxDynamic  = 1 << 20  // bytes of a dynamic section; the largest of glibc has 2 KB
	maxName     = 4 << 10  // bytes of the name of a library; Linux opens no longer path
	symbolName  = 64       // bytes of the name of a symbol that are told
	bufferSize  = 64 << 10 // what is read of a table at once
)

// MaxNeeded is how many libraries a file may ask for; large programs ask for a hundred.
const MaxNeeded = 1 << 12

var (
	errSections = errors.New("more sections than a program or library has")
	errTable    = errors.New("not a table of the dynamic loader")
)

// Open reads the headers of a file. Its sections have no names.
func Open(r io.ReaderAt) (*elf.File, error) {
	header := make([]byte, headerSize)
	if n, err := r.ReadAt(header, 0); n < headerSize {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if elf.Data(header[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	table, count := uint64(order.Uint32(header[32:])), 48
	if elf.Class(header[elf.EI_CLASS]) == elf.ELFCLASS64 {
		table, count = order.Uint64(header[40:]), 60
	}
	// No sections although there is a table of them: its first entry has the number, which is larger than fits.
	if n := order.Uint16(header[count:]); n > maxSections || n == 0 && table != 0 {
		return nil, errSections
	}
	return elf.NewFile(unnamed{r, int64(count) + 2})
}

// unnamed is a file whose header says that sections have no names.
type unnamed struct {
	io.ReaderAt
	at int64 // where the header has the number of the section with the names, in two bytes
}

// ReadAt implements io.ReaderAt.
func (u unnamed) ReadAt(p []byte, offset int64) (int, error) {
	n, err := u.ReaderAt.ReadAt(p, offset)
	for at := max(u.at, offset); at < min(u.at+2, offset+int64(n)); at++ {
		p[at-offset] = 0
	}
	return n, err
}

// Needed returns the libraries that a file asks for, in the loader's order; none for a file that is linked statically.
func Needed(f *elf.File) ([]string, error) {
	d, err := ReadDynamic(f)
	if err != nil {
		return nil, err
	}
	return slices.Collect(d.Strings(elf.DT_NEEDED)), nil
}

// Dynamic is the dynamic section of a file: what the loader reads of it before it looks for symbols.
type Dynamic struct {
	tags  map[elf.DynTag][]uint64
	names *elf.Section // with the texts of the tags
}

// ReadDynamic reads the dynamic section. A file without one, such as a static program, has no tags.
func ReadDynamic(f *elf.File) (*Dynamic, error) {
	d := &Dynamic{tags: map[elf.DynTag][]uint64{}}
	section := f.SectionByType(elf.SHT_DYNAMIC)
	if section == nil {
		return d, nil
	}
	names, err := linked(f, section)
	if err != nil || section.FileSize > maxDynamic {
		return nil, errTable
	}
	d.names = names
	data := make([]byte, section.FileSize)
	if _, err := io.ReadFull(io.NewSectionReader(section, 0, int64(len(data))), data); err != nil {
		return nil, err
	}
	for word := wordOf(f); len(data) >= 2*word; data = data[2*word:] {
		tag := elf.DynTag(number(f, data[:word]))
		d.tags[tag] = append(d.tags[tag], number(f, data[word:2*word]))
	}
	if len(d.tags[elf.DT_NEEDED]) > MaxNeeded {
		return nil, errTable
	}
	return d, nil
}

// Values returns the numbers of a tag, in the file's order.
func (d *Dynamic) Values(tag elf.DynTag) []uint64 { return d.tags[tag] }

// Strings yields the texts of a tag. What is too long to be a path, or is in no table, is passed over, as debug/elf does.
func (d *Dynamic) Strings(tag elf.DynTag) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, at := range d.tags[tag] {
			if s, ok := String(d.names, at); ok && !yield(s) {
				return
			}
		}
	}
}

// String reads the text at a place of a table of names. It is false where there is none, or it is longer than a path.
func String(names *elf.Section, at uint64) (string, bool) {
	if names == nil || at >= names.FileSize {
		return "", false
	}
	name, ok := nameAt(names, at, make([]byte, min(maxName, names.FileSize-at)))
	return string(name), ok
}

// Symbol is a symbol of the dynamic loader.
type Symbol struct {
	Name    []byte // its first 64 bytes, valid until the next symbol
	Value   uint64
	Section elf.SectionIndex
	Info    byte
}

// Imported reports a symbol that another file has.
func (s Symbol) Imported() bool {
	return elf.ST_BIND(s.Info) == elf.STB_GLOBAL && s.Section == elf.SHN_UNDEF
}

// Symbols calls visit with the symbols of the dynamic loader until it returns false.
func Symbols(f *elf.File, visit func(Symbol) bool) error {
	section := f.SectionByType(elf.SHT_DYNSYM)
	if section == nil {
		return nil
	}
	names, err := linked(f, section)
	if err != nil {
		return err
	}
	size := 16
	if f.Class == elf.ELFCLASS64 {
		size = 24
	}
	table := bufio.NewReaderSize(io.NewSectionReader(section, 0, int64(section.FileSize)), bufferSize)
	entry, text := make([]byte, size), make([]byte, symbolName)
	for first := true; ; first = false {
		if _, err := io.ReadFull(table, entry); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		s := Symbol{Value: uint64(f.ByteOrder.Uint32(entry[4:])), Info: entry[size-4], Section: elf.SectionIndex(f.ByteOrder.Uint16(entry[size-2:]))}
		if f.Class == elf.ELFCLASS64 {
			s.Value, s.Info, s.Section = f.ByteOrder.Uint64(entry[8:]), entry[4], elf.SectionIndex(f.ByteOrder.Uint16(entry[6:]))
		}
		s.Name, _ = nameAt(names, uint64(f.ByteOrder.Uint32(entry)), text)
		if !first && !visit(s) { // the first one stands for none
			return nil
		}
	}
}

// linked returns the section with the names of a table.
func linked(f *elf.File, table *elf.Section) (*elf.Section, error) {
	if uint64(table.Link) >= uint64(len(f.Sections)) {
		return nil, errTable
	}
	names := f.Sections[table.Link]
	if table.ReaderAt == nil || names.ReaderAt == nil { // compressed, which the loader could not read
		return nil, errTable
	}
	return names, nil
}

// nameAt reads the name at a place into a buffer. It is false where the buffer does not hold all of it.
func nameAt(names *elf.Section, at uint64, into []byte) ([]byte, bool) {
	if at >= names.FileSize {
		return nil, false
	}
	n, err := names.ReadAt(into[:min(uint64(len(into)), names.FileSize-at)], int64(at))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false
	}
	name, _, whole := bytes.Cut(into[:n], []byte{0})
	return name, whole
}

// wordOf is how many bytes a number of the dynamic section has.
func wordOf(f *elf.File) int {
	if f.Class == elf.ELFCLASS64 {
		return 8
	}
	return 4
}

func number(f *elf.File, b []byte) uint64 {
	if len(b) == 8 {
		return f.ByteOrder.Uint64(b)
	}
	return uint64(f.ByteOrder.Uint32(b))
}
