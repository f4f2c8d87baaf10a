package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/store"
)

// step is so short that builds renew what they find all the time, and that what no living build has found can go.
const step = time.Millisecond

// Ten builds find things in one store, or make them, and rely on them until they end, while everything that may go is
// pruned all the time.
func TestPruneBesideTenBuilds(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	var made, found, removed atomic.Int64
	var builds, pruning sync.WaitGroup
	for range 10 {
		builds.Go(func() {
			for ctx.Err() == nil {
				if err := pretend(dir, &made, &found); err != nil {
					t.Error(err)
					stop()
				}
			}
		})
	}
	for range 2 { // two at once are no trouble either
		pruning.Go(func() {
			for ctx.Err() == nil {
				n, err := pruneAll(ctx, dir)
				removed.Add(n)
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					stop()
				}
			}
		})
	}
	builds.Wait()
	pruning.Wait()
	if made.Load() < 20 || found.Load() < 20 || removed.Load() < 20 {
		t.Errorf("%d made, %d found, %d removed: too few to have met", made.Load(), found.Load(), removed.Load())
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p := prune(t, s, everything); p.Left != 0 {
		t.Errorf("%d bytes left in the end", p.Left)
	}
}

// pretend is a build: it looks for some things, makes what is not there, and reads all of it in the end.
func pretend(dir string, made, found *atomic.Int64) error {
	s, err := store.Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	s.UseStep(step)
	var paths []string
	for range 5 {
		n := rand.IntN(20)
		path, ok := s.Blob(store.DigestBytes(fmt.Appendf(nil, "blob %d", n)))
		if ok {
			found.Add(1)
		} else {
			made.Add(1)
			w, err := s.Create()
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "blob %d", n)
			digest, err := w.Commit("")
			if err != nil {
				return err
			}
			if path, ok = s.Blob(digest); !ok {
				return fmt.Errorf("blob %d is gone as soon as it was made", n)
			}
		}
		root, err := s.Dir(context.Background(), "roots", fmt.Sprint(n), func(dir string) error {
			made.Add(1)
			return os.WriteFile(filepath.Join(dir, "f"), []byte("f"), 0o644)
		})
		if err != nil {
			return err
		}
		paths = append(paths, path, filepath.Join(root, "f"))
		time.Sleep(time.Millisecond)
	}
	for _, path := range paths {
		if _, err := os.ReadFile(path); err != nil {
			return fmt.Errorf("a build lost what it relied on: %w", err)
		}
	}
	return nil
}

// pruneAll prunes as a process of its own would.
func pruneAll(ctx context.Context, dir string) (int64, error) {
	s, err := store.Open(dir)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	p, err := s.UseStep(step).Prune(ctx, everything)
	if err != nil {
		return 0, err
	}
	return int64(len(p.Removed)), nil
}

// TestKilledPrunes kills processes that prune. What is left is whole, and the next one removes the rest.
func TestKilledPrunes(t *testing.T) {
	dir := t.TempDir()
	for range 8 {
		fill := start(t, dir)
		for range 500 { // until there is something of everything
			if made, _ := filepath.Glob(filepath.Join(dir, "dirs", "d", "*")); len(made) > 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		_ = fill.Process.Kill()
		_ = fill.Wait()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "STORE_TEST_HELPER="+dir, "STORE_TEST_PRUNE=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(25)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		inspect(t, dir)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prune(t, s, everything)
	for _, folder := range []string{"blobs", "records", "dirs"} {
		if left := files(t, filepath.Join(dir, folder)); len(left) != 0 {
			t.Errorf("%s has %q", folder, left)
		}
	}
}

// A store that may be read and not written is told so, and used all the same.
func TestPruneOfAnUnwritableStore(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("needs a user whom modes stop")
	}
	s := open(t)
	digest := put(t, s, "x")
	closed(t, s)
	if err := os.Remove(filepath.Join(s.Path(), "lock")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"tmp", "."} {
		if err := os.Chmod(filepath.Join(s.Path(), path), 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(s.Path(), path), 0o755)
	}
	if _, ok := s.Blob(digest); !ok {
		t.Error("the blob cannot be found")
	}
	if usage, err := s.Usage(t.Context()); err != nil || usage.Size != 1 {
		t.Errorf("usage %v, error %v", usage, err)
	}
	_, err := s.Prune(t.Context(), everything)
	if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "store-unwritable" {
		t.Errorf("error %v", err)
	}
}
