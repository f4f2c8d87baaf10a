package layer

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

const (
	minObject = 64       // bytes of an ELF header
	maxMemory = 32 << 20 // bytes; larger objects are read from a temporary file
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

// objects reads the dynamic sections of all ELF files.
func objects(ctx context.Context, sorted []entry.Entry) ([]Object, error) {
	var out []Object
	for _, e := range sorted {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.Type != entry.File || e.Size < minObject {
			continue
		}
		o, ok, err := object(e)
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
func object(e entry.Entry) (Object, bool, error) {
	r, err := e.Content.Open()
	if err != nil {
		return Object{}, false, err
	}
	defer r.Close()
	magic := make([]byte, len(elfMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != elfMagic {
		return Object{}, false, err
	}
	at, remove, err := spool(io.MultiReader(bytes.NewReader(magic), r), e.Size)
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
	return describe(path, f), true
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
func spool(r io.Reader, size int64) (at io.ReaderAt, remove func(), err error) {
	if size <= maxMemory {
		data := make([]byte, size)
		_, err := io.ReadFull(r, data)
		return bytes.NewReader(data), func() {}, err
	}
	f, err := os.CreateTemp("", "lithe-object-*")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { f.Close(); os.Remove(f.Name()) }
	if _, err := io.CopyN(f, r, size); err != nil {
		remove()
		return nil, nil, err
	}
	return f, remove, nil
}

// describe reads the dynamic section. A file without one, such as a static program, needs nothing.
func describe(path string, f *elf.File) Object {
	o := Object{Path: path, Machine: f.Machine.String()}
	o.Needed, _ = f.ImportedLibraries()
	if names, _ := f.DynString(elf.DT_SONAME); len(names) > 0 {
		o.Soname = names[0]
	}
	o.Runpath = paths(f, elf.DT_RUNPATH)
	if o.Runpath == nil {
		o.Runpath = paths(f, elf.DT_RPATH)
	}
	needs, _ := f.DynamicVersionNeeds()
	for _, n := range needs {
		for _, v := range n.Needs {
			// A weak need does not stop the loader.
			if v.Flags&elf.VER_FLG_WEAK == 0 {
				o.Requires = append(o.Requires, n.Name+" "+v.Dep)
			}
		}
	}
	slices.Sort(o.Requires)
	versions, _ := f.DynamicVersions()
	for _, v := range versions {
		if v.Flags&elf.VER_FLG_BASE == 0 {
			o.Provides = append(o.Provides, v.Name)
		}
	}
	slices.Sort(o.Provides)
	return o
}

// paths splits the search paths of a tag.
func paths(f *elf.File, tag elf.DynTag) []string {
	var out []string
	lists, _ := f.DynString(tag)
	for _, list := range lists {
		out = append(out, strings.Split(list, ":")...)
	}
	return out
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
