package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/store"
)

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put commits a blob and returns its digest.
func put(t testing.TB, s *store.Store, text string) string {
	t.Helper()
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	digest, err := w.Commit("")
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// files lists the regular files below a store, but for locks.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOpenSaysWhatToDoWhenItCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(filepath.Join(file, "store"))
	var problem *diag.Error
	if !errors.As(err, &problem) || problem.Code != "store-unwritable" || !strings.Contains(problem.Hint, "LITHE_STORE") {
		t.Fatalf("error is %v, want store-unwritable with a hint", err)
	}
	if !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("the cause is lost in %#v", err)
	}
}

func TestTempIsRemovedWithReadOnlyFolders(t *testing.T) {
	s := open(t)
	dir, remove, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(dir, "sealed")
	if err := errors.Join(os.Mkdir(sealed, 0o755), os.WriteFile(filepath.Join(sealed, "f"), nil, 0o444), os.Chmod(sealed, 0o555)); err != nil {
		t.Fatal(err)
	}
	remove()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestCloseRemovesWhatIsUnderWay(t *testing.T) {
	s := open(t)
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	digest := put(t, s, "whole")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, s.Path()); len(got) != 1 {
		t.Errorf("left: %q, want only the blob", got)
	}
	if _, err := w.Commit(""); err == nil {
		t.Error("a removed file was committed")
	}
	if _, ok := s.Blob(digest); !ok {
		t.Error("the blob is gone")
	}
	put(t, s, "after closing")
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	ancient := time.Now().Add(-30 * 24 * time.Hour)
	mk := func(name string, when time.Time) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Dir(path)} {
			if err := os.Chtimes(p, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
	living, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept, remove, err := living.Temp()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if err := os.Chtimes(filepath.Dir(kept), ancient, ancient); err != nil {
		t.Fatal(err)
	}
	mk("tmp/run-dead/blob-1", old)
	mk("tmp/run-young/blob-2", time.Now())
	mk("partial/files/week", ancient)
	mk("partial/files/hours", old)
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	got := files(t, dir)
	want := []string{"partial/files/hours", "tmp/run-young/blob-2"}
	if !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("a living run lost its folder: %v", err)
	}
}
