package store

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Dir returns the directory of this kind and key. The first caller makes it: fill gets an empty directory, which
// becomes the finished one when fill returns nil, and is removed otherwise. Others wait, in this process and others.
// A finished directory is not to be changed.
func (s *Store) Dir(ctx context.Context, kind, key string, fill func(dir string) error) (string, error) {
	path := s.path("dirs", kind, key, "")
	s.live()
	if s.isDir(path) {
		return path, nil
	}
	unlock, err := s.Lock(ctx, "dir-"+kind, key)
	if err != nil {
		return "", err
	}
	defer unlock()
	if s.isDir(path) { // made while we waited
		return path, nil
	}
	temp, remove, err := s.Temp()
	if err != nil {
		return "", err
	}
	defer remove() // finds nothing after the rename
	dir := filepath.Join(temp, "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", s.explain(err)
	}
	if err := fill(dir); err != nil {
		return "", s.explainFull(err)
	}
	// A directory that its owner may not write cannot change its parent.
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", s.explain(err)
	}
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil { // fill may have given it the time that an archive says
		return "", s.explain(err)
	}
	return path, s.rename(dir, path)
}

// DirPath returns where Dir puts the directory of this kind and key, whether or not it is there. It does not count as use.
func (s *Store) DirPath(kind, key string) string { return s.path("dirs", kind, key, "") }

// HasDir reports whether Dir has made the directory of this kind and key.
func (s *Store) HasDir(kind, key string) bool {
	s.live()
	return s.isDir(s.path("dirs", kind, key, ""))
}

// isDir does not follow links: what is finished is a directory of ours.
func (s *Store) isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir() && s.used(path, info.ModTime())
}
