package tinyelf

import (
	"bytes"
	"debug/elf"
	"slices"
)

// Records of .gnu.version_r and .gnu.version_d, as the LSB core specification lays them out.
type (
	verneed struct {
		Version, Count  uint16
		File, Aux, Next uint32
	}
	vernaux struct {
		Hash        uint32
		Flags, Name uint16 // Name is the version's index in the file
		NameOffset  uint32
		Next        uint32
	}
	verdef struct {
		Version, Flags, Index, Count uint16
		Hash, Aux, Next              uint32
	}
	verdaux struct{ Name, Next uint32 }
)

func (o Object) versionedLibraries() uint32 {
	n := uint32(0)
	for _, need := range o.Needed {
		if len(need.Versions)+len(need.Weak) > 0 {
			n++
		}
	}
	return n
}

// versionNeeds returns a chain of libraries, each with a chain of versions.
func (o Object) versionNeeds(names *strings) []byte {
	var out bytes.Buffer
	libraries, index := o.versionedLibraries(), uint16(2+len(o.Defines))
	for _, need := range o.Needed {
		count := len(need.Versions) + len(need.Weak)
		if count == 0 {
			continue
		}
		libraries--
		head := verneed{Version: 1, Count: uint16(count), File: names.add(need.Library), Aux: 16}
		if libraries > 0 {
			head.Next = uint32(16 + 16*count)
		}
		put(&out, head)
		for i, version := range slices.Concat(need.Versions, need.Weak) {
			aux := vernaux{Hash: hash(version), Name: index, NameOffset: names.add(version)}
			if i < count-1 {
				aux.Next = 16
			}
			if i >= len(need.Versions) {
				aux.Flags = uint16(elf.VER_FLG_WEAK)
			}
			index++
			put(&out, aux)
		}
	}
	return out.Bytes()
}

// versionDefinitions returns a chain of versions.
func (o Object) versionDefinitions(names *strings) []byte {
	var out bytes.Buffer
	for i, version := range o.Defines {
		head := verdef{Version: 1, Index: uint16(2 + i), Count: 1, Hash: hash(version), Aux: 20}
		if i < len(o.Defines)-1 {
			head.Next = 28
		}
		put(&out, head)
		put(&out, verdaux{Name: names.add(version)})
	}
	return out.Bytes()
}

// hash is the System V ELF hash.
func hash(name string) uint32 {
	h := uint32(0)
	for _, c := range []byte(name) {
		h = h<<4 + uint32(c)
		h ^= h >> 24 & 0xf0
		h &= 0x0fffffff
	}
	return h
}
