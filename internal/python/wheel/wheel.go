package wheel

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Wheel is a checked built distribution.
type Wheel struct {
	Name     string // as METADATA spells it
	Version  string // as METADATA spells it
	Files    []File // every file of the archive, sorted by path, RECORD included
	Metadata Metadata
	Scripts  []EntryPoint   // console_scripts and gui_scripts, as entry_points.txt has them
	Tags     []wheeltag.Tag // as WHEEL lists them, expanded
	Purelib  bool           // Root-Is-Purelib; without effect, since an image has one site-packages
	Warnings diag.List      // odd, but no reason to stop

	file     string // name for messages: the archive's file name, or the distribution's
	distInfo string // "evil-1.0.dist-info"
	dataDir  string // "evil-1.0.data", whether or not there is one

	path      string     // of the archive
	inflaters *inflaters // of the archive
	promised  []promised // what is compared with RECORD when it is read
}

// File is one file of a wheel.
type File struct {
	Path       string // in the archive: slash-separated, relative, clean
	Executable bool
	Size       int64
	Content    entry.Content // entry.Deflated where the archive holds one deflate stream
	SHA256     [32]byte
}

// Caps for the small files that are read whole.
const (
	maxMetadata    = 4 << 20  // METADATA holds a README; PyPI's largest are some hundred kB
	maxWheelFile   = 64 << 10 // WHEEL is ten lines; a thousand tags would still fit
	maxRecord      = 64 << 20 // RECORD: about 100 bytes a file, and maxMembers files
	maxEntryPoints = 1 << 20  // entry_points.txt: the largest known are some ten kB
	maxPth         = 1 << 20  // a .pth file is a few lines
)

// New checks files that are not in an archive, such as those a build backend made, and returns their Wheel.
// File.SHA256 is taken as true; contents other than the metadata's are not read.
func New(files []File) (*Wheel, error) {
	w := &Wheel{Files: slices.Clone(files)}
	if err := w.check(wheeltag.Filename{}); err != nil {
		return nil, err
	}
	rows, err := w.readRecord()
	if err != nil {
		return nil, err
	}
	for _, f := range w.Files {
		if row, ok := rows[f.Path]; ok {
			if err := row.check(digests{size: f.Size, sha256: f.SHA256[:]}); err != nil {
				return nil, w.errorf("RECORD: %s: %w", f.Path, err)
			}
		}
	}
	return w, nil
}

// check does all that needs no contents but the metadata's: names, .dist-info, METADATA, WHEEL and entry points.
func (w *Wheel) check(want wheeltag.Filename) error {
	slices.SortFunc(w.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if err := w.checkPaths(); err != nil {
		return err
	}
	if err := w.findDistInfo(want); err != nil {
		return err
	}
	for _, step := range []func() error{w.readMetadata, w.readWheelFile, w.readEntryPoints, w.reportPth} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := w.checkIdentity(want); err != nil {
		return err
	}
	w.compareTags(want)
	return nil
}

// findDistInfo finds the one .dist-info directory. Its name must be the distribution's: a wheel that brings the
// metadata of another project would overwrite it.
func (w *Wheel) findDistInfo(want wheeltag.Filename) error {
	for _, f := range w.Files {
		dir, _, nested := strings.Cut(f.Path, "/")
		if !nested || !strings.HasSuffix(dir, ".dist-info") || dir == w.distInfo {
			continue
		}
		if w.distInfo != "" {
			return w.errorf("two .dist-info directories: %s and %s", w.distInfo, dir)
		}
		w.distInfo = dir
	}
	stem := strings.TrimSuffix(w.distInfo, ".dist-info")
	dash := strings.LastIndexByte(stem, '-')
	if dash < 1 {
		return w.errorf("no .dist-info directory")
	}
	if want.Name == "" {
		w.file = stem
	} else if name.Normalize(stem[:dash]) != name.Normalize(want.Name) || !sameVersion(stem[dash+1:], want.Version) {
		return w.errorf("%s is the .dist-info directory of another distribution", w.distInfo)
	}
	w.dataDir = stem + ".data"
	return nil
}

// checkIdentity compares METADATA with the file name and the .dist-info directory.
func (w *Wheel) checkIdentity(want wheeltag.Filename) error {
	stem := strings.TrimSuffix(w.distInfo, ".dist-info")
	dash := strings.LastIndexByte(stem, '-')
	if name.Normalize(stem[:dash]) != name.Normalize(w.Name) {
		return w.errorf("METADATA is of %q, the .dist-info directory is %s", w.Name, w.distInfo)
	}
	v, err := version.Parse(w.Version)
	if err != nil {
		return w.errorf("METADATA: %w", err)
	}
	if !sameVersion(stem[dash+1:], v) {
		return w.errorf("METADATA has version %q, the .dist-info directory is %s", w.Version, w.distInfo)
	}
	return nil
}

// compareTags warns when WHEEL and the file name promise different things: the file name is what was selected by.
func (w *Wheel) compareTags(want wheeltag.Filename) {
	for _, tag := range want.Tags {
		if !slices.Contains(w.Tags, tag) {
			w.warnf("tags-differ", "WHEEL does not list the file name's tag %s", tag)
			return
		}
	}
}

// sameVersion reports whether text is v, after normalization.
func sameVersion(text string, v version.Version) bool {
	// Escaping of file names turns the dash of local versions into an underscore, which PEP 440 reads the same.
	got, err := version.Parse(text)
	return err == nil && got.Compare(v) == 0
}

// find returns the file at path.
func (w *Wheel) find(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(w.Files, path, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return w.Files[i], true
}

// read returns the whole of a small file, and whether there is one.
func (w *Wheel) read(path string, most int64) ([]byte, bool, error) {
	f, ok := w.find(path)
	if !ok {
		return nil, false, nil
	}
	if f.Size > most {
		return nil, false, w.errorf("%s: %d bytes are more than the %d that lithe reads", path, f.Size, most)
	}
	r, err := f.Content.Open()
	if err != nil {
		return nil, false, w.errorf("%s: %w", path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, false, w.errorf("%s: %w", path, err)
	}
	if int64(len(data)) != f.Size {
		return nil, false, w.errorf("%s: holds %d bytes, %d are declared", path, len(data), f.Size)
	}
	return data, true, nil
}

// errorf makes the one kind of error that this package has.
func (w *Wheel) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &diag.Error{Pos: diag.Position{File: w.file}, Code: "bad-wheel", What: err.Error(), Err: err}
}

// warnf notes what is odd but legal.
func (w *Wheel) warnf(code, format string, args ...any) {
	w.Warnings.Addf(diag.Position{File: w.file}, code, format, args...)
}
