package layer

import (
	"bytes"
	"cmp"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/elffile"
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
	Package  string   `json:"package,omitempty"` // the distribution that brought it, by its name
	Machine  string   `json:"machine"`           // "EM_X86_64"
	Class    int      `json:"class"`             // 64 or 32 bits
	Interp   string   `json:"interp,omitempty"`  // the loader of a program, "/lib64/ld-linux-x86-64.so.2"
	Soname   string   `json:"soname,omitempty"`
	Needed   []string `json:"needed,omitempty"`   // DT_NEEDED, in the loader's order
	Rpath    []string `json:"rpath,omitempty"`    // DT_RPATH, where there is no DT_RUNPATH, which would take its place
	Runpath  []string `json:"runpath,omitempty"`  // DT_RUNPATH
	Requires []string `json:"requires,omitempty"` // symbol versions that must be there, "libc.so.6 GLIBC_2.34", sorted
	Provides []string `json:"provides,omitempty"` // symbol versions that it defines, sorted
}

// size is how many bytes its texts have.
func (o Object) size() (n int) {
	for _, list := range [][]string{o.Needed, o.Rpath, o.Runpath, o.Requires, o.Provides} {
		for _, s := range list {
			n += len(s)
		}
	}
	return n + len(o.Path) + len(o.Package) + len(o.Interp) + len(o.Soname)
}

// scratch makes a folder for temporary files. The store's is used: /tmp may be too small for a library of a gigabyte.
type scratch func() (dir string, remove func(), err error)

// object reads a file of this size. What begins like ELF but cannot be parsed is data to us, as it is to the loader.
func object(path string, r io.Reader, size int64, tmp scratch) (Object, bool, error) {
	if size < minObject {
		return Object{}, false, nil
	}
	magic := make([]byte, len(elfMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != elfMagic {
		return Object{}, false, err
	}
	at, remove, err := spool(io.MultiReader(bytes.NewReader(magic), r), size, tmp)
	if err != nil {
		return Object{}, false, err
	}
	defer remove()
	o, ok := parse(path, at)
	return o, ok, nil
}

// parse reads an object. A hostile file may make the package debug/elf panic, and is no object then.
func parse(path string, at io.ReaderAt) (o Object, ok bool) {
	defer func() {
		if recover() != nil {
			o, ok = Object{}, false
		}
	}()
	f, err := elffile.Open(at)
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
	o := Object{Path: path, Machine: f.Machine.String(), Class: 32, Interp: interpreter(f), Needed: d.strings(elf.DT_NEEDED),
		Runpath: d.paths(elf.DT_RUNPATH), Requires: d.requires(), Provides: d.provides()}
	if f.Class == elf.ELFCLASS64 {
		o.Class = 64
	}
	if names := d.strings(elf.DT_SONAME); len(names) > 0 {
		o.Soname = names[0]
	}
	if o.Runpath == nil {
		o.Rpath = d.paths(elf.DT_RPATH)
	}
	if d.left < 0 {
		return Object{}, errTable
	}
	return o, nil
}

// interpreter returns the loader that a program names, "" for a library.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > maxString {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err == nil {
			name, _, _ := bytes.Cut(data, []byte{0})
			return string(name)
		}
	}
	return ""
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
