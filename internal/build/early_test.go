package build_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/trace"
)

// TestEarlyLayers holds one wheel back until the layer of another one is made: whoever waits for all wheels first never gets it.
func TestEarlyLayers(t *testing.T) {
	s := newSite(t, goldenWheels...)
	opt := s.options(t, s.project(t, greeter("hello", "greet", "big")))
	opt.Trace = trace.New()
	s.index.Through(func(index http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/files/colours-") && !soon(func() bool { return madeLayer(opt.Trace, "big 1.0") }) {
				t.Error("no layer is made before all wheels are there")
			}
			index.ServeHTTP(w, r)
		})
	})
	result := run(t, opt)
	if want := int64(len(result.Platforms[0].Layers)); result.Counts.Layers != want {
		t.Errorf("%d layers made, not %d", result.Counts.Layers, want)
	}
	for _, l := range result.Platforms[0].Layers {
		if l.Reused {
			t.Errorf("the layer of %v counts as reused", l.Packages)
		}
	}
}

// The layer of a wheel that loses a file is made anew, and the image is the one of any other build.
func TestEarlyLayerLosesFile(t *testing.T) {
	rival := func(name, text string) pyindex.Wheel {
		return pyindex.Wheel{Name: name, Version: "1.0", Size: 1 << 20, Files: map[string]string{"common/__init__.py": text}}
	}
	s := newSite(t, rival("first", "WHO = 1\n"), rival("second", "WHO = 2\n"))
	files := greeter("hello", "first", "second")
	files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "[project]\n",
		"[tool.lithe.overlaps]\n\"common/__init__.py\" = \"first\"\n[project]\n", 1)
	dir := s.project(t, files)
	result := run(t, s.options(t, dir))
	if got := fileIn(t, result.Platforms[0], "venv/lib/python3.13/site-packages/common/__init__.py"); got != "WHO = 1\n" {
		t.Errorf("the image has %q", got)
	}
	if again := run(t, s.options(t, dir)); again.Digest != result.Digest {
		t.Errorf("%s, then %s", result.Digest, again.Digest)
	}
}

// madeLayer tells whether a layer was made by now.
func madeLayer(r *trace.Recorder, name string) bool {
	for _, span := range r.Spans() {
		if span.Kind == trace.Layer && span.Name == name {
			return true
		}
	}
	return false
}

// soon waits for something that must come.
func soon(there func() bool) bool {
	for range 1500 {
		if there() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}
