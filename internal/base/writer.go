package base

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/lithe-build/lithe/internal/entry"
)

// fileTime is the time of all files of a folder that is written here: 1980-01-02, as in layers.
var fileTime = time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)

// writer writes entries below a folder, which no path and no link leads out of.
type writer struct {
	dir  string
	root *os.Root
}

func newWriter(dir string) (*writer, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &writer{dir: dir, root: root}, err
}

func (w *writer) close() { _ = w.root.Close() }

// place is where the contents of a path are on the host.
func (w *writer) place(name string) entry.Path {
	return entry.Path(filepath.Join(w.dir, filepath.FromSlash(name)))
}

// content writes files of an archive as they come, to the path that place returns; others are passed over.
func (w *writer) content(place func(entry.Entry) (string, bool)) func(entry.Entry, io.Reader) (entry.Content, error) {
	return func(e entry.Entry, r io.Reader) (entry.Content, error) {
		name, ok := place(e)
		if !ok {
			_, err := io.Copy(io.Discard, r)
			return entry.Bytes(nil), err
		}
		return w.place(name), w.file(name, e.Mode, r)
	}
}

// all writes entries. Those whose contents are at their place already are there.
func (w *writer) all(entries []entry.Entry) error {
	for _, e := range entries {
		if err := w.entry(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) entry(e entry.Entry) error {
	switch e.Type {
	case entry.Dir:
		if err := w.folder(e.Path); err != nil {
			return err
		}
		return w.root.Chmod(e.Path, e.Mode)
	case entry.Symlink:
		if err := w.clear(e.Path); err != nil {
			return err
		}
		return w.root.Symlink(e.Link, e.Path)
	}
	if e.Content == w.place(e.Path) {
		return nil
	}
	r, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return w.file(e.Path, e.Mode, r)
}

// file writes a file in the place of whatever was there.
func (w *writer) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := w.clear(name); err != nil {
		return err
	}
	f, err := w.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return w.root.Chtimes(name, fileTime, fileTime)
}

// clear makes the folders above a path, and removes a file or link at it.
func (w *writer) clear(name string) error {
	if err := w.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// folder makes a folder and those above it, with a mode that the umask of who runs lithe does not change: another user reads
// them.
func (w *writer) folder(name string) error {
	switch err := w.root.Mkdir(name, 0o755); {
	case err == nil:
		return w.root.Chmod(name, 0o755)
	case errors.Is(err, fs.ErrNotExist):
		if err := w.folder(path.Dir(name)); err != nil {
			return err
		}
		return w.folder(name)
	case errors.Is(err, fs.ErrExist):
		info, statErr := w.root.Stat(name)
		if statErr == nil && info.IsDir() {
			return nil
		}
		return err
	default:
		return err
	}
}
