package base

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/lithe-build/lithe/internal/debian/compressed"
	contentsfile "github.com/lithe-build/lithe/internal/debian/contents"
	"github.com/lithe-build/lithe/internal/debian/release"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// Caps on a Contents index. It is larger than all others together, so that only what names a library is kept of it.
const (
	maxContents  = 2 << 30 // bytes, uncompressed; trixie's main has 170 MB for amd64
	maxLibraries = 1 << 18 // rows that are kept; trixie has 14,000
	maxKept      = 64 << 20
)

// ErrNoContents is returned where a base cannot tell which package has a file.
var ErrNoContents = errors.New("has no index of files")

// Providers returns the Debian package that has each library, by soname, as far as the suite of a base has one. The package
// that has the name which Debian's policy asks for is looked into first, then those of the builder, if there is one: what
// was linked there was linked with them. Of the rest the suite's Contents index says which package has it, of which the store
// keeps a form of its own. What is found is returned beside an error.
func Providers(ctx context.Context, client *fetch.Client, opt Options, platform string, builder *Builder, sonames []string) (map[string]string, error) {
	su, err := suiteOf(opt.Name)
	if err != nil {
		return nil, err
	}
	arch, err := architecture(platform)
	if err != nil {
		return nil, err
	}
	archives, releases, err := openArchives(ctx, client, su, opt, serialized(nil))
	if err != nil {
		return nil, err
	}
	c, err := readCatalogue(ctx, archives, arch)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	sonames = slices.Compact(slices.Sorted(slices.Values(sonames))) // several distributions may need one
	for _, name := range sonames {
		if found[name], err = c.namedAfter(ctx, client, opt, arch, name, newest(releases)); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(found, func(_, pkg string) bool { return pkg == "" })
	if err := c.inBuilder(ctx, client, opt, arch, builder, sonames, found); err != nil {
		return nil, err
	}
	if len(found) == len(sonames) {
		return found, nil
	}
	// Files of the suite itself: updates and security fixes bring newer versions of the same libraries.
	rows, err := archives[0].libraries(ctx, arch)
	for _, name := range sonames {
		if pkg, ok := rows[name]; ok && found[name] == "" {
			found[name] = pkg
		}
	}
	return found, err
}

// contents returns the suite's index of files.
func (s *suiteReader) contents(arch string) (release.Index, error) {
	index, ok := s.release.Contents(component, arch)
	if !ok {
		return index, s.named(ErrNoContents)
	}
	return index, nil
}

// readContents reads a verified Contents index: of the paths that are wanted, each with its packages.
func (s *suiteReader) readContents(ctx context.Context, index release.Index, want func(path []byte) bool, found func(path string, packages []string) error) error {
	file, err := s.client.Blob(ctx, s.request(index), nil)
	if err != nil {
		return fmt.Errorf("file %s of %s: %w", index.Path, s.suite, err)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	name := s.suite + "/" + index.Path
	r, err := compressed.NewReader(f, name, maxContents)
	if err != nil {
		return err
	}
	defer r.Close()
	return contentsfile.Read(r, name, want, found)
}

// libraries returns the package of every library of the suite in the loader's folders.
func (s *suiteReader) libraries(ctx context.Context, arch string) (map[string]string, error) {
	index, err := s.contents(arch)
	if err != nil {
		return nil, err
	}
	st := s.client.Store()
	if rows, ok := loadLibraries(st, index.Hash); ok {
		return rows, nil
	}
	rows := map[string]string{}
	want := func(path []byte) bool {
		return bytes.Contains(path, []byte(".so")) && librarySoname(string(path), arch) != ""
	}
	err = s.readContents(ctx, index, want, func(path string, packages []string) error {
		if len(rows) == maxLibraries {
			return fmt.Errorf("more than %d libraries", maxLibraries)
		}
		soname := librarySoname(path, arch)
		if known := rows[soname]; known != "" {
			packages = append(packages, known)
		}
		rows[soname] = bestProvider(packages)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, saveLibraries(st, index.Hash, rows)
}

// triplets are the names of Debian's folders for libraries.
var triplets = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

// alternatives are the folders whose libraries Debian's alternatives put into the loader's.
var alternatives = []string{"atlas", "blas", "lapack", "blis-openmp", "openblas-pthread"}

// librarySoname returns the name of a library that the loader finds at a path, "" for any other file.
func librarySoname(path, arch string) string {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(path, "usr/"), "lib/")
	if !ok {
		return ""
	}
	rest = strings.TrimPrefix(rest, triplets[arch]+"/")
	if dir, name, ok := strings.Cut(rest, "/"); ok && slices.Contains(alternatives, dir) {
		rest = name
	}
	if strings.Contains(rest, "/") || !strings.Contains(rest, ".so") {
		return ""
	}
	return rest
}

// bestProvider picks one of the packages that have a library: the shortest name, since variants append to it.
func bestProvider(packages []string) string {
	return slices.MinFunc(packages, func(a, b string) int {
		return cmp.Or(cmp.Compare(isVariant(a), isVariant(b)), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}

// isVariant returns 1 for packages that are there to build or to debug.
func isVariant(name string) int {
	if strings.HasSuffix(name, "-dev") || strings.HasSuffix(name, "-dbg") || strings.HasSuffix(name, "-cross") {
		return 1
	}
	return 0
}

// contentsKind and contentsFormat name the records that lead from a Contents file's hash to the rows that are kept.
const (
	contentsKind   = "debian-libraries"
	contentsFormat = 1
)

// contentsKey is what the rows are a function of.
type contentsKey struct {
	Contents string // digest of the file, which is of one architecture
	Format   int
}

// loadLibraries returns the rows of a Contents file, if the store has them. Any trouble counts as absence.
func loadLibraries(st *store.Store, digest string) (map[string]string, bool) {
	var record indexRecord
	if ok, err := st.Record(contentsKind, store.Key(contentsKey{digest, contentsFormat}), &record); !ok || err != nil {
		return nil, false
	}
	path, ok := st.Blob(record.Blob)
	if !ok {
		return nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, false
	}
	defer z.Close()
	data, err := io.ReadAll(io.LimitReader(z, maxKept))
	if err != nil {
		return nil, false
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(data)) {
		soname, pkg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		rows[soname] = pkg
	}
	return rows, true
}

// saveLibraries puts the rows into the store, a line each.
func saveLibraries(st *store.Store, digest string, rows map[string]string) error {
	w, err := st.Create()
	if err != nil {
		return err
	}
	defer w.Abort()
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	for _, soname := range slices.Sorted(maps.Keys(rows)) {
		if _, err := fmt.Fprintf(z, "%s\t%s\n", soname, rows[soname]); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	blob, err := w.Commit("")
	if err != nil {
		return err
	}
	return st.PutRecord(contentsKind, store.Key(contentsKey{digest, contentsFormat}), indexRecord{Blob: blob})
}
