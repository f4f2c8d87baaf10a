package base

import (
	"bytes"
	"debug/elf"
	"path"
	"slices"

	"github.com/lithe-build/lithe/internal/elffile"
	"github.com/lithe-build/lithe/internal/entry"
)

// restored returns files of base packages that pruning took and system packages need: all of a package that the project
// names, libraries that their programs link to, and the character sets of iconv where one of them calls it.
func (s *systemMaker) restored() []entry.Entry {
	var out []entry.Entry
	for _, u := range s.ground {
		named := func(w Want) bool { return w.Name == u.pin.Name }
		if slices.ContainsFunc(s.wants, named) {
			out = append(out, u.pruned...)
		}
	}
	needed, iconv := map[string]bool{}, false
	look := func(e entry.Entry) {
		libraries, calls := linked(e)
		for _, l := range libraries {
			needed[l] = true
		}
		iconv = iconv || calls
	}
	for _, u := range s.added {
		for _, e := range u.entries {
			look(e)
		}
	}
	for grown := true; grown; { // what is restored has needs of its own
		grown = false
		for _, e := range s.missing(needed, iconv, out) {
			out = append(out, e)
			look(e)
			grown = true
		}
	}
	return out
}

// missing returns pruned files that are needed and not among those restored already.
func (s *systemMaker) missing(needed map[string]bool, iconv bool, restored []entry.Entry) []entry.Entry {
	var out []entry.Entry
	for _, u := range s.ground {
		for _, e := range u.pruned {
			dir := path.Base(path.Dir(e.Path))
			wanted := needed[path.Base(e.Path)] || iconv && dir == "gconv"
			if e.Type != entry.Dir && wanted && !slices.ContainsFunc(restored, func(r entry.Entry) bool { return r.Path == e.Path }) {
				out = append(out, e)
			}
			// The library behind a link by its soname.
			if e.Type == entry.Symlink && needed[path.Base(e.Path)] {
				needed[path.Base(e.Link)] = true
			}
		}
	}
	return out
}

// maxObject is the largest file whose needs are looked at; libLLVM has 150 MB.
const maxObject = 1 << 30

// linked returns the libraries that an ELF file names, and whether it calls iconv. Another file names none. The package
// debug/elf may panic on hostile files; one that makes it do so has no needs that the loader could read.
func linked(e entry.Entry) (libraries []string, iconv bool) {
	defer func() {
		if recover() != nil {
			libraries, iconv = nil, false
		}
	}()
	if e.Type != entry.File || e.Size > maxObject || e.Size < 64 {
		return nil, false
	}
	data, err := e.Read()
	if err != nil || !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, false
	}
	f, err := elffile.Open(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	if libraries, err = elffile.Needed(f); err != nil {
		return nil, false
	}
	err = elffile.Symbols(f, func(s elffile.Symbol) bool {
		iconv = s.Imported() && bytes.HasPrefix(s.Name, []byte("iconv_open"))
		return !iconv
	})
	return libraries, iconv && err == nil
}
