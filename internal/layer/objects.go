package layer

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

const (
	minObject = 64      // bytes of an ELF header
	maxMemory = 8 << 20 // bytes; larger objects are read from a temporary file, since many layers are made at once
	elfMagic  = "\x7fELF"
)

// Object is what the dynamic loader would read of one ELF file: enough to tell, layer by layer, whether an image has
// all libraries and symbol versions that its files need.
type Object struct {
	Path     string   `json:"path"`
	Machine  string   `json:"machine"` // "EM_X86_64"
	Soname   string   `json:"soname,omitempty"`
	Needed   []string `json:"needed,omitempty"`   // DT_NEEDED, in the loader's order
	Runpath  []string `json:"runpath,omitempty"`  // DT_RUNPATH, or DT_RPATH where there is none
	Requires []string `json:"requires,omitempty"` // symbol versions, "libc.so.6 GLIBC_2.34", sorted
	Provides []string `json:"provides,omitempty"` // symbol versions that it defines, sorted
}

// scratch makes a folder for temporary files. The store's is used: /tmp may be too small for a library of a gigabyte.
type scratch func() (dir string, remove func(), err error)

// objects reads the dynamic sections of all ELF files.
func objects(ctx context.Context, sorted []entry.Entry, tmp scratch) ([]Object, error) {
	var out []Object
	for _, e := range sorted {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.Type != entry.File || e.Size < minObject {
			continue
		}
		o, ok, err := object(e, tmp)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		if ok {
			out = append(out, o)
		}
	}
	return out, nil
}

// object reads one file. What begins like ELF but cannot be parsed is data to us, as it is to the loader.
func object(e entry.Entry, tmp scratch) (Object, bool, error) {
	r, err := e.Content.Open()
	if err != nil {
		return Object{}, false, err
	}
	defer r.Close()
	magic := make([]byte, len(elfMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != elfMagic {
		return Object{}, false, err
	}
	at, remove, err := spool(io.MultiReader(bytes.NewReader(magic), r), e.Size, tmp)
	if err != nil {
		return Object{}, false, err
	}
	defer remove()
	o, ok := parse(e.Path, at)
	return o, ok, nil
}

// parse reads an object. The package debug/elf is, by its own words, not hardened against hostile files: it may
// panic, so that a file which makes it do so is no object.
func parse(path string, at io.ReaderAt) (o Object, ok bool) {
	defer func() {
		if recover() != nil {
			o, ok = Object{}, false
		}
	}()
	f, err := elf.NewFile(at)
	if err != nil || packed(f) {
		return Object{}, false
	}
	o, err = describe(path, f)
	return o, err == nil
}

// packed reports whether a section that the loader needs is compressed. The loader could not read it, and to us it
// might be a bomb.
func packed(f *elf.File) bool {
	return slices.ContainsFunc(f.Sections, func(s *elf.Section) bool {
		debug := s.Type == elf.SHT_PROGBITS
		return s.Flags&elf.SHF_COMPRESSED != 0 && !debug
	})
}

// spool makes a stream readable at any place.
func spool(r io.Reader, size int64, tmp scratch) (at io.ReaderAt, remove func(), err error) {
	if size <= maxMemory {
		data := make([]byte, size)
		_, err := io.ReadFull(r, data)
		return bytes.NewReader(data), func() {}, err
	}
	dir, removeDir, err := tmp()
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Create(filepath.Join(dir, "object"))
	if err != nil {
		removeDir()
		return nil, nil, err
	}
	remove = func() { f.Close(); removeDir() }
	if _, err := io.CopyN(f, r, size); err != nil {
		remove()
		return nil, nil, err
	}
	return f, remove, nil
}

// describe reads what the loader would.
func describe(path string, f *elf.File) (Object, error) {
	d, err := readDynamic(f)
	if err != nil {
		return Object{}, err
	}
	o := Object{Path: path, Machine: f.Machine.String(), Needed: d.strings(elf.DT_NEEDED), Runpath: d.paths(elf.DT_RUNPATH),
		Requires: d.requires(), Provides: d.provides()}
	if names := d.strings(elf.DT_SONAME); len(names) > 0 {
		o.Soname = names[0]
	}
	if o.Runpath == nil {
		o.Runpath = d.paths(elf.DT_RPATH)
	}
	return o, nil
}

// highestGLIBC returns the newest version of glibc that any object requires.
func highestGLIBC(objects []Object) string {
	var highest string
	for _, o := range objects {
		for _, r := range o.Requires {
			if _, v, ok := strings.Cut(r, " GLIBC_"); ok && compareDotted(v, highest) > 0 {
				highest = v
			}
		}
	}
	return highest
}

// compareDotted compares "2.4" and "2.34" by number. Words, such as in GLIBC_PRIVATE, are lower than any number.
func compareDotted(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		i, errX := strconv.Atoi(x)
		j, errY := strconv.Atoi(y)
		if errX != nil {
			i = -1
		}
		if errY != nil {
			j = -1
		}
		return cmp.Compare(i, j)
	})
}
