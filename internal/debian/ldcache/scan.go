package ldcache

import (
	"debug/elf"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// maxLibrary is the largest file that is read; libLLVM, about the largest there is, has 150 MB.
const maxLibrary = 1 << 30

// architectures is what Debian's ldconfig is built for.
var architectures = map[string]struct {
	machine elf.Machine
	triplet string
}{
	"amd64": {elf.EM_X86_64, "x86_64-linux-gnu"},
	"arm64": {elf.EM_AARCH64, "aarch64-linux-gnu"},
}

// Result is what Scan finds.
type Result struct {
	Libraries []Library     // for Build, in the order in which the loader prefers them
	Links     []entry.Entry // symbolic links by soname that ldconfig would make and that are not among the entries
}

// Scan finds the libraries among the entries of a whole image of one architecture. The cache names a library by its
// soname, so an image needs Links beside the cache.
func Scan(entries []entry.Entry, architecture string) (Result, error) {
	arch, ok := architectures[architecture]
	if !ok {
		return Result{}, fmt.Errorf("architecture %q has no ld.so.cache that we can write", architecture)
	}
	t := newTree(entries)
	folders, err := t.folders(arch.triplet)
	if err != nil {
		return Result{}, err
	}
	s := scanner{tree: t, machine: arch.machine, known: map[string]*string{}}
	var result Result
	for _, folder := range folders {
		if err := s.folder(folder, &result); err != nil {
			return Result{}, err
		}
	}
	slices.SortFunc(result.Links, entry.Compare)
	return result, nil
}

// scanner reads ELF files, each once: a library is often found under two or three names.
type scanner struct {
	tree    *tree
	machine elf.Machine
	known   map[string]*string // real path → soname; nil for what is no library
}

// candidate is the best file so far for one name in one folder.
type candidate struct {
	file   string // its own name
	isLink bool
}

// folder adds the libraries of one folder.
func (s *scanner) folder(f folder, result *Result) error {
	// One row a name: ldconfig keeps its candidates per folder, and the same name in a later folder is a second row.
	found := map[string]candidate{}
	for _, name := range s.tree.children[f.real] {
		if !isLibraryName(name) {
			continue
		}
		soname, isLink, err := s.look(f, name)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", f.path, name, err)
		}
		if soname == "" {
			continue
		}
		// Files come before links, and then higher versions before lower ones.
		old, ok := found[soname]
		if !ok || old.isLink && !isLink || old.isLink == isLink && compareNames(old.file, name) < 0 {
			found[soname] = candidate{name, isLink}
		}
	}
	// ldconfig adds them in the order of its list, which only shows between names that compare as equal.
	sonames := make([]string, 0, len(found))
	for soname := range found {
		sonames = append(sonames, soname)
	}
	slices.Sort(sonames)
	for _, soname := range sonames {
		result.Libraries = append(result.Libraries, Library{Name: soname, Path: f.path + "/" + soname})
		if c := found[soname]; !c.isLink && s.needsLink(f, c.file, soname) {
			result.Links = append(result.Links, entry.NewSymlink(f.real+"/"+soname, c.file))
		}
	}
	return nil
}

// look returns the name under which a file of the folder enters the cache, "" if it does not.
func (s *scanner) look(f folder, name string) (soname string, isLink bool, err error) {
	real, e, ok := s.tree.resolve(f.real + "/" + name)
	if !ok || e.Type != entry.File {
		return "", false, nil
	}
	isLink = s.tree.entries[f.real+"/"+name].Type == entry.Symlink
	known, ok := s.known[real]
	if !ok {
		if known, err = s.soname(e); err != nil {
			return "", false, err
		}
		s.known[real] = known
	}
	if known == nil {
		return "", false, nil
	}
	soname = *known
	if soname == "" {
		return name, isLink, nil
	}
	// A link counts as one only if it is named as the library names itself, or is the compiler's "libx.so"; any other
	// is taken for a copy of the library.
	if isLink && name != soname && !(strings.HasSuffix(name, ".so") && strings.HasPrefix(soname, name)) {
		isLink = false
	}
	if isLink {
		return name, true, nil
	}
	return soname, false, nil
}

// soname reads the file; nil when it is no library of the architecture.
func (s *scanner) soname(e entry.Entry) (*string, error) {
	data, err := contents(e)
	if err != nil {
		return nil, err
	}
	soname, machine, ok := inspect(data)
	if !ok || machine != s.machine || strings.Contains(soname, "/") || soname != "" && !validName(soname) {
		return nil, nil
	}
	return &soname, nil
}

func contents(e entry.Entry) ([]byte, error) {
	// Contents of packages are mostly in memory: no copy.
	if b, ok := e.Content.(entry.Bytes); ok {
		return b, nil
	}
	if e.Size > maxLibrary {
		return nil, fmt.Errorf("has more than %d bytes", maxLibrary)
	}
	r, err := e.Content.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxLibrary))
}

// needsLink reports whether ldconfig would link soname to file: it is not there, or links to something else. The
// loader itself is never linked over.
func (s *scanner) needsLink(f folder, file, soname string) bool {
	if file == soname || strings.HasPrefix(file, "ld-") || strings.HasPrefix(file, "ld.so") {
		return false
	}
	// A file in the link's place is left alone.
	there, ok := s.tree.entries[f.real+"/"+soname]
	if ok && there.Type != entry.Symlink {
		return false
	}
	wanted, _, _ := s.tree.resolve(f.real + "/" + file)
	real, _, exists := s.tree.resolve(f.real + "/" + soname)
	return !exists || real != wanted
}

// isLibraryName reports whether ldconfig opens a file of this name.
func isLibraryName(name string) bool {
	if strings.HasPrefix(name, "ld.so.") || strings.HasPrefix(name, "ld64.so.") {
		return true
	}
	// What prelink leaves behind when it is interrupted.
	if path.Ext(name) == ".#prelink#" {
		return false
	}
	return (strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "ld-")) && strings.Contains(name, ".so")
}
