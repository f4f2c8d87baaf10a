package layer

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/elffile"
)

// The methods of debug/elf read all symbols and whole string tables to answer: half a gigabyte of memory for
// TensorFlow, whose dynamic section and versions have 3 KB. Here these are read, and of the strings those they name.
const (
	maxTable    = 1 << 20   // bytes of a table of versions; the largest of glibc has 2 KB
	maxString   = 4 << 10   // bytes of the name of a loader; Linux opens no longer path
	maxVersions = 1 << 14   // symbol versions of a file; glibc, which has most, defines 50
	maxPaths    = 16        // search paths, of which linkers write one
	maxFolders  = 256       // of a search path; wheels that use those of others have some twenty
	maxText     = 256 << 10 // bytes of all names of a file; many may be one and the same in it
)

var errTable = errors.New("not a table of the dynamic loader")

// dynamic is what the loader reads of an object before it looks for symbols.
type dynamic struct {
	*elffile.Dynamic
	file *elf.File
	left int // bytes of names that may still be read
}

// readDynamic reads the dynamic section. A file without one, such as a static program, has no tags.
func readDynamic(f *elf.File) (*dynamic, error) {
	tags, err := elffile.ReadDynamic(f)
	if err != nil {
		return nil, err
	}
	if len(tags.Values(elf.DT_RPATH))+len(tags.Values(elf.DT_RUNPATH))+len(tags.Values(elf.DT_SONAME)) > maxPaths {
		return nil, errTable
	}
	return &dynamic{Dynamic: tags, file: f, left: maxText}, nil
}

// strings returns the names that a tag has.
func (d *dynamic) strings(tag elf.DynTag) []string {
	var out []string
	for s := range d.Strings(tag) {
		if d.spend(len(s)) {
			out = append(out, s)
		}
	}
	return out
}

// spend counts the bytes of a name. A file that has used up what it may have is no object.
func (d *dynamic) spend(n int) bool {
	d.left -= n
	return d.left >= 0
}

// paths splits the search paths of a tag.
func (d *dynamic) paths(tag elf.DynTag) []string {
	var out []string
	for _, list := range d.strings(tag) {
		out = append(out, strings.Split(list, ":")...)
	}
	if len(out) > maxFolders {
		d.left = -1
	}
	return out
}

// requires returns the symbol versions without which the loader stops, "libc.so.6 GLIBC_2.34".
func (d *dynamic) requires() []string {
	return d.versions(elf.SHT_GNU_VERNEED, func(t *table, at uint64) (names []string, next uint64) {
		library := t.string(at + 4)
		aux := at + uint64(t.u32(at+8))
		for range t.count(at + 2) {
			if elf.DynamicVersionFlag(t.u16(aux+4))&elf.VER_FLG_WEAK == 0 { // a weak need does not stop it
				version := t.string(aux + 8)
				t.failed = t.failed || !d.spend(len(library)+len(version))
				names = append(names, library+" "+version)
			}
			aux += uint64(t.u32(aux + 12))
		}
		return names, uint64(t.u32(at + 12))
	})
}

// provides returns the symbol versions that the file defines, but for the one that is its own name.
func (d *dynamic) provides() []string {
	return d.versions(elf.SHT_GNU_VERDEF, func(t *table, at uint64) (names []string, next uint64) {
		if elf.DynamicVersionFlag(t.u16(at+2))&elf.VER_FLG_BASE == 0 {
			names = append(names, t.string(at+uint64(t.u32(at+12))))
			t.failed = t.failed || !d.spend(len(names[0]))
		}
		return names, uint64(t.u32(at + 16))
	})
}

// versions walks the chain of a section. What cannot be read to its end is taken for none, as there is no such file that
// a loader takes.
func (d *dynamic) versions(kind elf.SectionType, read func(t *table, at uint64) (names []string, next uint64)) []string {
	section := d.file.SectionByType(kind)
	if section == nil {
		return nil
	}
	t, err := readTable(d.file, section)
	if err != nil {
		return nil
	}
	var out []string
	for at, next := uint64(0), uint64(1); next != 0; at += next {
		var names []string
		names, next = read(t, at)
		if out = append(out, names...); t.failed {
			return nil
		}
	}
	slices.Sort(out)
	return out
}

// table is a section of numbers, some of which say where in another section a string stands.
type table struct {
	data   []byte
	order  binary.ByteOrder
	names  *elf.Section
	left   int  // names that may still be read
	failed bool // something was outside
}

func readTable(f *elf.File, section *elf.Section) (*table, error) {
	if section.FileSize > maxTable || uint64(section.Link) >= uint64(len(f.Sections)) {
		return nil, errTable
	}
	data := make([]byte, section.FileSize)
	if _, err := io.ReadFull(io.NewSectionReader(section.ReaderAt, 0, int64(len(data))), data); err != nil {
		return nil, err
	}
	return &table{data: data, order: f.ByteOrder, names: f.Sections[section.Link], left: maxVersions}, nil
}

// bytes returns n bytes at a place, zeros outside the table.
func (t *table) bytes(at, n uint64) []byte {
	if at+n > uint64(len(t.data)) || at+n < at {
		t.failed = true
		return make([]byte, n)
	}
	return t.data[at : at+n]
}

func (t *table) u16(at uint64) uint16 { return t.order.Uint16(t.bytes(at, 2)) }
func (t *table) u32(at uint64) uint32 { return t.order.Uint32(t.bytes(at, 4)) }

// count returns how many items an entry says to have, none where that is more than any file has.
func (t *table) count(at uint64) int {
	n := int(t.u16(at))
	if t.left -= n + 1; t.left < 0 || t.failed {
		t.failed = true
		return 0
	}
	return n
}

// string returns the string whose place stands at a place.
func (t *table) string(at uint64) string {
	if t.left--; t.left < 0 {
		t.failed = true
	}
	where := uint64(t.u32(at))
	if t.failed {
		return ""
	}
	s, ok := elffile.String(t.names, where)
	t.failed = !ok
	return s
}
