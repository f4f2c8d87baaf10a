package build_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// TestBuilderGetsCargo: whoever asks for a tool of Rust, at whatever point, the builder has cargo, and lithe.lock says so.
func TestBuilderGetsCargo(t *testing.T) {
	tools := []pyindex.Wheel{{Name: "maturin", Version: "1.9"}, {Name: "setuptools-rust", Version: "1.12"}}
	for what, tt := range map[string]struct {
		files []pyindex.Wheel
		calls []string // until it is locked; a build that finds out late begins again
	}{
		"its pyproject.toml": {[]pyindex.Wheel{fake{Name: "native"}.sdist(t, "maturin")},
			[]string{"native: get_requires_for_build_wheel", "native: build_wheel"}},
		"its backend": {[]pyindex.Wheel{fake{Name: "native", Requires: []string{"setuptools-rust>=1"}}.sdist(t)},
			[]string{"native: get_requires_for_build_wheel", "native: get_requires_for_build_wheel", "native: build_wheel"}},
		"what it is built with": {[]pyindex.Wheel{fake{Name: "native"}.sdist(t, "helper"), fake{Name: "helper"}.sdist(t, "maturin")},
			[]string{"helper: get_requires_for_build_wheel", "helper: build_wheel", "native: get_requires_for_build_wheel", "native: build_wheel"}},
	} {
		t.Run(what, func(t *testing.T) {
			s, dir, b := sources(t, append(tt.files, tools...)...)
			opt := build.Isolated(s.options(t, dir), b)
			first := run(t, opt)
			if got := b.called(); !slices.Equal(got, tt.calls) {
				t.Errorf("called %q, want %q", got, tt.calls)
			}
			locked, err := os.ReadFile(filepath.Join(dir, "lithe.lock"))
			if err != nil || !strings.Contains(string(locked), `"cargo-web | cargo"`) || !strings.Contains(string(locked), `name = "cargo"`) {
				t.Errorf("lithe.lock: %v\n%s", err, locked)
			}
			opt.Locked, opt.Store = true, t.TempDir() // what is locked is enough, and stays as it is
			if second := run(t, opt); second.Digest != first.Digest {
				t.Errorf("digests %s and %s", first.Digest, second.Digest)
			}
		})
	}
}
