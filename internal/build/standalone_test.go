package build_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/testkit/standalone"
)

// onStandalone is a project on a standalone Python, with a lock, the options to build it, and the mirror.
func onStandalone(t *testing.T) (string, build.Options, *standalone.Mirror) {
	t.Helper()
	s, m := newSite(t, pyindex.Wheel{Name: "fast", Version: "1.0", Tag: "cp312-cp312-manylinux_2_17_x86_64"},
		pyindex.Wheel{Name: "fast", Version: "1.0", Tag: "cp312-cp312-manylinux_2_17_aarch64"}), standalone.New(t)
	publish(m, "3.12.15", "20261021")
	dir := filepath.Join(t.TempDir(), "greeter")
	write(t, dir, greeter("hello", "fast"))
	s.lock(t, dir)
	opt := s.options(t, dir)
	opt.StandaloneMirror = m.URL
	return dir, opt, m
}

func publish(m *standalone.Mirror, python, tag string) {
	m.Publish(tag, standalone.Tiny(python, tag, "amd64"), standalone.Tiny(python, tag, "arm64"))
}

// TestStandaloneBase: a Python that only wheels ask for brings the base that has it.
func TestStandaloneBase(t *testing.T) {
	_, opt, _ := onStandalone(t)
	result := run(t, opt)
	p := result.Platforms[0]
	var layers []string
	for _, l := range p.Layers[:2] {
		layers = append(layers, string(l.Kind)+" "+strings.Join(l.Packages, " "))
	}
	if !strings.HasPrefix(layers[0], "base base-files=") || layers[1] != "interpreter cpython=3.12.15+20261021" {
		t.Errorf("layers are %q", layers)
	}
	i := slices.IndexFunc(p.Plan.Packages, func(p plan.Package) bool { return p.Name == "fast" })
	got := []string{p.Plan.Base, p.Plan.Python, p.Plan.Interpreter, p.Plan.Packages[i].Filename}
	if diff := cmp.Diff([]string{"standalone:3.12", "3.12.15", "/usr/local/bin/python3.12", "fast-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"}, got); diff != "" {
		t.Error(diff)
	}
	again := opt
	again.Store, again.Locked = t.TempDir(), true
	if second := run(t, again); second.Digest != result.Digest {
		t.Errorf("digest %s from the lock, %s before", second.Digest, result.Digest)
	}
}

// TestStandaloneBaseMoves publishes another release.
func TestStandaloneBaseMoves(t *testing.T) {
	dir, opt, m := onStandalone(t)
	first := run(t, opt)
	publish(m, "3.12.16", "20261201")
	m.Requests()
	if same := run(t, opt); same.Digest != first.Digest || len(m.Requests()) != 0 {
		t.Error("the image moved without --upgrade, or the mirror was asked")
	}
	// One more platform is of the release that is locked.
	opt.Platforms = []string{"linux/amd64", "linux/arm64"}
	both := run(t, opt)
	if got := both.Platforms[1].Plan.Python; got != "3.12.15" || both.Platforms[0].Digest != first.Digest {
		t.Errorf("arm64 has Python %s, and amd64 is %s", got, both.Platforms[0].Digest)
	}
	changes, err := build.Lock(t.Context(), opt, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		if want := platform + ": cpython 3.12.15+20261021 -> 3.12.16+20261201"; !slices.Contains(changes, want) {
			t.Errorf("%q is not in %q", want, changes)
		}
	}
	if moved := run(t, opt); moved.Platforms[0].Plan.Python != "3.12.16" {
		t.Errorf("Python is %s", moved.Platforms[0].Plan.Python)
	}
	// A change of the name is another base, which --locked refuses.
	opt.Base, opt.Locked = "standalone:3.12.15", true
	if _, err := build.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "lithe.lock does not fit the project") {
		t.Errorf("another Python with --locked: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "lithe.lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := build.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "there is no lithe.lock") {
		t.Errorf("--locked without a lock: %v", err)
	}
}

// TestStandaloneSystemPackages: Debian's packages stand beside the interpreter, which stays when they change.
func TestStandaloneSystemPackages(t *testing.T) {
	dir, opt, _ := onStandalone(t)
	run(t, opt)
	project, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"pyproject.toml": strings.Replace(string(project), "[tool.lithe]\n", "[tool.lithe]\nsystem-packages = [\"libldap2\"]\n", 1)})
	p := run(t, opt).Platforms[0]
	if got := p.Layers[2]; got.Kind != plan.SystemLayer || !slices.Contains(got.Packages, "libldap2=2.6.10+dfsg-1") || p.Plan.Python != "3.12.15" {
		t.Errorf("layer %+v on Python %s", got, p.Plan.Python)
	}
}
