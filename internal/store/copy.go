package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Link gives a blob another name outside of the store, without a copy where the file system allows. The file is
// read-only and shares its bytes with the store, so use it only for files that nobody will change.
func (s *Store) Link(digest, path string) error {
	blob, ok := s.Blob(digest)
	if !ok {
		return fmt.Errorf("%s: %w", clip(digest), os.ErrNotExist)
	}
	if real, err := filepath.EvalSymlinks(blob); err == nil { // an alias: link what it points to
		blob = real
	}
	if err := os.Link(blob, path); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return s.CopyTo(digest, path)
}

// CopyTo writes a copy of a blob to path, which must not exist or is replaced whole. The copy shares blocks with the
// store where the file system can.
func (s *Store) CopyTo(digest, path string) error {
	blob, ok := s.Blob(digest)
	if !ok {
		return fmt.Errorf("%s: %w", clip(digest), os.ErrNotExist)
	}
	from, err := os.Open(blob)
	if err != nil {
		return err
	}
	defer from.Close()
	return Replace(path, from)
}

// Replace writes a file of the user's, outside of the store, whole or not at all.
func Replace(path string, from io.Reader) error {
	to, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // gone after the rename
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return err
	}
	// A temporary file is its owner's alone; this one belongs beside the user's others.
	if err := errors.Join(to.Chmod(0o644), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), path)
}
