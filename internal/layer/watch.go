package layer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lithe-build/lithe/internal/entry"
)

// watcher collects what the loader would see of entries while they are written, so that nothing is read for it alone. Nil
// watches nothing.
type watcher struct {
	collector *collector
	owners    map[string]string // distributions by path; may be nil
	tmp       scratch

	file    entry.Entry // under way
	kind    watchKind
	kept    bytes.Buffer // its first bytes, or all of them
	spooled *os.File     // its bytes, where they are too many for memory
	remove  func()
}

// watchKind is what is to be found out about a file.
type watchKind int

const (
	watchNothing watchKind = iota // it is known already
	watchStart                    // whether it is an object
	watchAll                      // what is in it
)

func newWatcher(owners map[string]string, tmp scratch) *watcher {
	return &watcher{collector: newCollector(), owners: owners, tmp: tmp}
}

// begin starts an entry. The bytes of a file come by Write, and end ends it.
func (w *watcher) begin(e entry.Entry) {
	if w == nil {
		return
	}
	w.file, w.kind = e, watchNothing
	w.kept.Reset()
	switch {
	case e.Type == entry.Symlink:
		w.collector.link(e.Path, e.Link)
	case e.Type != entry.File:
	case isSearch(e.Path) && e.Size <= maxSearch:
		w.kind = watchAll
	case e.Size < minObject:
		w.collector.other(e.Path)
	default:
		w.kind = watchStart
	}
}

// Write looks at bytes of the file.
func (w *watcher) Write(p []byte) (int, error) {
	if w == nil || w.kind == watchNothing {
		return len(p), nil
	}
	if w.spooled != nil {
		return w.spooled.Write(p)
	}
	if w.kind == watchAll {
		return w.kept.Write(p)
	}
	missing := max(len(elfMagic)-w.kept.Len(), 0)
	w.kept.Write(p[:min(missing, len(p))])
	if w.kept.Len() < len(elfMagic) {
		return len(p), nil
	}
	if w.kept.String() != elfMagic {
		w.kind = watchNothing
		w.collector.other(w.file.Path)
		return len(p), nil
	}
	w.kind = watchAll
	if err := w.spool(); err != nil {
		return 0, err
	}
	if _, err := w.Write(p[min(missing, len(p)):]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// spool makes room for an object: in memory, or in a file for a large one.
func (w *watcher) spool() error {
	if w.file.Size <= maxMemory {
		w.kept.Grow(int(w.file.Size))
		return nil
	}
	dir, remove, err := w.tmp()
	if err != nil {
		return err
	}
	if w.spooled, err = os.Create(filepath.Join(dir, "object")); err != nil {
		remove()
		return err
	}
	w.remove = remove
	_, err = w.spooled.Write(w.kept.Bytes())
	return err
}

// end takes what the file turned out to be.
func (w *watcher) end() error {
	if w == nil || w.kind != watchAll {
		return nil
	}
	defer w.discard()
	if isSearch(w.file.Path) && w.file.Size <= maxSearch {
		w.collector.Search = append(w.collector.Search, Search{Path: w.file.Path, Text: w.kept.String()})
		return nil
	}
	at := io.ReaderAt(w.spooled)
	if w.spooled == nil {
		at = bytes.NewReader(w.kept.Bytes())
	}
	o, ok := parse(w.file.Path, at)
	if !ok {
		w.collector.other(w.file.Path)
		return nil
	}
	o.Package = w.owners[w.file.Path]
	w.collector.object(o)
	return w.collector.full()
}

// discard removes the file of a large object.
func (w *watcher) discard() {
	if w == nil {
		return
	}
	if w.spooled != nil {
		_ = w.spooled.Close()
		w.remove()
	}
	w.spooled, w.kind = nil, watchNothing
}

// watched returns a reader whose bytes the watcher sees.
func (w *watcher) watched(r io.Reader) io.Reader {
	if w == nil || w.kind == watchNothing {
		return r
	}
	return &watchedReader{r, w}
}

type watchedReader struct {
	io.Reader
	w *watcher
}

// Read reads on; what is read past the end of the entry is an error of whoever reads.
func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if _, failed := r.w.Write(p[:n]); failed != nil {
		return 0, fmt.Errorf("keeping an object to look at it: %w", failed)
	}
	return n, err
}
