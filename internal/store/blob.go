package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// emptySHA256 is the digest of no bytes: the one blob that may be empty.
const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// ErrMismatch says that bytes differ from the digest that was expected. The error around it names both.
var ErrMismatch = errors.New("digest mismatch")

// Blob returns the path of a finished blob. An unknown, malformed or unreadable digest is just not there.
func (s *Store) Blob(digest string) (path string, ok bool) {
	algorithm, sum, err := ParseDigest(digest)
	if err != nil {
		return "", false
	}
	path = s.blobPath(algorithm, sum)
	s.live()
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	// Writing does not wait for the disk, so a power failure may leave an empty file under a finished name.
	if info.Size() == 0 && sum != emptySHA256 {
		return "", false
	}
	return path, s.used(path, info.ModTime())
}

// Verify reads a blob again and compares it with its digest. A blob that differs is removed.
func (s *Store) Verify(digest string) error {
	path, ok := s.Blob(digest)
	if !ok {
		return fmt.Errorf("%s: %w", clip(digest), os.ErrNotExist)
	}
	algorithm, want, err := ParseDigest(digest)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := newHash(algorithm)
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return errors.Join(mismatch(algorithm, got, want), os.Remove(path))
	}
	return nil
}

// Create returns a Writer of a new blob. The bytes must also have the digests in extra (sha384 or sha512, as some
// lock files have them), under which the blob can then be found as well.
func (s *Store) Create(extra ...string) (*Writer, error) {
	run, err := s.runPath()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(run, "blob-*")
	if err != nil {
		return nil, s.explain(err)
	}
	w, err := newWriter(s, f, extra)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return w, nil
}

// Writer receives the bytes of one blob. It belongs to one goroutine.
type Writer struct {
	store  *Store
	file   *os.File // nil once finished
	size   int64
	sum    hash.Hash
	extra  []extraSum
	output io.Writer // the file and all hashes
}

// extraSum is a digest besides sha256 that a blob must have.
type extraSum struct {
	algorithm, want string
	sum             hash.Hash
}

// newWriter writes to f from where it stands.
func newWriter(s *Store, f *os.File, extra []string) (*Writer, error) {
	w := &Writer{store: s, file: f, sum: newHash("sha256")}
	outputs := []io.Writer{f, w.sum}
	for _, digest := range extra {
		algorithm, want, err := ParseDigest(digest)
		if err != nil {
			return nil, err
		}
		h := newHash(algorithm)
		w.extra = append(w.extra, extraSum{algorithm, want, h})
		outputs = append(outputs, h)
	}
	w.output = io.MultiWriter(outputs...)
	return w, nil
}

// Write adds bytes to the blob.
func (w *Writer) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, os.ErrClosed
	}
	n, err := w.output.Write(p)
	w.size += int64(n)
	return n, w.store.explain(err)
}

// Size returns the number of bytes so far.
func (w *Writer) Size() int64 { return w.size }

// Commit gives the blob its name and returns its sha256 digest. A want of "" accepts any; bytes that differ from want,
// or from a digest given to Create, are removed and an error names both.
func (w *Writer) Commit(want string) (digest string, err error) {
	if w.file == nil {
		return "", os.ErrClosed
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	sum := hex.EncodeToString(w.sum.Sum(nil))
	if err := w.check(sum, want); err != nil {
		return "", err
	}
	name := w.file.Name()
	// Read-only, because the file may be linked into what others make of it.
	if err := errors.Join(w.file.Chmod(0o444), w.file.Close()); err != nil {
		return "", w.store.explain(err)
	}
	// A blob that is there already is replaced: it has the same bytes, unless a power failure took them.
	if err := w.store.rename(name, w.store.blobPath("sha256", sum)); err != nil {
		return "", err
	}
	// After the blob, so that no alias is there without it.
	for _, x := range w.extra {
		if err := w.store.alias(x.algorithm, x.want, sum); err != nil {
			return "", err
		}
	}
	return "sha256:" + sum, nil
}

// Abort removes what was written. After Commit it does nothing, so that it can be deferred.
func (w *Writer) Abort() error {
	if w.file == nil {
		return nil
	}
	name := w.file.Name()
	_ = w.file.Close() // closed already after a commit; an error of an unwanted file is of no interest
	w.file = nil
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// check compares all sums with what is expected of them.
func (w *Writer) check(sum, want string) error {
	if want != "" {
		algorithm, wanted, err := ParseDigest(want)
		if err != nil {
			return err
		}
		if algorithm != "sha256" {
			return fmt.Errorf("digest %q: a blob is committed by sha256; others are given when it is created", clip(want))
		}
		if sum != wanted {
			return mismatch("sha256", sum, wanted)
		}
	}
	for _, x := range w.extra {
		if got := hex.EncodeToString(x.sum.Sum(nil)); got != x.want {
			return mismatch(x.algorithm, got, x.want)
		}
	}
	return nil
}

// mismatch names both digests: a user compares them with the lock file and with the index.
func mismatch(algorithm, got, want string) error {
	return fmt.Errorf("%w: %s is %s, expected %s", ErrMismatch, algorithm, got, want)
}

// blobPath spreads blobs over 256 folders, as some file systems slow down with many files in one.
func (s *Store) blobPath(algorithm, sum string) string {
	return filepath.Join(s.dir, "blobs", algorithm, sum[:2], sum)
}

// rename moves a finished file or directory to its name, making the folder for it.
func (s *Store) rename(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return s.explain(err)
	}
	return s.explain(os.Rename(from, to))
}

// alias makes the blob with this sha256 available under another algorithm, by a relative link that survives a move of
// the whole store.
func (s *Store) alias(algorithm, name, sum string) error {
	if algorithm == "sha256" {
		return nil
	}
	dir, remove, err := s.Temp()
	if err != nil {
		return err
	}
	defer remove()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join("..", "..", "sha256", sum[:2], sum), link); err != nil {
		return s.explain(err)
	}
	return s.rename(link, s.blobPath(algorithm, name))
}
