package store

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	runLock = "lock" // in a run's folder, locked while the run lives

	// graceRun is for a run that has made its folder and not yet locked it.
	graceRun = time.Minute
	// keepRun is for file systems without locks: nothing is under way for that long.
	keepRun = 7 * 24 * time.Hour
	// keepPartial is how long an unfinished download waits for its next run.
	keepPartial = 7 * 24 * time.Hour
)

// sweep removes what dead runs left behind. It is housekeeping: whatever it cannot remove waits for the next time.
func (s *Store) sweep() {
	now := time.Now()
	for path, age := range aged(filepath.Join(s.dir, "tmp"), now) {
		if age > graceRun {
			sweepRun(path, age)
		}
	}
	for path, age := range aged(filepath.Join(s.dir, "partial", "files"), now) {
		if age > keepPartial {
			_ = os.Remove(path)
		}
	}
}

// sweepRun removes the folder of a run unless that run still holds its lock.
func sweepRun(path string, age time.Duration) {
	lock := flock.New(filepath.Join(path, runLock))
	// The kernel drops the lock of a process however it dies, which a list of process ids could not tell.
	ok, err := lock.TryLock()
	if err == nil && ok || err != nil && age > keepRun {
		_ = removeAll(path)
	}
	_ = lock.Close()
}

// aged returns the entries of a folder and the time since each was last changed.
func aged(dir string, now time.Time) map[string]time.Duration {
	entries, _ := os.ReadDir(dir) // a missing folder has none
	ages := make(map[string]time.Duration, len(entries))
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			ages[filepath.Join(dir, entry.Name())] = now.Sub(info.ModTime())
		}
	}
	return ages
}
