package store_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/store"
)

// everything is the limits of `lithe cache prune --all`; month those of one without flags.
var (
	everything = store.Limits{}
	month      = store.Limits{Unused: 30 * 24 * time.Hour, Size: -1}
)

// age makes everything in a store look unused for some time.
func age(t testing.TB, s *store.Store, by time.Duration) {
	t.Helper()
	usage, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-by)
	for _, o := range usage.Objects {
		if o.Kind == store.Temporary {
			continue
		}
		if err := os.Chtimes(filepath.Join(s.Path(), o.Path), when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// closed ends a run, as every run does before another one of the same test prunes.
func closed(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func prune(t testing.TB, s *store.Store, limits store.Limits) *store.Pruned {
	t.Helper()
	p, err := s.Prune(t.Context(), limits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tarOf is the beginning of a layer whose files are of this time.
func tarOf(t testing.TB, when int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "app/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(when, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t testing.TB, data []byte) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll(data, nil))
}

// Every kind of thing is told by what it is, and its size is that of its bytes.
func TestUsageKinds(t *testing.T) {
	const ours, theirs = 315619200, 1700000000
	tests := []struct {
		name string
		make func(t *testing.T, s *store.Store)
		want store.Kind
	}{
		{"a wheel", blobOf("PK\x03\x04 and so on"), store.Wheels},
		{"a Debian package", blobOf("!<arch>\ndebian-binary"), store.Debs},
		{"a layer of ours", blobOf(gzipped(t, tarOf(t, ours))), store.Layers},
		{"a layer of others", blobOf(gzipped(t, tarOf(t, theirs))), store.BaseImages},
		{"a layer of others in zstd", blobOf(zstandard(t, tarOf(t, theirs))), store.BaseImages},
		{"an index in gzip", blobOf(gzipped(t, []byte("Package: libc6\n"))), store.Indexes},
		{"an index in zstd", blobOf(zstandard(t, []byte("libc6\t2.41\n"))), store.Indexes},
		{"damaged gzip", blobOf("\x1f\x8b\x08"), store.Indexes},
		{"a page", blobOf(`{"files": []}`), store.Indexes},
		{"an empty file", blobOf(""), store.Indexes},
		{"bytecode", recordOf("bytecode"), store.Bytecode},
		{"a fact", recordOf("layer-1"), store.Records},
		{"an unpacked layer", dirOf("layers"), store.Roots},
		{"a root", dirOf("roots"), store.Roots},
		{"a directory of a later release", dirOf("halls"), store.Other},
		{"a download", func(t *testing.T, s *store.Store) {
			w, err := s.Resume("x")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Suspend(); err != nil {
				t.Fatal(err)
			}
		}, store.Partial},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			test.make(t, s)
			closed(t, s)
			usage, err := s.Usage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(usage.Objects) != 1 || usage.Objects[0].Kind != test.want || usage.Size != onDisk(t, s.Path()) {
				t.Errorf("%+v of %d bytes, want one object of kind %q of %d", usage.Objects, usage.Size, test.want, onDisk(t, s.Path()))
			}
			if !slices.Contains(store.Kinds(), test.want) {
				t.Errorf("%q is in no list", test.want)
			}
		})
	}
}

func blobOf(text string) func(*testing.T, *store.Store) {
	return func(t *testing.T, s *store.Store) { put(t, s, text) }
}

func recordOf(kind string) func(*testing.T, *store.Store) {
	return func(t *testing.T, s *store.Store) {
		if err := s.PutRecord(kind, "k", &record{Name: "x"}); err != nil {
			t.Fatal(err)
		}
	}
}

func dirOf(kind string) func(*testing.T, *store.Store) {
	return func(t *testing.T, s *store.Store) {
		_, err := s.Dir(t.Context(), kind, "k", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// onDisk sums up the files of a store, each file once.
func onDisk(t testing.TB, dir string) (sum int64) {
	t.Helper()
	var seen []os.FileInfo
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		if !slices.ContainsFunc(seen, func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
			seen = append(seen, info)
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Only what was not used goes, and looking something up is using it.
func TestPruneByAge(t *testing.T) {
	s := open(t)
	used, unused := put(t, s, "used"), put(t, s, "unused")
	for _, key := range []string{"used", "unused"} {
		if err := s.PutRecord("fact", key, &record{Name: key}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Dir(t.Context(), "roots", key, func(string) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	age(t, s, 40*24*time.Hour)
	s.Blob(used)
	var r record
	if ok, err := s.Record("fact", "used", &r); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := s.Dir(t.Context(), "roots", "used", nil); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	left := onDisk(t, s.Path())
	p := prune(t, s, month)
	if len(p.Removed) != 3 || len(p.InUse) != 0 || p.Freed != left-onDisk(t, s.Path()) || p.Left != onDisk(t, s.Path()) {
		t.Errorf("removed %v, in use %v, freed %d, left %d of %d", p.Removed, p.InUse, p.Freed, p.Left, left)
	}
	if _, ok := s.Blob(used); !ok {
		t.Error("the blob that was used is gone")
	}
	if _, ok := s.Blob(unused); ok {
		t.Error("the blob that nobody used is there")
	}
	if ok, _ := s.Record("fact", "unused", &r); ok {
		t.Error("the record that nobody used is there")
	}
	if got, _ := filepath.Glob(filepath.Join(s.Path(), "dirs", "roots", "*")); len(got) != 1 || filepath.Base(got[0]) != "used" {
		t.Errorf("directories: %q", got)
	}
}

// The most recently used stays, up to the size; and what it would do is told without doing it.
func TestPruneBySize(t *testing.T) {
	s := open(t)
	var digests []string
	for i := range 10 {
		digest := put(t, s, strings.Repeat(string(rune('a'+i)), 1000))
		path, _ := s.Blob(digest)
		when := time.Now().Add(time.Duration(i-10) * 24 * time.Hour)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	closed(t, s)
	limits := store.Limits{Unused: -1, Size: 3500, DryRun: true}
	told := prune(t, s, limits)
	if onDisk(t, s.Path()) != 10_000 {
		t.Fatal("a dry run removed something")
	}
	limits.DryRun = false
	did := prune(t, s, limits)
	if diff := cmp.Diff(told, did, cmp.AllowUnexported(store.Object{})); diff != "" {
		t.Errorf("-told +done:\n%s", diff)
	}
	if len(did.Removed) != 7 || did.Freed != 7000 || did.Left != 3000 || onDisk(t, s.Path()) != 3000 {
		t.Errorf("removed %d, freed %d, left %d", len(did.Removed), did.Freed, did.Left)
	}
	for i, digest := range digests {
		if _, ok := s.Blob(digest); ok != (i >= 7) {
			t.Errorf("blob %d is there: %v", i, ok)
		}
	}
}

// A file with several names counts once, and is free when the last of them is gone.
func TestPruneOfSharedFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("roots are made on Linux, and shared files are told apart on Unix")
	}
	s := open(t)
	layer, err := s.Dir(t.Context(), "layers", "a", func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "f"), []byte(strings.Repeat("x", 1000)), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Dir(t.Context(), "roots", "b", func(dir string) error {
		return os.Link(filepath.Join(layer, "f"), filepath.Join(dir, "f"))
	})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	age(t, s, 40*24*time.Hour)
	if _, err := s.Dir(t.Context(), "roots", "b", nil); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	if p := prune(t, s, month); len(p.Removed) != 1 || p.Freed != 0 || p.Left != 1000 {
		t.Errorf("of the layer: removed %d, freed %d, left %d", len(p.Removed), p.Freed, p.Left)
	}
	if p := prune(t, s, everything); len(p.Removed) != 1 || p.Freed != 1000 || p.Left != 0 {
		t.Errorf("of the root: removed %d, freed %d, left %d", len(p.Removed), p.Freed, p.Left)
	}
	if n := onDisk(t, s.Path()); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// An alias goes with its blob, and the blob can be had again under both names.
func TestPruneOfAliases(t *testing.T) {
	s := open(t)
	const text = "aliased"
	digest := fmt.Sprintf("sha512:%x", sha512.Sum512([]byte(text)))
	commit := func() string {
		w, err := s.Create(digest)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(""); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	alias := commit()
	closed(t, s)
	prune(t, s, everything)
	if links, _ := filepath.Glob(filepath.Join(s.Path(), "blobs", "sha512", "*", "*")); len(links) != 0 {
		t.Errorf("left: %q", links)
	}
	commit()
	if _, ok := s.Blob(alias); !ok {
		t.Error("the alias is not there again")
	}
}

// What a run found stays while that run lives, however much is to go; what it did not look for is no reason to wait.
func TestPruneBesideARun(t *testing.T) {
	dir := t.TempDir()
	first, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, other := put(t, first, "found"), put(t, first, "other")
	closed(t, first)
	age(t, first, 40*24*time.Hour)
	run, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := run.Blob(found); !ok {
		t.Fatal("not there")
	}
	p := prune(t, first, everything)
	if _, err := os.Stat(blobFile(dir, found)); err != nil {
		t.Errorf("the run lost what it found: %v", err)
	}
	if _, err := os.Stat(blobFile(dir, other)); err == nil {
		t.Error("what nobody uses is still there")
	}
	if len(p.Removed) != 1 || len(p.InUse) != 1 {
		t.Errorf("removed %v, in use %v", p.Removed, p.InUse)
	}
	closed(t, run)
	if p := prune(t, first, everything); len(p.Removed) != 1 || p.Left != 0 {
		t.Errorf("after the run: removed %v, left %d", p.Removed, p.Left)
	}
}

// Who holds a store keeps what others found after that, though those have ended.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	holder, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	holder.Hold()
	run, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	digest := put(t, run, "x")
	closed(t, run)
	if p := prune(t, run, everything); len(p.Removed) != 0 || len(p.InUse) != 1 {
		t.Errorf("while it is held: %+v", p)
	}
	closed(t, holder)
	if p := prune(t, run, everything); len(p.Removed) != 1 {
		t.Errorf("after that: %+v", p)
	}
	if _, ok := run.Blob(digest); ok {
		t.Error("the blob is still there")
	}
}

func blobFile(dir, digest string) string {
	sum := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(dir, "blobs", "sha256", sum[:2], sum)
}

// A run that waits for the end of a prune and one that is interrupted both end with their context.
func TestPruneEndsWithTheContext(t *testing.T) {
	s := open(t)
	put(t, s, "x")
	closed(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Prune(ctx, everything); err == nil || onDisk(t, s.Path()) != 1 {
		t.Errorf("error %v, %d bytes left", err, onDisk(t, s.Path()))
	}
}

// gate returns the lock that prunes and builds agree on, as another process has it.
func gate(s *store.Store) *flock.Flock { return flock.New(filepath.Join(s.Path(), "lock")) }

// While something may be removed, whoever finds a thing that has not been used for long waits, and learns that it is gone.
func TestFindingWaitsForThePrune(t *testing.T) {
	s := open(t)
	old, fresh := put(t, s, "old"), put(t, s, "fresh")
	oldFile := blobFile(s.Path(), old)
	year := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(oldFile, year, year); err != nil {
		t.Fatal(err)
	}
	g := gate(s)
	if err := g.Lock(); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	answer := make(chan bool)
	go func() {
		_, ok := s.Blob(old)
		answer <- ok
	}()
	if _, ok := s.Blob(fresh); !ok {
		t.Error("what was used just now cannot be found without waiting")
	}
	select {
	case ok := <-answer:
		t.Fatalf("found %v at once", ok)
	case <-time.After(100 * time.Millisecond):
	}
	if err := os.Remove(oldFile); err != nil {
		t.Fatal(err)
	}
	if err := g.Unlock(); err != nil {
		t.Fatal(err)
	}
	if <-answer {
		t.Error("a thing was found that was gone")
	}
}

// A prune waits for whoever renews a thing, and then leaves it.
func TestPruneWaitsForARenewal(t *testing.T) {
	s := open(t)
	old := put(t, s, "old")
	closed(t, s)
	age(t, s, 24*time.Hour)
	g := gate(s)
	if err := g.RLock(); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	done := make(chan *store.Pruned)
	go func() {
		p, err := s.Prune(context.Background(), everything)
		if err != nil {
			t.Error(err)
		}
		done <- p
	}()
	select {
	case p := <-done:
		t.Fatalf("it did not wait: %+v", p)
	case <-time.After(200 * time.Millisecond):
	}
	now := time.Now()
	if err := os.Chtimes(blobFile(s.Path(), old), now, now); err != nil {
		t.Fatal(err)
	}
	if err := g.Unlock(); err != nil {
		t.Fatal(err)
	}
	if p := <-done; len(p.Removed) != 0 || len(p.InUse) != 1 || p.Left != 3 {
		t.Errorf("%+v", p)
	}
}
