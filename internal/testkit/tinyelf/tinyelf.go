// Package tinyelf makes ELF files of a few hundred bytes for tests: shared libraries and programs with a soname, needed
// libraries, symbol versions and a run path, and no code at all. Readers of ELF files (debug/elf, ldconfig, readelf)
// take them; they cannot run.
// See https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html and, for versions, the LSB core specification.
package tinyelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Object describes a 64-bit little-endian file. The zero value is a library for x86-64 without a name.
type Object struct {
	Machine elf.Machine // 0 means x86-64
	Soname  string
	Needed  []Need
	Defines []string // symbol versions that the library has, "GLIBC_2.36"
	Runpath string
	Rpath   string
	Interp  string // makes it a position-independent program
	Numbers []Number
}

// Number is a constant that the file exports, 64 bits wide.
type Number struct {
	Name  string
	Value uint64
}

// Need is a library that the file needs, with symbol versions of it.
type Need struct {
	Library  string
	Versions []string
	Weak     []string // versions whose absence stops nothing
}

const (
	headerSize  = 64
	programSize = 56
	sectionSize = 64
	symbolSize  = 24
)

// section is one part of the file, in order.
type section struct {
	name  string
	kind  elf.SectionType
	data  []byte
	link  uint32 // index of its string table
	info  uint32
	entry uint64
	// offset is where data stands in the file, which is also its address; 8-aligned.
	offset uint64
}

// Bytes returns the file.
func (o Object) Bytes() []byte {
	var names strings
	needs, definitions := o.versionNeeds(&names), o.versionDefinitions(&names)
	dynamic := o.dynamicNames(&names)
	exported := o.numberNames(&names)
	sections := []section{
		{},
		{name: ".dynstr", kind: elf.SHT_STRTAB, data: names.bytes()},
		{name: ".dynsym", kind: elf.SHT_DYNSYM, data: make([]byte, symbolSize), link: 1, info: 1, entry: symbolSize},
	}
	sections = o.addNumbers(sections, exported)
	if len(needs)+len(definitions) > 0 {
		sections = append(sections, section{name: ".gnu.version", kind: elf.SHT_GNU_VERSYM, data: make([]byte, 2),
			link: 2, entry: 2})
	}
	if len(needs) > 0 {
		sections = append(sections, section{name: ".gnu.version_r", kind: elf.SHT_GNU_VERNEED, data: needs, link: 1,
			info: o.versionedLibraries()})
	}
	if len(definitions) > 0 {
		sections = append(sections, section{name: ".gnu.version_d", kind: elf.SHT_GNU_VERDEF, data: definitions,
			link: 1, info: uint32(len(o.Defines))})
	}
	if o.Interp != "" {
		sections = append(sections, section{name: ".interp", kind: elf.SHT_PROGBITS, data: []byte(o.Interp + "\x00")})
	}
	programs := 2
	if o.Interp != "" {
		programs++
	}
	offset := uint64(headerSize + programs*programSize)
	for i := range sections[1:] {
		sections[i+1].offset = offset
		offset = align(offset + uint64(len(sections[i+1].data)))
	}
	o.placeNumbers(sections)
	sections = append(sections, section{name: ".dynamic", kind: elf.SHT_DYNAMIC, link: 1, entry: 16, offset: offset,
		data: dynamicTable(dynamic, sections)})
	return o.assemble(sections, programs)
}

