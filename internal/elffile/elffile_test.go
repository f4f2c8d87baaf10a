package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// library needs two others and exports two numbers.
var library = tinyelf.Object{Soname: "libx.so.1", Needed: []tinyelf.Need{{Library: "libz.so.1"}, {Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}}},
	Numbers: []tinyelf.Number{{Name: "Py_Version", Value: 7}, {Name: strings.Repeat("n", 2*symbolName), Value: 8}}}

// read returns what the functions of this package say of a file.
func read(data []byte) (needed, symbols []string, err error) {
	f, err := Open(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	if needed, err = Needed(f); err != nil {
		return nil, nil, err
	}
	err = Symbols(f, func(s Symbol) bool {
		symbols = append(symbols, fmt.Sprintf("%s %v", s.Name, s.Imported()))
		return true
	})
	return needed, symbols, err
}

func TestRead(t *testing.T) {
	needed, symbols, err := read(library.Bytes())
	want := []string{"Py_Version false", strings.Repeat("n", symbolName) + " false"}
	if diff := cmp.Diff(want, symbols) + cmp.Diff([]string{"libz.so.1", "libc.so.6"}, needed); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for name, data := range map[string][]byte{"short": library.Bytes()[:50], "text": bytes.Repeat([]byte("#!/bin/sh\n"), 20)} {
		if _, _, err := read(data); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

// TestLongNames reads a file of some megabytes in which sections, symbols and libraries all bear one long name. Whoever copies
// it for each needs tens of gigabytes.
func TestLongNames(t *testing.T) {
	const many = 5_000
	o := library
	o.Needed = make([]tinyelf.Need, MaxNeeded)
	o.Numbers = make([]tinyelf.Number, many)
	for i := range o.Needed {
		o.Needed[i].Library = "l"
	}
	for i := range o.Numbers {
		o.Numbers[i].Name = "n"
	}
	o.Numbers[0].Name = strings.Repeat("n", 4<<20)
	data := o.Bytes()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	table, libraries := f.SectionByType(elf.SHT_DYNSYM), f.SectionByType(elf.SHT_DYNAMIC)
	long := binary.LittleEndian.Uint32(data[table.Offset+24:])
	for at := table.Offset + 24; at < table.Offset+table.FileSize; at += 24 {
		binary.LittleEndian.PutUint32(data[at:], long)
	}
	for i := range uint64(MaxNeeded) {
		binary.LittleEndian.PutUint64(data[libraries.Offset+16*i+8:], uint64(long))
	}
	for i, s := range f.Sections { // the names of sections, too
		headers := binary.LittleEndian.Uint64(data[0x28:])
		binary.LittleEndian.PutUint32(data[headers+64*uint64(i):], uint32(len(s.Name)))
	}
	needed, symbols, err := read(data)
	if err != nil || len(needed) != 0 || len(symbols) != many {
		t.Errorf("%v, %d libraries, %d symbols", err, len(needed), len(symbols))
	}
}

// TestManySections refuses a file with more sections than a loader ever sees, whichever way it says how many.
func TestManySections(t *testing.T) {
	for _, n := range []uint16{maxSections + 1, 0} {
		data := library.Bytes()
		binary.LittleEndian.PutUint16(data[60:], n)
		if _, err := Open(bytes.NewReader(data)); err == nil {
			t.Errorf("%d: it is opened", n)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(library.Bytes())
	f.Fuzz(func(_ *testing.T, data []byte) {
		defer func() { _ = recover() }() // debug/elf may panic, which is the caller's to expect
		_, _, _ = read(data)
	})
}
