package layer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/elffile"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// TestDescribeAsDebugELF compares with what the standard library reads of this machine's libraries.
func TestDescribeAsDebugELF(t *testing.T) {
	files, err := filepath.Glob("/usr/lib/*-linux-gnu*/*.so.*")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range files {
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		got, err := describe(path, f)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if diff := cmp.Diff(slow(t, path, f), got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		f.Close()
		if compared++; compared == 60 {
			break
		}
	}
	if compared == 0 {
		t.Skip("no libraries in /usr/lib to compare with")
	}
}

// slow describes an object by the methods of debug/elf.
func slow(t *testing.T, path string, f *elf.File) Object {
	t.Helper()
	o := Object{Path: path, Machine: f.Machine.String(), Class: 64}
	if section := f.Section(".interp"); section != nil {
		data, err := section.Data()
		if err != nil {
			t.Fatal(path, err)
		}
		o.Interp = string(bytes.TrimRight(data, "\x00"))
	}
	var err error
	if o.Needed, err = f.ImportedLibraries(); err != nil {
		t.Fatal(path, err)
	}
	if names, _ := f.DynString(elf.DT_SONAME); len(names) > 0 {
		o.Soname = names[0]
	}
	if runpath, _ := f.DynString(elf.DT_RUNPATH); len(runpath) > 0 {
		o.Runpath = filepath.SplitList(runpath[0])
	}
	needs, _ := f.DynamicVersionNeeds() // an error means that there are none
	for _, n := range needs {
		for _, v := range n.Needs {
			if v.Flags&elf.VER_FLG_WEAK == 0 {
				o.Requires = append(o.Requires, n.Name+" "+v.Dep)
			}
		}
	}
	versions, _ := f.DynamicVersions()
	for _, v := range versions {
		if v.Flags&elf.VER_FLG_BASE == 0 {
			o.Provides = append(o.Provides, v.Name)
		}
	}
	slices.Sort(o.Requires)
	slices.Sort(o.Provides)
	return o
}

// counting counts what is read of a file that goes on with zeros for a gigabyte.
type counting struct {
	data []byte
	read int
}

func (c *counting) ReadAt(p []byte, at int64) (int, error) {
	c.read += len(p)
	clear(p)
	if at >= 1<<30 {
		return 0, io.EOF
	}
	if at < int64(len(c.data)) {
		copy(p, c.data[at:])
	}
	return len(p), nil
}

// TestParseReadsLittle gives an object string and symbol tables of half a gigabyte each.
func TestParseReadsLittle(t *testing.T) {
	data := tinyelf.Object{Soname: "libx.so.1", Defines: []string{"X_1"}, Runpath: "/a:/b",
		Needed: []tinyelf.Need{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}}}}.Bytes()
	want, ok := parse("x", bytes.NewReader(data))
	if !ok || want.Soname != "libx.so.1" || len(want.Provides) != 1 {
		t.Fatalf("%+v, %v", want, ok)
	}
	enlarged := 0
	headers := binary.LittleEndian.Uint64(data[0x28:])
	for at := headers; at+64 <= uint64(len(data)); at += 64 {
		kind := elf.SectionType(binary.LittleEndian.Uint32(data[at+4:]))
		if slices.Contains([]elf.SectionType{elf.SHT_STRTAB, elf.SHT_DYNSYM}, kind) && enlarged < 2 {
			binary.LittleEndian.PutUint64(data[at+32:], 1<<29)
			enlarged++
		}
	}
	file := &counting{data: data}
	got, ok := parse("x", file)
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(diff)
	}
	if enlarged != 2 || file.read > 1<<17 {
		t.Errorf("%d tables enlarged, %d bytes read", enlarged, file.read)
	}
}

// TestParseHostile gives tables that say more than they hold, or the same again and again.
func TestParseHostile(t *testing.T) {
	whole := tinyelf.Object{Soname: "libx.so.1", Defines: []string{"X_1", "X_2"},
		Needed: []tinyelf.Need{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34", "GLIBC_2.4"}}}}.Bytes()
	f, err := elf.NewFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]struct {
		section elf.SectionType
		at      uint64
		value   []byte
	}{
		"many needs":         {elf.SHT_GNU_VERNEED, 2, []byte{0xff, 0xff}},
		"needs elsewhere":    {elf.SHT_GNU_VERNEED, 8, []byte{0xff, 0xff, 0xff, 0xff}},
		"needs without name": {elf.SHT_GNU_VERNEED, 4, []byte{0xff, 0xff, 0xff, 0x7f}},
		"next need outside":  {elf.SHT_GNU_VERNEED, 12, []byte{0xff, 0xff, 0xff, 0xff}},
		"definition outside": {elf.SHT_GNU_VERDEF, 16, []byte{0xf0, 0xff, 0xff, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(whole)
			copy(data[f.SectionByType(change.section).Offset+change.at:], change.value)
			o, ok := parse("x", bytes.NewReader(data))
			if !ok || o.Soname != "libx.so.1" {
				t.Fatalf("%+v, %v", o, ok)
			}
			list := o.Requires
			if change.section == elf.SHT_GNU_VERDEF {
				list = o.Provides
			}
			if len(list) != 0 {
				t.Errorf("%q of a table that cannot be read to its end", list)
			}
		})
	}
}

// TestParseLongNames gives an object of a quarter of a megabyte whose tables name one long text again and again: each of them
// would be a hundred megabytes of names, in every record of its layer.
func TestParseLongNames(t *testing.T) {
	long := strings.Repeat("n", maxString-1)
	needs := make([]tinyelf.Need, elffile.MaxNeeded)
	for i := range needs {
		needs[i] = tinyelf.Need{Library: "l"}
	}
	versions := make([]string, maxVersions/2)
	for name, o := range map[string]tinyelf.Object{
		"folders":  {Runpath: strings.Repeat("/:", maxFolders+1)},
		"needs":    {Soname: long, Needed: needs},
		"versions": {Soname: "l", Needed: []tinyelf.Need{{Library: long, Versions: versions}}},
	} {
		t.Run(name, func(t *testing.T) {
			data := o.Bytes()
			if name == "needs" { // all of them bear the name of the file itself
				f, err := elf.NewFile(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				table := data[f.SectionByType(elf.SHT_DYNAMIC).Offset:]
				for i := range needs {
					copy(table[16*i+8:16*i+16], table[16*len(needs)+8:])
				}
			}
			if o, ok := parse("x", bytes.NewReader(data)); ok {
				t.Errorf("%d needs, %d versions, %d folders", len(o.Needed), len(o.Requires), len(o.Runpath))
			}
		})
	}
}
