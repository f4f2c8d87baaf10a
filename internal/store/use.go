package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Pruning beside running builds rests on three things. A run has a folder below tmp, whose lock says that it lives and
// since when. Before a run relies on anything, that thing's time of last change is no more than useStep old, or the run
// renews it. And renewing, like making the folder, happens with the gate shared, while Prune looks and removes with
// the gate to itself. So what was used since useStep before the oldest living run began stays, and whoever comes too
// late to renew a thing finds that it is gone, which is never an error: it is made again.

const (
	// gateFile is locked for moments only. It is never removed, since its name is what all agree on.
	gateFile = "lock"

	// useStep is how exact times of use are. An unchanged build within it writes nothing but its own folder; a shorter
	// one would have such builds renew hundreds of times, a longer one keeps more from being pruned beside a build.
	useStep = time.Hour
)

// Hold keeps Prune from what this run and others find from now on, until the store is closed. Whoever looks something up
// holds the store already; this is for those who use what somebody else looked up.
func (s *Store) Hold() { s.live() }

// live makes the folder that says that this run is there. A store that cannot be written is still good to read.
func (s *Store) live() {
	if !s.alive.Load() {
		_, _ = s.runPath()
		s.alive.Store(true)
	}
}

// used reports whether what is at path may be relied on for as long as this run lives. The caller has called live, and
// then seen that the thing is there, last changed at the time mark.
func (s *Store) used(path string, mark time.Time) bool {
	now := time.Now()
	if now.Sub(mark).Abs() < s.step {
		return true
	}
	defer s.pass()()
	// Whoever may not write does without: the file's owner prunes at a time of their choice.
	return !errors.Is(os.Chtimes(path, time.Time{}, now), fs.ErrNotExist)
}

// pass shares the gate until leave is called. On a file system without locks everybody passes.
func (s *Store) pass() (leave func()) {
	gate := flock.New(filepath.Join(s.dir, gateFile))
	if err := gate.RLock(); err != nil {
		return func() {}
	}
	return func() { _ = gate.Unlock() }
}

// closeGate waits until nobody passes, and keeps everybody out until open is called.
func (s *Store) closeGate() (open func(), err error) {
	gate := flock.New(filepath.Join(s.dir, gateFile))
	if err := gate.Lock(); err != nil {
		return nil, s.explain(err)
	}
	return func() { _ = gate.Unlock() }, nil
}

// inUse returns the time since which all that was used must stay, because a run that began then still lives; the zero
// time if none does. The caller has closed the gate, so that no run begins meanwhile.
func (s *Store) inUse() (since time.Time) {
	s.mu.Lock()
	own := ""
	if s.run != nil {
		own = s.run.path
	}
	s.mu.Unlock()
	now := time.Now()
	for path, age := range aged(filepath.Join(s.dir, "tmp"), now) {
		if path == own {
			continue
		}
		if began, living := lives(path, age); living && (since.IsZero() || began.Before(since)) {
			since = began
		}
	}
	if since.IsZero() {
		return since
	}
	return since.Add(-s.step)
}

// lives reports whether the run of a folder still has its lock, and when it took it.
func lives(path string, age time.Duration) (began time.Time, living bool) {
	info, err := os.Stat(filepath.Join(path, runLock))
	if err != nil {
		return began, false // on its way out
	}
	// Without making it, which would keep a run from removing its folder at this moment.
	lock := flock.New(filepath.Join(path, runLock), flock.SetFlag(os.O_RDONLY))
	defer lock.Close()
	ok, err := lock.TryLock()
	return info.ModTime(), err == nil && !ok || err != nil && age < keepRun
}
