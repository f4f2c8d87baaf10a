package pep517

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Format changes when the same sources may come out as another wheel, because this package builds or writes otherwise.
const Format = 1

// Wanted is what a wheel must be.
type Wanted struct {
	Name    string           // normalised; "" where any will do
	Version *version.Version // nil where any will do
	Tags    wheeltag.Set     // that run on the target
}

// Check opens a wheel that a backend made, verifies it against its RECORD, and compares it with what was asked for. The
// error is a *Failure.
func Check(path string, want Wanted) (*wheel.Wheel, error) {
	file := path[strings.LastIndexAny(path, `/\`)+1:]
	wrong := func(format string, args ...any) error {
		return &Failure{What: fmt.Sprintf("the wheel %s that the build made ", file) + fmt.Sprintf(format, args...)}
	}
	filename, err := wheeltag.ParseFilename(file)
	if err != nil {
		return nil, wrong("has no valid name: %v", err)
	}
	if got := name.Normalize(filename.Name); want.Name != "" && got != want.Name {
		return nil, wrong("is one of %s", got)
	}
	if want.Version != nil && !filename.Version.Equal(*want.Version) {
		return nil, wrong("is of version %s, and %s is locked", filename.Version, want.Version)
	}
	if _, ok := want.Tags.Rank(filename.Tags); !ok {
		return nil, wrong("does not run on the target: it is for %s", filename.Tags[0])
	}
	w, err := wheel.Open(path, filename)
	if err != nil {
		return nil, wrong("is broken: %v", err)
	}
	return w, nil
}

// Normalise writes the files of a wheel as a new archive: sorted, with one date, two modes, and not compressed. The order in
// which a backend found files, and what its clock and its zlib did, are gone from it. Layers compress anyway.
func Normalise(w *wheel.Wheel, to io.Writer) error {
	zw := zip.NewWriter(to)
	for _, f := range w.Files {
		if err := addFile(zw, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return zw.Close()
}

func addFile(zw *zip.Writer, f wheel.File) error {
	const firstDate = 1<<5 | 2                                                                             // MS-DOS: 2 January 1980
	h := &zip.FileHeader{Name: f.Path, Method: zip.Store, ModifiedDate: firstDate, CreatorVersion: 3 << 8} // made on Unix, or modes mean nothing
	mode := uint32(0o100644)
	if f.Executable {
		mode = 0o100755
	}
	h.ExternalAttrs = mode << 16
	open := f.Content.Open
	if strings.HasSuffix(f.Path, ".dist-info/RECORD") {
		sorted, err := sortedLines(f)
		if err != nil {
			return err
		}
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sorted)), nil }
	}
	if strings.IndexFunc(f.Path, func(r rune) bool { return r > 0x7e }) >= 0 {
		h.Flags |= 0x800 // the name is UTF-8
	}
	sum := crc32.NewIEEE()
	n, err := copyAll(sum, open)
	if err != nil {
		return err
	}
	h.CRC32, h.CompressedSize64, h.UncompressedSize64 = sum.Sum32(), uint64(n), uint64(n) //nolint:gosec // lengths are not negative
	out, err := zw.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = copyAll(out, open)
	return err
}

func copyAll(to io.Writer, open func() (io.ReadCloser, error)) (int64, error) {
	from, err := open()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	return io.Copy(to, from)
}

// sortedLines returns RECORD, which package wheel has read and bounded, in an order that no file system decides.
func sortedLines(f wheel.File) ([]byte, error) {
	var b bytes.Buffer
	if _, err := copyAll(&b, f.Content.Open); err != nil {
		return nil, err
	}
	lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
	lines = slices.DeleteFunc(lines, func(line []byte) bool { return len(line) == 0 })
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil), nil
}
