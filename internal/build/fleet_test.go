package build_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/trace"
)

// What docs/concepts/scale.md says of a build on a machine that has nothing, when the registry has the image before: the
// requests are these and one for each layer of the image; what is sent does not grow with the layers.
const (
	fleetRequests = 20   // whatever is in the image
	fleetSent     = 4000 // bytes sent whatever is in the image: a small layer, what a configuration and a manifest begin with
	fleetPerLayer = 640  // bytes of manifest, configuration and catalogue for each layer
)

// containers is a registry.
func containers(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// largeWheels are wheels that have a layer each.
func largeWheels(n int) (wheels []pyindex.Wheel, names []string) {
	for i := range n {
		w := pyindex.Wheel{Name: fmt.Sprintf("wheel%d", i), Version: "1.0", Size: large}
		wheels, names = append(wheels, w), append(names, w.Name)
	}
	return wheels, names
}

// TestFleet counts what a runner with an empty store asks and moves after a change of the source: the cost of the next machine.
func TestFleet(t *testing.T) {
	for _, n := range []int{1, 6, 20} {
		t.Run(fmt.Sprintf("%d large wheels", n), func(t *testing.T) {
			wheels, names := largeWheels(n)
			s := newSite(t, wheels...)
			dir, tag := s.project(t, copied("hello", names...)), containers(t)+"/app:1"
			push := func() *build.Result {
				opt := s.options(t, dir) // with a store of its own
				opt.Push, opt.Tags, opt.Reuse, opt.Trace = true, []string{tag}, build.ReuseRegistry, trace.New()
				result := run(t, opt)
				if testing.Verbose() && t.Failed() {
					for _, span := range opt.Trace.Spans() {
						t.Log(span.Name)
					}
				}
				return result
			}
			push()
			write(t, dir, copied("good morning", names...))
			got := push()
			layers := int64(len(got.Platforms[0].Layers))
			t.Logf("%d layers: %+v", layers, got.Counts)
			if got.Counts.Layers != 1 {
				t.Errorf("%d layers are made", got.Counts.Layers)
			}
			if want := fleetRequests + layers; got.Counts.Requests != want {
				t.Errorf("%d requests, and the page says %d", got.Counts.Requests, want)
			}
			if most := fleetSent + fleetPerLayer*layers; got.Counts.Sent > most || got.Counts.Received > most {
				t.Errorf("%d bytes sent and %d received, and the page says %d at most", got.Counts.Sent, got.Counts.Received, most)
			}
		})
	}
}

// TestFirstRequests counts what the very first build asks: each file once, and what names them once.
func TestFirstRequests(t *testing.T) {
	requests := func(n int) int64 {
		wheels, names := largeWheels(n)
		s := newSite(t, wheels...)
		return run(t, s.options(t, s.project(t, copied("hello", names...)))).Counts.Requests
	}
	few, many := requests(2), requests(12)
	if many-few != 10 {
		t.Errorf("ten wheels more are %d requests more", many-few)
	}
}
