package build

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// fingerprints remember what the files of a project held, so that those which are as they were need not be read again. As in
// git's index it is size, times, inode and mode that tell, and a file that changed at about the time when it was hashed is
// not remembered. They are a cache and nothing else: no key has them, and a file that goes into a layer is compared with its
// hash while it is read. One value is for one run.
type fingerprints struct {
	store *store.Store
	key   string
	trace *trace.Recorder
	now   func() time.Time

	mu    sync.Mutex
	known map[string]fileMark // by absolute path
	used  map[string]fileMark // of them, and what is new
	fresh bool                // something is new
}

// fileMark is what the system says of a file, and the hash of what it held then.
type fileMark struct {
	Size, MTime, CTime int64 // bytes and nanoseconds
	Device, Inode      uint64
	Mode               uint32
	SHA256             string
}

// fingerprintKey names the record of a project.
type fingerprintKey struct {
	Format int
	Dir    string // absolute
}

// fingerprintFormat changes with fileMark's meaning.
const fingerprintFormat = 1

// settled is how long ago a file must have changed to be remembered: the coarsest times that file systems keep are two
// seconds apart, and another change within them would not show.
const settled = 3 * time.Second

// newFingerprints reads what is known of a folder. One whose path cannot be told has none.
func newFingerprints(st *store.Store, dir string, r *trace.Recorder) *fingerprints {
	f := &fingerprints{store: st, trace: r, now: time.Now, known: map[string]fileMark{}, used: map[string]fileMark{}}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return f
	}
	f.key = store.Key(fingerprintKey{Format: fingerprintFormat, Dir: absolute})
	var known map[string]fileMark
	if ok, err := st.Record("fingerprints", f.key, &known); ok && err == nil {
		f.known = known
	}
	return f
}

// sum returns size and hash of a file, which is read if it may have changed.
func (f *fingerprints) sum(path string) (int64, [sha256.Size]byte, error) {
	if f == nil { // where there is no store
		f = &fingerprints{}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return 0, [sha256.Size]byte{}, err
	}
	before, can := markOf(absolute)
	if can && f.known != nil {
		if sum, ok := f.remembered(absolute, before); ok {
			return before.Size, sum, nil
		}
	}
	n, sum, err := f.read(path)
	if after, ok := markOf(absolute); err == nil && can && ok && after == before && n == before.Size {
		before.SHA256 = hex.EncodeToString(sum[:])
		f.remember(absolute, before)
	}
	return n, sum, err
}

// remembered returns the hash of a file that is as it was.
func (f *fingerprints) remembered(path string, now fileMark) (sum [sha256.Size]byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, ok := f.known[path]
	if now.SHA256 = old.SHA256; !ok || now != old {
		return sum, false
	}
	data, err := hex.DecodeString(old.SHA256)
	if err != nil || len(data) != sha256.Size {
		return sum, false
	}
	f.used[path] = old
	return [sha256.Size]byte(data), true
}

// remember keeps a hash, if the file did not change just now.
func (f *fingerprints) remember(path string, mark fileMark) {
	if f.now == nil || f.now().Sub(time.Unix(0, max(mark.MTime, mark.CTime))) < settled {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used[path], f.fresh = mark, true
}

// read hashes a file.
func (f *fingerprints) read(path string) (int64, [sha256.Size]byte, error) {
	f.trace.Add(trace.Files, 1)
	file, err := os.Open(path)
	if err != nil {
		return 0, [sha256.Size]byte{}, err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	return n, [sha256.Size]byte(h.Sum(nil)), err
}

// save keeps what this run has seen for the next one of the same folder. What it has not seen is forgotten.
func (f *fingerprints) save() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.key == "" || !f.fresh && len(f.used) == len(f.known) {
		return nil
	}
	return f.store.PutRecord("fingerprints", f.key, f.used)
}
