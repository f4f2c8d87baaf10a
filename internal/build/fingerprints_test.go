package build

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/store/storetest"
	"github.com/lithe-build/lithe/internal/trace"
)

// TestFingerprints changes a file in ways that its times, its size or its inode show, and counts how often it is read.
func TestFingerprints(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems read every file")
	}
	storetest.EveryFieldCounts(t, fingerprintKey{Format: 1, Dir: "/p"})
	dir := t.TempDir()
	path := filepath.Join(dir, "a.py")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	write("one")
	for _, step := range []struct {
		name   string
		change func()
		later  time.Duration // how much later than the change the file is looked at
		want   string
		reads  int64
	}{
		{"the first look", func() {}, time.Hour, "one", 1},
		{"nothing", func() {}, time.Hour, "one", 0},
		{"other bytes of the same size, with the time of before", func() { write("two"); _ = os.Chtimes(path, old, old) }, time.Hour, "two", 1},
		{"the mode", func() { _ = os.Chmod(path, 0o755) }, time.Hour, "two", 1},
		{"another file in its place", func() {
			_ = os.WriteFile(path+".new", []byte("six"), 0o755)
			_ = os.Rename(path+".new", path)
		}, time.Hour, "six", 1},
		{"just now", func() { write("ten") }, 0, "ten", 1},
		{"still just now, so that nothing is known of it", func() {}, 0, "ten", 1},
		{"a while ago", func() {}, time.Hour, "ten", 1},
		{"nothing again", func() {}, time.Hour, "ten", 0},
	} {
		step.change()
		r := trace.New()
		f := newFingerprints(st, dir, r)
		f.now = func() time.Time { return time.Now().Add(step.later) }
		n, sum, err := f.sum(path)
		if err != nil || n != int64(len(step.want)) || sum != sha256.Sum256([]byte(step.want)) {
			t.Errorf("after %s: %d bytes, %x, %v", step.name, n, sum, err)
		}
		if got := r.Counts().Files; got != step.reads {
			t.Errorf("after %s: read %d times, not %d", step.name, got, step.reads)
		}
		if err := f.save(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFingerprintsForget has a file go away: nothing is known of it any more.
func TestFingerprintsForget(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := newFingerprints(st, dir, nil)
	if _, _, err := f.sum(filepath.Join(dir, "missing")); err == nil {
		t.Error("a file that is missing has a hash")
	}
	f.known = map[string]fileMark{"/gone": {}}
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
	if again := newFingerprints(st, dir, nil); len(again.known) != 0 {
		t.Errorf("%v is known", again.known)
	}
}
