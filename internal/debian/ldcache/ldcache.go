// Package ldcache writes /etc/ld.so.cache, the dynamic loader's list of libraries, and finds what belongs into it
// among the entries of an image. No code of the image is executed.
//
// [Scan] sees what ldconfig would: the folders of /etc/ld.so.conf and Debian's built-in ones, each once, and in them
// the ELF libraries of one architecture under their sonames. [Build] writes them in glibc's "new" format 1.1, sorted
// by ldconfig's own order, byte for byte as ldconfig 2.36 and later does. The extension at the end names the program
// that wrote it: [Generator] gives the name of a Debian ldconfig. Two things are left out: subfolders glibc-hwcaps,
// which hold faster variants of the same libraries, and libraries of a second architecture.
// See ldconfig(8), ld.so(8) and, for the format, sysdeps/generic/dl-cache.h in glibc.
package ldcache

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Library is one row of the cache.
type Library struct {
	Name string // what programs ask for, "libc.so.6"
	Path string // where it is, absolute: "/lib/x86_64-linux-gnu/libc.so.6"
}

// maxLibraries is the most rows; a full desktop has some 4,000.
const maxLibraries = 1 << 20

// Sizes and numbers of the format.
const (
	magic             = "glibc-ld.so.cache1.1"
	headerSize        = 48
	rowSize           = 24
	littleEndian      = 2 // cache_file_new_flags_endian_little
	extensionMagic    = 0xeaa42174
	extensionSize     = 8 + 16 // the header and one section
	sectionGenerator  = 0
	flagELFLibc6      = 0x0003
	flagX8664Lib64    = 0x0300
	flagAArch64Lib64  = 0x0a00
	defaultGenerator  = "lithe"
	stableReleaseText = ") stable release version "
)

// Generator returns what a Debian ldconfig of this version of libc-bin names itself, "2.41-12+deb13u4".
func Generator(libcVersion string) string {
	upstream := libcVersion
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream = upstream[:i]
	}
	return "ldconfig (Debian GLIBC " + libcVersion + stableReleaseText + upstream
}

// Build returns the cache for an architecture ("amd64", "arm64"). Of libraries with one name, the first in libraries
// is the first that the loader finds. generator says who wrote it; "" means lithe.
func Build(libraries []Library, architecture, generator string) ([]byte, error) {
	flags, ok := map[string]uint32{
		"amd64": flagX8664Lib64 | flagELFLibc6, "arm64": flagAArch64Lib64 | flagELFLibc6,
	}[architecture]
	if !ok {
		return nil, fmt.Errorf("architecture %q has no ld.so.cache that we can write", architecture)
	}
	if len(libraries) > maxLibraries {
		return nil, fmt.Errorf("more than %d libraries", maxLibraries)
	}
	for _, l := range libraries {
		if !validName(l.Name) || !validName(l.Path) || l.Path[0] != '/' {
			return nil, fmt.Errorf("library %q at %q cannot stand in ld.so.cache", l.Name, l.Path)
		}
	}
	if generator == "" {
		generator = defaultGenerator
	}
	sorted := slices.Clone(libraries)
	slices.SortStableFunc(sorted, func(a, b Library) int { return compareNames(b.Name, a.Name) })
	return write(sorted, flags, generator), nil
}

// validName refuses what the format or the loader's comparison, whose char is signed on one architecture only, cannot
// hold.
func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func write(libraries []Library, flags uint32, generator string) []byte {
	start := uint32(headerSize + rowSize*len(libraries))
	table, offsets := stringTable(libraries)
	extension := (start + uint32(len(table)) + 3) &^ 3

	var out bytes.Buffer
	words := func(values ...uint32) {
		for _, v := range values {
			out.Write(binary.LittleEndian.AppendUint32(nil, v))
		}
	}
	out.WriteString(magic)
	words(uint32(len(libraries)), uint32(len(table)), littleEndian, extension, 0, 0, 0)
	for _, l := range libraries {
		// The last three words are the kernel version, unused since 2.36, and the hardware capabilities.
		words(flags, start+offsets[l.Name], start+offsets[l.Path], 0, 0, 0)
	}
	out.Write(table)
	out.Write(make([]byte, int(extension)-out.Len()))
	words(extensionMagic, 1, sectionGenerator, 0, extension+extensionSize, uint32(len(generator)))
	out.WriteString(generator)
	return out.Bytes()
}

// stringTable returns all names and paths, each with a zero at its end, and where each begins. A string that another
// one ends with lies inside of that, as glibc's stringtable.c does it: sorted from the last character on, downwards,
// a string stands right behind one that it is a suffix of.
func stringTable(libraries []Library) ([]byte, map[string]uint32) {
	all := make([]string, 0, 2*len(libraries))
	for _, l := range libraries {
		all = append(all, l.Name, l.Path)
	}
	slices.SortFunc(all, func(a, b string) int { return compareReversed(b, a) })
	all = slices.Compact(all)

	var table []byte
	// Offsets are from the table's start; rows hold them from the file's.
	offsets := make(map[string]uint32, len(all))
	for i, s := range all {
		if i > 0 && strings.HasSuffix(all[i-1], s) {
			offsets[s] = offsets[all[i-1]] + uint32(len(all[i-1])-len(s))
			continue
		}
		offsets[s] = uint32(len(table))
		table = append(append(table, s...), 0)
	}
	return table, offsets
}

// compareReversed compares from the last byte to the first.
func compareReversed(a, b string) int {
	for i := 1; i <= min(len(a), len(b)); i++ {
		if d := int(a[len(a)-i]) - int(b[len(b)-i]); d != 0 {
			return d
		}
	}
	return len(a) - len(b)
}

// compareNames is glibc's _dl_cache_libcmp: digits compare as numbers and come after everything else. The loader
// searches with the same function, so its quirk stays: numbers wrap at 32 bits.
func compareNames(a, b string) int {
	for a != "" {
		digitA, digitB := isDigit(a), isDigit(b)
		switch {
		case digitA && digitB:
			var x, y int32 // C's int
			x, a = number(a)
			y, b = number(b)
			if x != y {
				return int(x - y)
			}
		case digitA:
			return 1
		case digitB:
			return -1
		case b == "" || a[0] != b[0]:
			return first(a) - first(b)
		default:
			a, b = a[1:], b[1:]
		}
	}
	return -first(b)
}

func number(s string) (n int32, rest string) {
	for isDigit(s) {
		n = n*10 + int32(s[0]-'0')
		s = s[1:]
	}
	return n, s
}

func isDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// first returns the first byte, 0 at the end as in C.
func first(s string) int {
	if s == "" {
		return 0
	}
	return int(s[0])
}
