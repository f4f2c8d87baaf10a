package build_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

var both = []string{"linux/amd64", "linux/arm64"}

// crossWheels are the golden wheels and one with a file for each platform.
var crossWheels = append(slices.Clone(goldenWheels),
	pyindex.Wheel{Name: "native", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_x86_64", Size: 1 << 20, Files: map[string]string{"native/arch": "x86_64"}},
	pyindex.Wheel{Name: "native", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_aarch64", Size: 1 << 20, Files: map[string]string{"native/arch": "aarch64"}})

// crossOptions builds a project with a wheel for each platform, for the platforms given.
func crossOptions(t *testing.T, s *site, platforms ...string) build.Options {
	t.Helper()
	opt := s.options(t, s.project(t, greeter("hello", "greet", "big", "native")))
	opt.Platforms = platforms
	return opt
}

// An index holds the very images that a build for one platform makes, whatever the order in which they are asked for.
func TestIndexOfPlatforms(t *testing.T) {
	s := newSite(t, crossWheels...)
	result := run(t, crossOptions(t, s, both...))
	if err := validate.Index(result.Index); err != nil {
		t.Error(err)
	}
	manifest, err := result.Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []v1.Platform
	for i, m := range manifest.Manifests {
		platforms = append(platforms, *m.Platform)
		alone := run(t, crossOptions(t, s, both[i]))
		if alone.Index != nil || alone.Digest != m.Digest.String() || alone.Digest != result.Platforms[i].Digest {
			t.Errorf("%s: %s alone, %s in the index", both[i], alone.Digest, m.Digest)
		}
	}
	want := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64", Variant: "v8"}}
	if diff := cmp.Diff(want, platforms); diff != "" {
		t.Error(diff)
	}
	if again := run(t, crossOptions(t, s, "linux/arm64/v8", "linux/amd64", "linux/arm64")); again.Digest != result.Digest {
		t.Errorf("%s in another order, not %s", again.Digest, result.Digest)
	}
}

// What no platform is in is one layer, made once; a file that two platforms need is downloaded once.
func TestPlatformsShare(t *testing.T) {
	s := newSite(t, crossWheels...)
	s.index.Requests()
	s.mirror.Requests()
	result := run(t, crossOptions(t, s, both...))
	shared := map[string]bool{}
	for i, l := range result.Platforms[0].Layers {
		other := result.Platforms[1].Layers[i]
		shared[strings.TrimSpace(string(l.Kind)+" "+strings.Join(l.Packages, ", "))] = l.Digest == other.Digest
		if l.Reused || other.Reused {
			t.Errorf("%s layer %v comes from an empty store", l.Kind, l.Packages)
		}
	}
	for name, same := range shared {
		if own := strings.HasPrefix(name, "base") || strings.HasPrefix(name, "interpreter") || strings.HasPrefix(name, "wheel native"); same == own {
			t.Errorf("layer %q shared: %t", name, same)
		}
	}
	if len(shared) != len(result.Platforms[0].Layers) {
		t.Errorf("layers %v", shared)
	}
	asked := map[string]int{}
	for _, path := range append(s.index.Requests(), s.mirror.Requests()...) {
		if name := filepath.Base(path); strings.HasSuffix(name, ".whl") || strings.HasSuffix(name, ".deb") {
			asked[name]++
		}
	}
	for name, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
	if asked["greet-1.0-py3-none-any.whl"]+asked["native-1.0-cp313-cp313-manylinux_2_17_aarch64.whl"] != 2 {
		t.Errorf("downloads: %v", asked)
	}
	if file := fileIn(t, result.Platforms[1], "venv/lib/python3.13/site-packages/native/arch"); file != "aarch64" {
		t.Errorf("the image for arm64 has the wheel for %q", file)
	}
}

// The problems of all platforms are reported at once, before anything is downloaded, and what they share once.
func TestProblemsOfAllPlatforms(t *testing.T) {
	s := newSite(t, append(goldenWheels, pyindex.Wheel{Name: "intel", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_x86_64"},
		pyindex.Wheel{Name: "arm", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_aarch64"},
		pyindex.Wheel{Name: "windows", Version: "1.0", Tag: "cp313-cp313-win_amd64"})...)
	opt := s.options(t, s.project(t, copied("hello", "intel", "arm", "windows")))
	opt.Platforms = both
	s.index.Requests()
	_, err := build.Run(t.Context(), opt)
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 4 {
		t.Fatalf("%d problems: %v", len(problems), err)
	}
	for _, want := range []string{"arm 1.0 has no wheel for linux/amd64", "intel 1.0 has no wheel for linux/arm64",
		"windows 1.0 has no wheel for linux/amd64", "windows 1.0 has no wheel for linux/arm64"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not among the problems: %s\n%v", want, err)
		}
	}
	if asked := append(s.index.Requests(), s.mirror.Requests()...); len(asked) != 0 {
		t.Errorf("requests: %q", asked)
	}
}

// Which platforms are built: the option's, the configuration's, the machine's.
func TestChosenPlatforms(t *testing.T) {
	s := newSite(t, goldenWheels...)
	for _, tt := range []struct {
		name, host string
		configured []string
		option     []string
		one        bool
		want       []string
	}{
		{"nothing said", "linux/arm64", nil, nil, false, []string{"linux/arm64"}},
		{"configuration", "linux/arm64", both, nil, false, both},
		{"configuration, to run", "linux/arm64", both, nil, true, []string{"linux/arm64"}},
		{"configuration of another platform, to run", "linux/amd64", []string{"linux/arm64"}, nil, true, []string{"linux/arm64"}},
		{"option before configuration", "linux/amd64", both, []string{"linux/arm64"}, false, []string{"linux/arm64"}},
		{"option to run", "linux/amd64", nil, []string{"linux/arm64"}, true, []string{"linux/arm64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := copied("hello", "greet")
			if tt.configured != nil {
				files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "bytecode = false\n",
					"bytecode = false\nplatforms = ['"+strings.Join(tt.configured, "', '")+"']\n", 1)
			}
			opt := build.OnHost(s.options(t, s.project(t, files)), tt.host)
			opt.Platforms, opt.One = tt.option, tt.one
			var got []string
			for _, p := range run(t, opt).Platforms {
				got = append(got, p.Platform)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A build for one more platform adds it to lithe.lock and moves nothing: neither packages nor the digest of the first.
func TestLockGrowsByPlatforms(t *testing.T) {
	s := newSite(t, goldenWheels...)
	dir := s.project(t, copied("hello", "greet"))
	opt := s.options(t, dir)
	first := run(t, opt)
	before := lockText(t, dir)
	later := suites()
	for i := range later {
		later[i].Date = debmirror.DefaultDate.AddDate(0, 0, 7)
	}
	s.mirror.Publish(later...)
	opt.Platforms = []string{"linux/arm64"}
	run(t, opt)
	after := lockText(t, dir)
	if kept := strings.Contains(after, before[strings.Index(before, "[[platform]]"):]); !kept {
		t.Errorf("linux/amd64 moved:\n%s", after)
	}
	if want := "name = \"linux/arm64\"\ncreated = 2025-08-16T10:00:00Z\n"; strings.Count(after, want) != 1 {
		t.Errorf("the date of the later platform is not recorded:\n%s", after)
	}
	opt.Platforms, opt.Locked = both, true
	if again := run(t, opt); again.Platforms[0].Digest != first.Digest {
		t.Errorf("linux/amd64 is %s, not %s", again.Platforms[0].Digest, first.Digest)
	}
	if changes, err := build.Lock(t.Context(), build.OnHost(without(opt), "linux/amd64"), true); err != nil || strings.Contains(lockText(t, dir), "\ncreated = 2025-08-16T10:00:00Z\npackages") {
		t.Errorf("after --upgrade all platforms have one date: %q, %v\n%s", changes, err, lockText(t, dir))
	}
}

// without returns the options of a build that may change lithe.lock, for the first platform alone.
func without(opt build.Options) build.Options {
	opt.Locked, opt.Platforms = false, both[:1]
	return opt
}

func lockText(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "lithe.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// An image with bytecode for another architecture needs the machine's own base, whose interpreter compiles: it is locked
// with it. Without bytecode nothing has to run.
func TestHostIsLockedForItsInterpreter(t *testing.T) {
	s := newSite(t, goldenWheels...)
	for _, tt := range []struct {
		bytecode bool
		host     string
		want     []string
	}{{true, "linux/amd64", both}, {false, "linux/amd64", both[1:]}, {true, "linux/arm64", both[1:]}} {
		t.Run(fmt.Sprintf("bytecode %t on %s", tt.bytecode, tt.host), func(t *testing.T) {
			files := copied("hello", "greet")
			files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "bytecode = false", fmt.Sprintf("bytecode = %t", tt.bytecode), 1)
			dir := s.project(t, files)
			opt := build.OnHost(s.options(t, dir), tt.host)
			opt.Platforms = both[1:]
			if _, err := build.Lock(t.Context(), opt, false); err != nil {
				t.Fatal(err)
			}
			for _, platform := range both {
				if has := strings.Contains(lockText(t, dir), fmt.Sprintf("name = %q", platform)); has != slices.Contains(tt.want, platform) {
					t.Errorf("%s in lithe.lock: %t", platform, has)
				}
			}
		})
	}
}

// Another release of Python writes other bytecode, so that its base must not compile for this one.
func TestCompilerOfAnotherRelease(t *testing.T) {
	s := newSite(t, goldenWheels...)
	files := copied("hello", "greet")
	files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "bytecode = false\n", "", 1)
	dir := s.project(t, files)
	opt := build.OnHost(s.options(t, dir), "linux/amd64")
	if _, err := build.Lock(t.Context(), opt, false); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(lockText(t, dir), `"3.13.5-2"`, `"3.13.4-2"`)
	write(t, dir, map[string]string{"lithe.lock": text})
	opt.Platforms = both[1:]
	_, err := build.Lock(t.Context(), opt, false)
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 1 || problems[0].Code != "compiler-mismatch" || !strings.Contains(problems[0].Hint, "--upgrade") {
		t.Fatalf("%v", err)
	}
	if _, err := build.Lock(t.Context(), opt, true); err != nil {
		t.Error(err)
	}
}

// The digest of an index is a function of its images and the format number, as theirs are of their inputs.
func TestGoldenIndex(t *testing.T) {
	s := newSite(t, crossWheels...)
	result := run(t, crossOptions(t, s, both...))
	var got bytes.Buffer
	fmt.Fprintf(&got, "index %s\n", result.Digest)
	for _, p := range result.Platforms {
		fmt.Fprintf(&got, "%s: manifest %s\n", p.Platform, p.Digest)
		for _, l := range p.Layers {
			fmt.Fprintf(&got, "%s: %s %s\n", p.Platform, l.Kind, l.Digest)
		}
	}
	golden.Compare(t, fmt.Sprintf("testdata/golden/index-%d.txt", layer.Format), got.Bytes(), *update)
}

// What is explained of several platforms is the machine's.
func TestExplainTakesOnePlatform(t *testing.T) {
	s := newSite(t, goldenWheels...)
	opt := build.OnHost(s.options(t, s.project(t, copied("hello", "greet"))), "linux/arm64")
	opt.Platforms = both
	p, err := build.Explain(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if want := (plan.Platform{OS: "linux", Arch: "arm64"}); p.Target.Platform != want {
		t.Errorf("explained for %s", p.Target.Platform)
	}
}