// assemble writes header, program headers, sections and section headers.
func (o Object) assemble(sections []section, programs int) []byte {
	var titles strings
	nameOffsets := make([]uint32, len(sections)+1)
	for i, s := range sections {
		nameOffsets[i] = titles.add(s.name)
	}
	nameOffsets[len(sections)] = titles.add(".shstrtab")
	last := sections[len(sections)-1]
	sections = append(sections, section{name: ".shstrtab", kind: elf.SHT_STRTAB, data: titles.bytes(),
		offset: align(last.offset + uint64(len(last.data)))})
	tail := sections[len(sections)-1]
	headers := align(tail.offset + uint64(len(tail.data)))

	var out bytes.Buffer
	machine := o.Machine
	if machine == 0 {
		machine = elf.EM_X86_64
	}
	put(&out, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Phoff: headerSize, Shoff: headers,
		Ehsize: headerSize, Phentsize: programSize, Phnum: uint16(programs), Shentsize: sectionSize,
		Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1),
	})
	put(&out, program(elf.PT_LOAD, 0, headers+uint64(len(sections)*sectionSize)))
	for _, s := range sections {
		switch s.name {
		case ".dynamic":
			put(&out, program(elf.PT_DYNAMIC, s.offset, uint64(len(s.data))))
		case ".interp":
			put(&out, program(elf.PT_INTERP, s.offset, uint64(len(s.data))))
		}
	}
	for _, s := range sections[1:] {
		out.Write(make([]byte, int(s.offset)-out.Len()))
		out.Write(s.data)
	}
	out.Write(make([]byte, int(headers)-out.Len()))
	for i, s := range sections {
		put(&out, elf.Section64{Name: nameOffsets[i], Type: uint32(s.kind), Addr: s.offset, Off: s.offset,
			Size: uint64(len(s.data)), Link: s.link, Info: s.info, Addralign: 8, Entsize: s.entry})
	}
	return out.Bytes()
}

func program(kind elf.ProgType, offset, size uint64) elf.Prog64 {
	return elf.Prog64{Type: uint32(kind), Flags: uint32(elf.PF_R), Off: offset, Vaddr: offset, Paddr: offset,
		Filesz: size, Memsz: size, Align: 8}
}

// dynamicNames returns the entries of the dynamic section whose values are names.
func (o Object) dynamicNames(names *strings) []elf.Dyn64 {
	var all []elf.Dyn64
	add := func(tag elf.DynTag, value string) {
		if value != "" {
			all = append(all, elf.Dyn64{Tag: int64(tag), Val: uint64(names.add(value))})
		}
	}
	for _, n := range o.Needed {
		add(elf.DT_NEEDED, n.Library)
	}
	add(elf.DT_SONAME, o.Soname)
	add(elf.DT_RPATH, o.Rpath)
	add(elf.DT_RUNPATH, o.Runpath)
	return all
}

// dynamicTable adds the addresses of the sections that a loader looks for.
func dynamicTable(entries []elf.Dyn64, sections []section) []byte {
	tags := map[string]elf.DynTag{".dynstr": elf.DT_STRTAB, ".dynsym": elf.DT_SYMTAB,
		".gnu.version": elf.DT_VERSYM, ".gnu.version_r": elf.DT_VERNEED, ".gnu.version_d": elf.DT_VERDEF}
	for _, s := range sections {
		if tag, ok := tags[s.name]; ok {
			entries = append(entries, elf.Dyn64{Tag: int64(tag), Val: s.offset})
		}
		if s.name == ".dynstr" {
			entries = append(entries, elf.Dyn64{Tag: int64(elf.DT_STRSZ), Val: uint64(len(s.data))})
		}
	}
	var out bytes.Buffer
	for _, e := range append(entries, elf.Dyn64{}) {
		put(&out, e)
	}
	return out.Bytes()
}

func put(out *bytes.Buffer, v any) {
	// A bytes.Buffer does not fail, and all types here have a fixed size.
	_ = binary.Write(out, binary.LittleEndian, v)
}

func align(n uint64) uint64 { return (n + 7) &^ 7 }

// strings is a string table: zero-terminated names, the first of them empty.
type strings struct{ data []byte }

func (s *strings) add(name string) uint32 {
	if name == "" {
		return 0
	}
	if len(s.data) == 0 {
		s.data = []byte{0}
	}
	at := len(s.data)
	s.data = append(append(s.data, name...), 0)
	return uint32(at)
}

func (s *strings) bytes() []byte {
	if len(s.data) == 0 {
		return []byte{0}
	}
	return s.data
}
