package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store"
)

// TestMain becomes a helper process when the environment asks for one, so that tests can kill a real one.
func TestMain(m *testing.M) {
	if dir := os.Getenv("STORE_TEST_HELPER"); dir != "" {
		helper(dir)
	}
	os.Exit(m.Run())
}

const blobSize = 300_000

// content makes the bytes of the helper's n-th blob.
func content(n int) string { return strings.Repeat(fmt.Sprintf("%09d\n", n), blobSize/10) }

// helper writes blobs, records and directories until it is killed.
func helper(dir string) {
	s, err := store.Open(dir)
	check(err)
	if os.Getenv("STORE_TEST_PRUNE") != "" {
		_, err := s.Prune(context.Background(), store.Limits{})
		check(err)
		os.Exit(0)
	}
	fmt.Println("ready")
	for n := range 1000 {
		w, err := s.Create()
		check(err)
		for chunk := content(n); chunk != ""; chunk = chunk[1000:] {
			_, err := w.Write([]byte(chunk[:1000]))
			check(err)
		}
		_, err = w.Commit("")
		check(err)
		check(s.PutRecord("r", fmt.Sprint(n), &record{Name: content(n)}))
		_, err = s.Dir(context.Background(), "d", fmt.Sprint(n), func(dir string) error {
			for i := range 20 {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(content(n)[:1000]), 0o644); err != nil {
					return err
				}
			}
			return nil
		})
		check(err)
	}
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Println("helper:", err)
		os.Exit(1)
	}
}

// start runs a helper on a store and returns once it works.
func start(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_HELPER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("helper says %q, %v", line, err)
	}
	return cmd
}

func TestKilledRunsLeaveNothingThatLooksFinished(t *testing.T) {
	dir := t.TempDir()
	for range 12 {
		cmd := start(t, dir)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		inspect(t, dir)
	}
	old := time.Now().Add(-time.Hour)
	runs, _ := filepath.Glob(filepath.Join(dir, "tmp", "*"))
	for _, run := range runs {
		_ = os.Chtimes(run, old, old)
	}
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); len(runs) == 0 || len(left) != 0 {
		t.Errorf("%d folders of killed runs, %d after the sweep", len(runs), len(left))
	}
}

// inspect checks everything that a store says is finished.
func inspect(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	blobs, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*", "*"))
	for _, blob := range blobs {
		if err := s.Verify("sha256:" + filepath.Base(blob)); err != nil {
			t.Error(err)
		}
	}
	records, _ := filepath.Glob(filepath.Join(dir, "records", "r", "*"))
	for _, path := range records {
		var r record
		if ok, _ := s.Record("r", strings.TrimSuffix(filepath.Base(path), ".json"), &r); !ok || len(r.Name) != blobSize {
			t.Errorf("%s: read %v, %d bytes", path, ok, len(r.Name))
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(dir, "dirs", "d", "*"))
	for _, d := range dirs {
		if names, _ := filepath.Glob(filepath.Join(d, "*")); len(names) != 20 {
			t.Errorf("%s has %d files", d, len(names))
		}
	}
}

func TestProcessesShareAStore(t *testing.T) {
	dir := t.TempDir()
	var cmds []*exec.Cmd
	for range 3 {
		cmds = append(cmds, start(t, dir))
	}
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		if done, _ := filepath.Glob(filepath.Join(dir, "dirs", "d", "*")); len(done) >= 10 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, cmd := range cmds {
		if cmd.ProcessState != nil {
			t.Errorf("a helper ended: %v", cmd.ProcessState)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() == 1 {
			t.Error("a helper met an error")
		}
	}
	inspect(t, dir)
	if done, _ := filepath.Glob(filepath.Join(dir, "dirs", "d", "*")); len(done) < 10 {
		t.Errorf("only %d directories", len(done))
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	dir := t.TempDir()
	var inside, most, total atomic.Int32
	var wg sync.WaitGroup
	for range 2 { // two stores are like two processes: flock is per open file
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			wg.Go(func() {
				for range 5 {
					unlock, err := s.Lock(context.Background(), "k", "x")
					if err != nil {
						t.Error(err)
						return
					}
					most.Store(max(most.Load(), inside.Add(1)))
					total.Add(1)
					time.Sleep(time.Millisecond)
					inside.Add(-1)
					unlock()
					unlock() // harmless
				}
			})
		}
	}
	wg.Wait()
	if most.Load() != 1 || total.Load() != 80 {
		t.Errorf("%d inside at once, %d in all; want 1 and 80", most.Load(), total.Load())
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestLockEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	one, _ := store.Open(dir)
	two, _ := store.Open(dir)
	unlock, err := one.Lock(context.Background(), "k", "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*store.Store{"same store": one, "other store": two} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		if _, err := s.Lock(ctx, "k", "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	other, err := two.Lock(context.Background(), "k", "y")
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	again, err := two.Lock(context.Background(), "k", "x")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestDir(t *testing.T) {
	s := open(t)
	var filled atomic.Int32
	fill := func(dir string) error {
		filled.Add(1)
		time.Sleep(5 * time.Millisecond)
		return errors.Join(os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644), os.Chmod(dir, 0o555))
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			dir, err := s.Dir(context.Background(), "root", "a", fill)
			if err != nil {
				t.Error(err)
			}
			if data, _ := os.ReadFile(filepath.Join(dir, "f")); string(data) != "x" {
				t.Errorf("read %q", data)
			}
		})
	}
	wg.Wait()
	if filled.Load() != 1 {
		t.Errorf("filled %d times", filled.Load())
	}
	broken := errors.New("broken")
	fail := func(dir string) error {
		return errors.Join(broken, os.WriteFile(filepath.Join(dir, "half"), nil, 0o644))
	}
	if _, err := s.Dir(context.Background(), "root", "b", fail); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	if left := files(t, s.Path()); len(left) != 1 {
		t.Errorf("left: %q", left)
	}
	if _, err := s.Dir(context.Background(), "root", "b", fill); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}
