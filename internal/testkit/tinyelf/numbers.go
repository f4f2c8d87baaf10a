package tinyelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// numberNames adds the names of the constants to the table of strings, and returns where they stand.
func (o Object) numberNames(names *strings) []uint32 {
	var at []uint32
	for _, n := range o.Numbers {
		at = append(at, names.add(n.Name))
	}
	return at
}

// addNumbers adds a section with the constants, and a symbol for each. Their addresses come later.
func (o Object) addNumbers(sections []section, names []uint32) []section {
	if len(o.Numbers) == 0 {
		return sections
	}
	var values, symbols bytes.Buffer
	put(&symbols, elf.Sym64{})
	for i, n := range o.Numbers {
		put(&values, n.Value)
		put(&symbols, elf.Sym64{Name: names[i], Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), Shndx: uint16(len(sections)), Size: 8})
	}
	sections[symbolSection].data = symbols.Bytes()
	return append(sections, section{name: ".rodata", kind: elf.SHT_PROGBITS, data: values.Bytes()})
}

// symbolSection is where the table of symbols stands among the sections.
const symbolSection = 2

// placeNumbers fills in the addresses, once the section has one.
func (o Object) placeNumbers(sections []section) {
	for _, s := range sections {
		if s.name != ".rodata" {
			continue
		}
		for i := range o.Numbers {
			at := (i+1)*symbolSize + 8 // st_value
			binary.LittleEndian.PutUint64(sections[symbolSection].data[at:], s.offset+uint64(i)*8)
		}
	}
}
