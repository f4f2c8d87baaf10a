package tinyelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

func TestNumbers(t *testing.T) {
	data := Object{Soname: "libx.so", Numbers: []Number{{"first", 7}, {"Py_Version", 0x030d05f0}}}.Bytes()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil || len(symbols) != 2 || symbols[1].Name != "Py_Version" {
		t.Fatalf("symbols are %+v (%v)", symbols, err)
	}
	if got := binary.LittleEndian.Uint64(data[symbols[1].Value:]); got != 0x030d05f0 {
		t.Errorf("the number is %#x", got)
	}
}
