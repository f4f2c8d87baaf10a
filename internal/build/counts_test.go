package build_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/memregistry"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/trace"
)

// TestPromises counts what a build does after a change: no clock takes part, so that a promise is kept or broken whatever
// the machine is busy with. Each row starts from a store in which the project was built before.
func TestPromises(t *testing.T) {
	s := newSite(t, append(goldenWheels, pyindex.Wheel{Name: "checker", Version: "3.0"}, pyindex.Wheel{Name: "big", Version: "1.1", Size: 1 << 20})...)
	before := greeter("hello", "greet", "big==1.0")
	for _, tt := range []struct {
		name             string
		after            map[string]string
		layers, requests int64
	}{
		{"nothing", before, 0, 0},
		{"the sources", greeter("good morning", "greet", "big==1.0"), 1, 0},
		{"a dev dependency", withGroup(before, "checker"), 0, 0},
		{"one more dependency: its layer, its download, and the metadata of the project", greeter("hello", "greet", "big==1.0", "checker"), 2, 1},
		{"a newer dependency: its layer, its download, and the metadata of the project", greeter("hello", "greet", "big==1.1"), 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := s.project(t, before)
			opt := s.options(t, dir)
			run(t, opt)
			write(t, dir, tt.after)
			s.lock(t, dir)
			got := run(t, opt).Counts
			want := trace.Counts{Layers: tt.layers, Requests: tt.requests, Received: got.Received, Files: got.Files, Records: got.Records}
			if got != want || (got.Received > 0) != (tt.requests > 0) {
				t.Errorf("a build after %s: %+v, not %+v", tt.name, got, want)
			}
		})
	}
}

// TestDependencyBumped counts what a newer version of one of several dependencies costs a project that is copied: its download, its layer, and
// nothing of the project's own. How many other dependencies there are makes records of the store to read, one for each
// layer and one for each wheel.
func TestDependencyBumped(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems read every file")
	}
	var records []int64
	for _, n := range []int{1, 12} {
		wheels, names := largeWheels(n)
		bumped := pyindex.Wheel{Name: "big", Version: "1.1", Size: large}
		s := newSite(t, append(wheels, pyindex.Wheel{Name: "big", Version: "1.0", Size: large}, bumped)...)
		dir := s.project(t, copied("hello", append(names, "big==1.0")...))
		opt := build.Settled(s.options(t, dir))
		before := run(t, opt)
		write(t, dir, map[string]string{"pyproject.toml": copied("hello", append(names, "big==1.1")...)["pyproject.toml"]})
		s.lock(t, dir)
		after := run(t, opt)
		want := trace.Counts{Requests: 1, Received: int64(len(bumped.Bytes())), Layers: 1, Records: after.Counts.Records}
		if after.Counts != want {
			t.Errorf("beside %d others: %+v, not %+v", n, after.Counts, want)
		}
		if c := compare(before, after); !slices.Equal(c.added, []string{"wheel big 1.1"}) || !slices.Equal(c.gone, []string{"wheel big 1.0"}) {
			t.Errorf("beside %d others: %q came, %q went", n, c.added, c.gone)
		}
		records = append(records, after.Counts.Records)
	}
	// One more or less, since a layer that is made early is looked up once more where its turn was first.
	if more := records[1] - records[0]; more < 21 || more > 23 {
		t.Errorf("11 more dependencies are %d more records", more)
	}
}

// A first build reads what is on the network once: each file is one request, and each byte of it comes once.
func TestFirstBuildReadsNothingTwice(t *testing.T) {
	s := newSite(t, goldenWheels...)
	opt := s.options(t, s.project(t, greeter("hello", "greet", "big")))
	opt.Trace = trace.New()
	result := run(t, opt)
	seen := map[string]bool{}
	for _, span := range opt.Trace.Spans() {
		if span.Kind != trace.Request {
			continue
		}
		if seen[span.Name] {
			t.Errorf("%s was asked for twice", span.Name)
		}
		seen[span.Name] = true
	}
	if n := int64(len(seen)); n == 0 || n != result.Counts.Requests {
		t.Errorf("%d spans of requests, and %d requests", n, result.Counts.Requests)
	}
	if result.Counts.Layers != int64(len(result.Platforms[0].Layers)) {
		t.Errorf("%d layers made of %d", result.Counts.Layers, len(result.Platforms[0].Layers))
	}
}

// Two stores that had the same builds do the same: no count depends on who was first.
func TestCountsAreSteady(t *testing.T) {
	s := newSite(t, goldenWheels...)
	var counts [2]trace.Counts
	for i := range counts {
		counts[i] = run(t, s.options(t, s.project(t, greeter("hello", "greet", "big")))).Counts
	}
	counts[1].Records = counts[0].Records // who waited for a lock looks twice
	if counts[0] != counts[1] {
		t.Errorf("%+v, then %+v", counts[0], counts[1])
	}
}

// An unchanged image moves nothing into a layout that has it.
func TestUnchangedLayout(t *testing.T) {
	s := newSite(t, goldenWheels...)
	opt := s.options(t, s.project(t, greeter("hello", "greet")))
	opt.Outputs = []string{"oci:" + filepath.Join(t.TempDir(), "image")}
	run(t, opt)
	var again *build.Result
	if again = run(t, opt); again.Outputs[0].Sent != 0 {
		t.Errorf("%d bytes moved", again.Outputs[0].Sent)
	}
	if again.Counts.Requests+again.Counts.Layers+again.Counts.Processes != 0 {
		t.Errorf("%+v", again.Counts)
	}
	if _, err := os.Stat(opt.Store); err != nil {
		t.Fatal(err)
	}
}

// TestSourcePushed counts what a changed source costs that is pushed to the name of before: the same requests for any number of
// layers.
func TestSourcePushed(t *testing.T) {
	for _, n := range []int{1, 12} {
		wheels, names := largeWheels(n)
		s, registry := newSite(t, wheels...), memregistry.Serve(t)
		dir := s.project(t, copied("hello", names...))
		opt := s.options(t, dir)
		opt.Push, opt.Tags = true, []string{registry.Host + "/team/app:1"}
		run(t, opt)
		write(t, dir, copied("good morning", names...))
		after := run(t, opt)
		// Two to find the registry, two for permission, what the name has, two blobs looked for and sent in two, the name.
		if got := after.Counts; got.Layers != 1 || got.Requests > 12 || got.Sent > 16<<10 {
			t.Errorf("with %d wheels: %+v", n, got)
		}
	}
}

// TestRefusedPush has a registry refuse while the image is made: that is the error, also where making it fails, and nothing
// is written.
func TestRefusedPush(t *testing.T) {
	liar := pyindex.Wheel{Name: "liar", Version: "1.0", Size: 1 << 20}
	liar.Raw, liar.File = forged(t, liar.Bytes(), "liar/data.bin"), liar.Filename()
	s := newSite(t, append(slices.Clone(goldenWheels), liar)...)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(300 * time.Millisecond) // the image is made meanwhile, or has failed
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(registry.Close)
	name := strings.TrimPrefix(registry.URL, "http://") + "/team/app:1"
	for what, files := range map[string]map[string]string{"made": copied("hello", "greet"), "failed": copied("hello", "liar")} {
		t.Run(what, func(t *testing.T) {
			opt := s.options(t, s.project(t, files))
			layout := filepath.Join(t.TempDir(), "layout")
			opt.Push, opt.Tags, opt.Outputs = true, []string{name}, []string{"oci:" + layout}
			_, err := build.Run(t.Context(), opt)
			if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "registry-auth" {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(layout); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the layout: %v", err)
			}
		})
	}
}
