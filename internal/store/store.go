// Package store is lithe's cache on disk: blobs by digest, records by key, directories made once.
//
// What goes in is verified before it gets its name, and gets its name by a rename, so that a killed run leaves
// nothing that looks finished. Several processes share one store: blobs are immutable, records are replaced whole,
// and work that should happen once is done under a file lock. Nothing in a store is needed for correctness: it may be
// deleted at any time between runs, Prune may take parts of it at any time at all, and no plan depends on what it holds.
//
// The folders of a store, all of which are made when they are first needed:
//
//	blobs/sha256/ab/<hex>       files by digest, read-only; sha384 and sha512 hold links to them
//	records/<kind>/<key>.json   what a stage wants to know again
//	dirs/<kind>/<key>/          directories that are finished
//	partial/<name>              downloads that go on in the next run
//	tmp/<run>/                  what a run has under way; swept by a later run once that one is gone
//	locks/<kind>/<key>          held by a running process, removed with the lock
//	lock                        held while something is removed that a run might want; see Prune
//
// Digests are written as in OCI: "sha256:<hex>".
// See https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/trace"
)

// Store is a folder on disk. It may be used by several goroutines, and by several processes.
type Store struct {
	dir   string
	locks keyed         // within this process; file locks keep others out
	step  time.Duration // how exact times of use are: useStep
	trace *trace.Recorder

	shapes shapes // of the records' types

	mu    sync.Mutex
	run   *runFolder  // nil until this run looks for something or makes something
	alive atomic.Bool // live was called
}

// runFolder holds the temporary files of one Store value. Its lock says that they are still wanted, and that what this
// run found in the store is as well.
type runFolder struct {
	path string
	lock *flock.Flock
}

// Open returns the store in dir, which is made when it is missing. What dead runs left behind is removed.
func Open(dir string) (*Store, error) { return OpenTraced(dir, nil) }

// OpenTraced is Open for a run that wants to know which records were read, and how long locks were waited for.
func OpenTraced(dir string, r *trace.Recorder) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: abs, step: useStep, trace: r}
	if err := os.MkdirAll(filepath.Join(abs, "tmp"), 0o755); err != nil {
		return nil, s.explain(err)
	}
	s.sweep() // here, because every run opens the store and none has to be the tidy one
	return s, nil
}

// Path returns the absolute path of the store's folder.
func (s *Store) Path() string { return s.dir }

// Close removes the temporary files of this Store, and lets Prune have what it relied on. Without it a later Open does
// so. The Store stays usable.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return nil
	}
	err := s.run.remove()
	s.run = nil
	s.alive.Store(false)
	return err
}

// Temp returns a new empty directory on the file system of the store, and a function that removes it.
func (s *Store) Temp() (dir string, remove func(), err error) {
	run, err := s.runPath()
	if err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(run, "dir-*")
	if err != nil {
		return "", nil, s.explain(err)
	}
	return dir, func() { _ = removeAll(dir) }, nil
}

// runPath returns the folder of this run, making it when it is first asked for.
func (s *Store) runPath() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return s.run.path, nil
	}
	defer s.pass()()
	// Below the store, since a rename is atomic only within one file system.
	path, err := os.MkdirTemp(filepath.Join(s.dir, "tmp"), "run-*")
	if err != nil {
		return "", s.explain(err)
	}
	lock := flock.New(filepath.Join(path, runLock))
	if _, err := lock.TryLock(); err != nil {
		return "", s.explain(err)
	}
	s.run = &runFolder{path: path, lock: lock}
	return path, nil
}

// remove removes the folder while its lock is held, so that no sweep meets it half removed.
func (r *runFolder) remove() error {
	return errors.Join(removeAll(r.path), r.lock.Unlock())
}

// removeAll is os.RemoveAll for trees that hold directories without write permission, as images do.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// explain turns the file system's two refusals that a user can do something about into problems with a hint.
func (s *Store) explain(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR) {
		return &diag.Error{Code: "store-unwritable", What: fmt.Sprintf("the store %s cannot be written: %v", s.dir, err),
			Hint: "set LITHE_STORE to a folder that you may write to", Err: err}
	}
	return s.explainFull(err)
}

// explainFull is for errors that need not be the store's own: a full disk is the same for all who write below it.
func (s *Store) explainFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &diag.Error{Code: "store-full", What: fmt.Sprintf("the store %s has no space left", s.dir),
			Hint: "free some space, or set LITHE_STORE to a folder that has more", Err: err}
	}
	return err
}
