package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Resume returns a Writer that goes on where an earlier one of the same name was suspended or killed; Size says where.
// The caller holds a Lock for the name. Nothing but the digest at the end vouches for the bytes that are there.
func (s *Store) Resume(name string, extra ...string) (*Writer, error) {
	path := s.path("partial", "files", name, "")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, s.explain(err)
	}
	f, err := s.openPartial(path)
	if err != nil {
		return nil, s.explain(err)
	}
	w, err := newWriter(s, f, extra)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if w.size, err = io.Copy(w.hashes(), f); err != nil {
		return nil, errors.Join(s.explain(err), f.Close())
	}
	return w, nil
}

// openPartial opens the file and keeps it from being swept or pruned between that and the first byte.
func (s *Store) openPartial(path string) (*os.File, error) {
	s.live()
	defer s.pass()()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	now := time.Now()
	_ = os.Chtimes(path, now, now) // not being allowed to is harmless
	return f, err
}

// Suspend keeps what was written for a later Resume. After Commit it does nothing.
func (w *Writer) Suspend() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return w.store.explain(err)
}

// Reset starts over with no bytes.
func (w *Writer) Reset() error {
	if w.file == nil {
		return os.ErrClosed
	}
	if err := w.file.Truncate(0); err != nil {
		return w.store.explain(err)
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w.size = 0 // and the hashes, which have seen the bytes that are gone
	w.sum.Reset()
	for _, x := range w.extra {
		x.sum.Reset()
	}
	return nil
}

// hashes takes bytes that are in the file already.
func (w *Writer) hashes() io.Writer {
	all := []io.Writer{w.sum}
	for _, x := range w.extra {
		all = append(all, x.sum)
	}
	return io.MultiWriter(all...)
}
