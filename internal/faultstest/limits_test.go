package faultstest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// What a build may have at once, however many wheels there are. The servers run in this process as well: each of their
// connections has up to three goroutines and a file beside the client's two and one.
const (
	manyWheels    = 300
	maxGoroutines = 200
	maxOpenFiles  = 150
)

// TestBounds builds a project with very many wheels, cold and warm, and counts goroutines and open files meanwhile. Both
// must not grow with the wheels, and nothing may stay.
func TestBounds(t *testing.T) {
	w := newWorld(t)
	dependencies := ""
	for i := range manyWheels {
		name := fmt.Sprintf("many%d", i)
		w.index.Add(pyindex.Wheel{Name: name, Version: "1.0"})
		dependencies += fmt.Sprintf("%q, ", name)
	}
	text := strings.Replace(pyproject, `"big"`, dependencies+`"big"`, 1)
	w.write("app/pyproject.toml", text)
	lock, err := pyindex.UVLock(w.index, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w.write("app/uv.lock", string(lock))
	w.env["LITHE_JOBS"] = "4"
	before := runtime.NumGoroutine()
	for _, state := range []string{"cold", "warm"} {
		stop := watch()
		got := w.build()
		most := stop()
		if got.code != good {
			t.Fatal(got)
		}
		t.Logf("%s: %d goroutines, %d files, in %d looks", state, most.goroutines, most.files, most.looks)
		if most.goroutines > maxGoroutines || most.files > maxOpenFiles {
			t.Errorf("%s: %d goroutines, want %d at most; %d open files, want %d at most", state, most.goroutines, maxGoroutines,
				most.files, maxOpenFiles)
		}
		if state == "cold" && most.looks < 5 {
			t.Errorf("only %d looks: the build was too fast to be watched", most.looks)
		}
		w.removeImage()
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+maxIdle; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines stay, %d were there before", runtime.NumGoroutine(), before)
		}
	}
}

// maxIdle is what connections that are kept open may leave: a client's and a server's side for each host and job.
const maxIdle = 3 * 3 * 4

// counted is the most that was seen.
type counted struct{ goroutines, files, looks int }

// watch looks every now and then until it is stopped.
func watch() (stop func() counted) {
	done, told := make(chan struct{}), make(chan counted)
	go func() {
		var most counted
		for {
			most.looks++
			most.goroutines = max(most.goroutines, runtime.NumGoroutine())
			open, _ := os.ReadDir("/proc/self/fd") // elsewhere than on Linux there is none, and no files are counted
			most.files = max(most.files, len(open))
			select {
			case <-done:
				told <- most
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() counted { close(done); return <-told }
}
