package store_test

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/store"
)

func TestBlob(t *testing.T) {
	s := open(t)
	digest := put(t, s, "hello")
	if want := store.DigestBytes([]byte("hello")); digest != want {
		t.Fatalf("digest is %s, want %s", digest, want)
	}
	path, ok := s.Blob(digest)
	if !ok {
		t.Fatal("not found")
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "hello" {
		t.Errorf("read %q, %v", data, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o444 {
		t.Errorf("mode is %v, want read-only", info.Mode())
	}
	if _, ok := s.Blob("sha256:" + strings.ToUpper(strings.TrimPrefix(digest, "sha256:"))); !ok {
		t.Error("not found by upper case")
	}
	if err := s.Verify(digest); err != nil {
		t.Error(err)
	}
}

func TestBlobRefusesWhatIsNoDigest(t *testing.T) {
	s := open(t)
	for _, digest := range []string{"", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:../../../etc/passwd",
		"sha256:" + strings.Repeat("z", 64), "sha256:" + strings.Repeat("a", 63), strings.Repeat("a", 64),
		"sha512:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("a", 1<<20)} {
		if path, ok := s.Blob(digest); ok {
			t.Errorf("%.80q is found at %s", digest, path)
		}
		if _, _, err := store.ParseDigest(digest); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.80q: error is %.400v", digest, err)
		}
	}
}

func TestCommitRefusesOtherBytes(t *testing.T) {
	s := open(t)
	want := store.DigestBytes([]byte("expected"))
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("something else")); err != nil {
		t.Fatal(err)
	}
	_, err = w.Commit(want)
	got := store.DigestBytes([]byte("something else"))
	if !errors.Is(err, store.ErrMismatch) || !strings.Contains(err.Error(), want[7:]) || !strings.Contains(err.Error(), got[7:]) {
		t.Errorf("error is %v, want a mismatch that names both digests", err)
	}
	if left := files(t, s.Path()); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := w.Commit(""); !errors.Is(err, os.ErrClosed) {
		t.Errorf("second commit: %v", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after commit: %v", err)
	}
}

func TestExtraDigests(t *testing.T) {
	s := open(t)
	sum := fmt.Sprintf("sha512:%x", sha512.Sum512([]byte("hello")))
	for _, test := range []struct {
		name, text string
		ok         bool
	}{{"right", "hello", true}, {"wrong", "hell0", false}} {
		t.Run(test.name, func(t *testing.T) {
			w, err := s.Create(sum)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort()
			if _, err := w.Write([]byte(test.text)); err != nil {
				t.Fatal(err)
			}
			digest, err := w.Commit("")
			if (err == nil) != test.ok {
				t.Fatalf("commit: %v", err)
			}
			if !test.ok {
				if _, found := s.Blob(store.DigestBytes([]byte(test.text))); found {
					t.Error("the wrong blob is there")
				}
				return
			}
			path, ok := s.Blob(sum)
			if data, _ := os.ReadFile(path); !ok || string(data) != "hello" {
				t.Errorf("by sha512: %v %q", ok, data)
			}
			if err := s.Verify(sum); err != nil {
				t.Error(err)
			}
			if path, ok := s.Blob(digest); ok {
				_ = os.Remove(path)
			}
			if _, ok := s.Blob(sum); ok {
				t.Error("found by sha512 after the blob was removed")
			}
		})
	}
	if _, err := s.Create("md5:d41d8cd98f00b204e9800998ecf8427e"); err == nil {
		t.Error("md5 is accepted")
	}
}

func TestDamagedBlob(t *testing.T) {
	s := open(t)
	damage := func(text, damaged string) string {
		digest := put(t, s, text)
		path, _ := s.Blob(digest)
		if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte(damaged), 0o644)); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	if _, ok := s.Blob(damage("emptied by a power failure", "")); ok {
		t.Error("an empty file counts as a blob")
	}
	flipped := damage("bytes", "bytez")
	if err := s.Verify(flipped); !errors.Is(err, store.ErrMismatch) {
		t.Errorf("verify: %v", err)
	}
	if _, ok := s.Blob(flipped); ok {
		t.Error("a damaged blob stays")
	}
	put(t, s, "bytes")
	if err := s.Verify(flipped); err != nil {
		t.Errorf("after putting it again: %v", err)
	}
	if _, ok := s.Blob(put(t, s, "")); !ok {
		t.Error("the empty blob is not found")
	}
}

func TestLinkAndCopyTo(t *testing.T) {
	s := open(t)
	digest := put(t, s, "hello")
	dir := t.TempDir()
	for name, do := range map[string]func(string, string) error{"link": s.Link, "copy": s.CopyTo} {
		to := filepath.Join(dir, name)
		if err := do(digest, to); err != nil {
			t.Fatal(name, err)
		}
		if data, err := os.ReadFile(to); err != nil || string(data) != "hello" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if err := do(store.DigestBytes([]byte("missing")), filepath.Join(dir, "x")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of a missing blob: %v", name, err)
		}
	}
	if err := s.CopyTo(digest, filepath.Join(dir, "copy")); err != nil {
		t.Errorf("copy over a copy: %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("left beside the copies: %v", names)
	}
}

func TestResume(t *testing.T) {
	s := open(t)
	step := func(text string, from int64) *store.Writer {
		w, err := s.Resume("file")
		if err != nil {
			t.Fatal(err)
		}
		if w.Size() != from {
			t.Fatalf("goes on at %d, want %d", w.Size(), from)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := step("hel", 0).Suspend(); err != nil {
		t.Fatal(err)
	}
	if err := step("lo", 3).Suspend(); err != nil {
		t.Fatal(err)
	}
	w := step("!", 5)
	if _, err := w.Commit(store.DigestBytes([]byte("hello!"))); err != nil {
		t.Fatal(err)
	}
	w = step("wrong", 0)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("right")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(store.DigestBytes([]byte("right"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Suspend(); err != nil {
		t.Error(err)
	}
	w = step("discarded", 0)
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	_ = step("", 0).Abort()
}
