package store

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/lithe-build/lithe/internal/trace"
)

// lockPoll is how often a held file lock is tried again. File locks cannot be waited for with a context.
const lockPoll = 20 * time.Millisecond

// Lock waits until no other goroutine or process holds the lock of this kind and key, or until ctx ends. The lock goes
// with the process, however that ends. It is not reentrant.
func (s *Store) Lock(ctx context.Context, kind, key string) (unlock func(), err error) {
	path := s.path("locks", kind, key, "")
	defer s.waited(s.trace.Begin(trace.Lock, kind+" "+key[:min(len(key), shownKey)]))
	// First within the process, where waiting costs nothing; then one goroutine at most polls the file.
	release, err := s.locks.acquire(ctx, path)
	if err != nil {
		return nil, err
	}
	lock, err := s.lockFile(ctx, path)
	if err != nil {
		release()
		return nil, err
	}
	return sync.OnceFunc(func() {
		// Removed while held: whoever opened the file meanwhile sees that it lost its name and opens it anew.
		_ = os.Remove(path)
		_ = lock.Unlock()
		release()
	}), nil
}

const (
	// longWait is how long a lock must be waited for to be worth a word: taking a free one is faster.
	longWait = time.Millisecond
	shownKey = 19 // "sha256:" and some digits
)

// waited records that a lock was waited for.
func (s *Store) waited(span trace.Open) {
	if span.Duration() >= longWait {
		span.End()
	}
}

// lockFile locks the file that has the name path at the moment when the lock is held.
func (s *Store) lockFile(ctx context.Context, path string) (*flock.Flock, error) {
	for {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, s.explain(err)
		}
		lock := flock.New(path)
		if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
			_ = lock.Close()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, s.explain(err)
		}
		// The holder before us may have removed the file between our opening and our locking it.
		held, err := lock.Stat()
		named, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(held, named) {
			return lock, nil
		}
		_ = lock.Unlock()
	}
}

// keyed is a set of mutexes by name that can be waited for with a context. The zero value is ready to use.
type keyed struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed on release
}

// acquire waits for the name to be free. Whoever comes first after a release has it; there is no queue.
func (k *keyed) acquire(ctx context.Context, name string) (release func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		k.mu.Lock()
		busy, taken := k.held[name]
		if !taken {
			if k.held == nil {
				k.held = map[string]chan struct{}{}
			}
			done := make(chan struct{})
			k.held[name] = done
			k.mu.Unlock()
			return func() { k.release(name, done) }, nil
		}
		k.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// release wakes all who wait for the name.
func (k *keyed) release(name string, done chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, name)
	close(done)
}
