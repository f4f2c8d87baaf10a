package ldcache

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Sizes of ELF's 64-bit structures.
const (
	elfHeader  = 64
	elfProgram = 56
	elfDynamic = 16
)

// inspect reads of an ELF library what ldconfig reads: the machine and the soname ("" when it has none). It goes by
// program headers alone, as the loader does, because section headers may be stripped. ok is false for whatever is not
// a 64-bit little-endian shared object with a dynamic section.
func inspect(data []byte) (soname string, machine elf.Machine, ok bool) {
	if len(data) < elfHeader || string(data[:4]) != elf.ELFMAG || data[elf.EI_CLASS] != byte(elf.ELFCLASS64) ||
		data[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return "", 0, false
	}
	le := binary.LittleEndian
	machine = elf.Machine(le.Uint16(data[18:]))
	if elf.Type(le.Uint16(data[16:])) != elf.ET_DYN || le.Uint16(data[54:]) != elfProgram {
		return "", machine, false
	}
	// ldconfig takes position-independent programs for libraries, too, if their names look so.
	programs, found := slice(data, le.Uint64(data[32:]), uint64(le.Uint16(data[56:]))*elfProgram)
	if !found {
		return "", machine, false
	}
	dynamic, found := dynamicSegment(data, programs)
	if !found {
		return "", machine, false
	}
	return sonameOf(data, programs, dynamic), machine, true
}

// dynamicSegment returns the contents of PT_DYNAMIC.
func dynamicSegment(data, programs []byte) ([]byte, bool) {
	for ; len(programs) > 0; programs = programs[elfProgram:] {
		p := readProgram(programs)
		if p.kind == elf.PT_DYNAMIC && p.size > 0 {
			return slice(data, p.offset, p.size)
		}
	}
	return nil, false
}

type programHeader struct {
	kind                  elf.ProgType
	offset, address, size uint64
}

func readProgram(b []byte) programHeader {
	le := binary.LittleEndian
	return programHeader{elf.ProgType(le.Uint32(b)), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[32:])}
}

// sonameOf finds DT_SONAME in the string table that DT_STRTAB names by address.
func sonameOf(data, programs, dynamic []byte) string {
	var name, table uint64
	hasName, hasTable := false, false
	for ; len(dynamic) >= elfDynamic; dynamic = dynamic[elfDynamic:] {
		value := binary.LittleEndian.Uint64(dynamic[8:])
		switch elf.DynTag(binary.LittleEndian.Uint64(dynamic)) {
		case elf.DT_SONAME:
			name, hasName = value, true
		case elf.DT_STRTAB:
			table, hasTable = value, true
		case elf.DT_NULL: // the end, though the segment may go on
			dynamic = dynamic[:elfDynamic]
		}
	}
	if !hasName || !hasTable {
		return ""
	}
	offset, ok := offsetOf(programs, table)
	if !ok || offset > uint64(len(data)) || name > uint64(len(data))-offset {
		return ""
	}
	soname, _, terminated := bytes.Cut(data[offset+name:], []byte{0})
	if !terminated {
		return ""
	}
	return string(soname)
}

// offsetOf turns an address into a place in the file, by the loaded segment that holds it.
func offsetOf(programs []byte, address uint64) (uint64, bool) {
	for ; len(programs) > 0; programs = programs[elfProgram:] {
		p := readProgram(programs)
		if p.kind == elf.PT_LOAD && address >= p.address && address-p.address < p.size {
			return p.offset + (address - p.address), true
		}
	}
	return 0, false
}

// slice returns data[offset:offset+size], or false where that is outside.
func slice(data []byte, offset, size uint64) ([]byte, bool) {
	if offset > uint64(len(data)) || size > uint64(len(data))-offset {
		return nil, false
	}
	return data[offset : offset+size], true
}
