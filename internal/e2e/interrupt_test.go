//go:build linux

package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestKilledBuilds kills builds at random moments, and lets one more finish in the same store: it must end with the
// digest of a build that nobody disturbed. Some begin with an empty store, so that downloads are hit, most with one that
// has downloads alone. Half of them are killed twice: the second kill hits what goes on from the first.
func TestKilledBuilds(t *testing.T) {
	l := need(t)
	t.Parallel()
	kills := 10
	if os.Getenv("LITHE_FULL") == "1" {
		kills = 50
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	// How long a build takes, to kill within: a guess at first, and corrected by each one that ended before its kill.
	whole := map[bool]time.Duration{true: 12 * time.Second, false: 8 * time.Second}
	for hits, round := 0, 0; hits < kills; round++ {
		if round > 10*kills {
			t.Fatalf("only %d of %d kills in %d rounds", hits, kills, round)
		}
		empty := round%5 == 0
		dir, store := l.project(t, "hello-world"), filepath.Join(l.temp(t), "store")
		if !empty {
			store = l.downloads(t, 0)
		}
		var when []time.Duration
		for range 1 + round%2 {
			took, hit := killed(t, l, dir, store, time.Duration(random.Int64N(int64(whole[empty]))))
			if !hit {
				if len(when) == 0 { // else it was only the rest of a build
					whole[empty] = max(min(whole[empty], took), time.Millisecond)
				}
				break
			}
			when = append(when, took)
			hits++
		}
		if len(when) == 0 {
			continue // it was a whole build
		}
		got := l.build(t, dir, call{store: store})
		t.Logf("killed after %v, empty store: %v", when, empty)
		if got.Digest != l.first["hello-world"].Digest {
			t.Errorf("killed after %v: digest %s, first was %s", when, got.Digest, l.first["hello-world"].Digest)
		}
		finished(t, l, dir, store)
	}
}

// killed starts a build and kills it, with all that it started, after a while. It tells how long the build lived, and
// whether it was hit before it ended by itself.
func killed(t *testing.T, l *lab, dir, store string, after time.Duration) (took time.Duration, hit bool) {
	t.Helper()
	start := time.Now()
	p := l.start(call{args: []string{"build", dir}, store: store}, "")
	if p.failed != nil {
		t.Fatal(p.failed)
	}
	timer := time.AfterFunc(after, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	got, err := p.wait()
	timer.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if got.code != 0 && got.code != 128+int(syscall.SIGKILL) {
		t.Errorf("killed after %v it ended with %d\n%s", after, got.code, got.stderr)
	}
	return time.Since(start), got.code != 0
}

// finished checks that a store holds nothing half-done after a build that went well: another build offline takes every
// layer from it, and nothing temporary is left in the project.
func finished(t *testing.T, l *lab, dir, store string) {
	t.Helper()
	again := l.build(t, dir, call{store: store, env: []string{"LITHE_OFFLINE=1"}})
	same(t, l, "hello-world", again, "base", "interpreter", "wheel", "wheels", "project")
	for _, path := range walk(t, dir) {
		if strings.Contains(path, ".lithe-") {
			t.Errorf("%s was left in the project", path)
		}
	}
}

// TestInterruptedBuild ends a build as a person does. It says so, and the next one goes on.
func TestInterruptedBuild(t *testing.T) {
	l := need(t)
	t.Parallel()
	dir, store := l.project(t, "hello-world"), l.downloads(t, 0)
	p := l.start(call{args: []string{"build", dir}, store: store}, "")
	time.Sleep(time.Second)
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	got, err := p.wait()
	if err != nil {
		t.Fatal(err)
	}
	if got.code == 0 || got.stdout != "" {
		t.Errorf("ended with %d and printed %q", got.code, got.stdout)
	}
	if left := walk(t, filepath.Join(store, "tmp")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
	if m := l.build(t, dir, call{store: store}); m.Digest != l.first["hello-world"].Digest {
		t.Errorf("digest %s, first was %s", m.Digest, l.first["hello-world"].Digest)
	}
}

// TestBuildsAtOnce starts several builds of two projects on one store that has downloads alone.
func TestBuildsAtOnce(t *testing.T) {
	l := need(t)
	t.Parallel()
	store := l.downloads(t, 0)
	var group sync.WaitGroup
	for _, example := range []string{"hello-world", "hello-world", "fastapi-service", "hello-world"} {
		dir := l.project(t, example)
		group.Go(func() {
			got, err := l.start(call{args: []string{"build", dir}, store: store}, "").wait()
			if err != nil || got.code != 0 || strings.TrimSpace(got.stdout) != l.first[example].Digest {
				t.Errorf("%s: printed %q and ended with %d, want %s (%v)\n%s", example, got.stdout, got.code, l.first[example].Digest, err, got.stderr)
			}
		})
	}
	group.Wait()
}
