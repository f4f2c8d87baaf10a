//go:build linux

package e2e

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPolls asks the Django example for its text and its picture, in a container that lacks all it can. Nothing in the
// project says what runs.
func TestPolls(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := l.project(t, "django-polls")
	if text := read(t, dir+"/manage.py"); strings.Contains(text, "gunicorn") {
		t.Error("manage.py names the server")
	}
	image := l.load(t, dir)
	for _, user := range users {
		t.Run(user, func(t *testing.T) {
			name := container(t, append(hardened[:len(hardened):len(hardened)], "--user", user, "--publish", "127.0.0.1::8000", image)...)
			url := "http://" + docker(t, "port", name, "8000/tcp")
			asksPolls(t, url)
			stopsServing(t, name, "Booting worker")
			if text := logs(t, name); !strings.Contains(text, "Shutting down: Master") || strings.Contains(text, "Traceback") {
				t.Errorf("it printed:\n%s", text)
			}
		})
	}
}

// asksPolls asks for the text and the picture.
func asksPolls(t *testing.T, url string) {
	t.Helper()
	if text := get(t, url+"/polls/"); string(text) != "Hello, world. You're at the polls index." {
		t.Errorf("the index says %q", text)
	}
	picture, err := png.Decode(bytes.NewReader(get(t, url+"/polls/future")))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 320 || size.Y != 120 {
		t.Errorf("the picture has %v", size)
	}
}

// get waits until a server answers, and returns the answer.
func get(t *testing.T, url string) (body []byte) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(t, url, func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return body
}

// stopsServing checks that a server ends in time after SIGTERM, by its own graceful code: 0, or 143 where it raises the signal
// again.
func stopsServing(t *testing.T, name, ready string) {
	t.Helper()
	stops(t, name, ready, "0", "143")
}

// stops checks that a container ends in time, by one of some exit codes. Other tests may have the machine meanwhile, so the
// best of three times counts; ready is what it prints when it can be stopped.
func stops(t *testing.T, name, ready string, codes ...string) {
	t.Helper()
	best := time.Hour
	for attempt := 1; attempt <= 3 && best > inTime(t); attempt++ {
		if attempt > 1 {
			docker(t, "start", name)
		}
		eventually(t, ready, func() bool { return strings.Count(logs(t, name), ready) >= attempt })
		code, took := stopped(t, name, attempt)
		if !slices.Contains(codes, code) {
			t.Fatalf("it ended with %s\n%s", code, logs(t, name))
		}
		best = min(best, took)
	}
	if limit := inTime(t); best > limit {
		t.Errorf("it took %v to end, more than %v\n%s", best, limit, logs(t, name))
	}
}

// inTime is how long a container may take to end: two seconds on an idle machine. Where processes wait for a processor it is
// longer by as much, but for what an engine kills a container after.
func inTime(t *testing.T) time.Duration {
	t.Helper()
	const idle, most = 2 * time.Second, 30 * time.Second
	last, _, _ := strings.Cut(read(t, "/proc/loadavg"), " ")
	load, err := strconv.ParseFloat(last, 64)
	if err != nil {
		t.Fatal(err)
	}
	busy := max(1, load/float64(runtime.NumCPU()))
	return min(most, time.Duration(busy*float64(idle)))
}

// stopped stops a container for the nth time, and returns its exit code and how long it took by the engine's own clock: on a
// busy machine its command takes seconds to start. An event may come after the command.
func stopped(t *testing.T, name string, nth int) (code string, took time.Duration) {
	t.Helper()
	docker(t, "stop", "--time", "60", name)
	eventually(t, "the end of "+name, func() bool {
		var killed int64
		ends := 0
		for event := range strings.Lines(docker(t, "events", "--since", "10m", "--until", "0s", "--filter", "container="+name,
			"--format", "{{.TimeNano}} {{.Action}} {{.Actor.Attributes.exitCode}}")) {
			switch fields := strings.Fields(event); fields[1] {
			case "kill":
				killed = nanoseconds(t, fields[0])
			case "die":
				ends++
				code, took = fields[2], time.Duration(nanoseconds(t, fields[0])-killed)
			}
		}
		return ends == nth
	})
	return code, took
}

func nanoseconds(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
