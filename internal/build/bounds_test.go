package build_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// What a person changes decides which layers change: the promises of design.md, section 1, row 6.
func TestChangedLayers(t *testing.T) {
	s := newSite(t, append(goldenWheels, pyindex.Wheel{Name: "checker", Version: "3.0"}, pyindex.Wheel{Name: "big", Version: "1.1", Size: 1 << 20})...)
	for _, tt := range []struct {
		name   string
		before map[string]string
		after  map[string]string
		want   change
	}{
		{"a greeting of a package", greeter("hello", "greet", "big"), greeter("good morning", "greet", "big"),
			change{gone: []string{"project greeter 1.0"}, added: []string{"project greeter 1.0"}}},
		{"a greeting of files", copied("hello", "greet", "big"), copied("good morning", "greet", "big"),
			change{gone: []string{"project greeter 1.0"}, added: []string{"project greeter 1.0"}}},
		{"a dependency more, of files", copied("hello", "greet"), copied("hello", "greet", "checker"),
			change{added: []string{"wheels checker 3.0"}}},
		{"a dependency more, of a package, whose metadata names it", greeter("hello", "greet"), greeter("hello", "greet", "checker"),
			change{gone: []string{"project greeter 1.0"}, added: []string{"wheels checker 3.0", "project greeter 1.0"}}},
		{"another version of a large dependency", copied("hello", "greet", "big==1.0"), copied("hello", "greet", "big==1.1"),
			change{gone: []string{"wheel big 1.0"}, added: []string{"wheel big 1.1"}}},
		{"a dev dependency", greeter("hello", "greet"), withGroup(greeter("hello", "greet"), "checker"), change{}},
		{"the order of dependencies", copied("hello", "greet", "big"), copied("hello", "big", "greet"), change{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := run(t, s.options(t, s.project(t, tt.before)))
			after := run(t, s.options(t, s.project(t, tt.after)))
			if diff := cmp.Diff(tt.want, compare(before, after), cmp.AllowUnexported(change{})); diff != "" {
				t.Error(diff)
			}
			if same := before.Digest == after.Digest; same != (len(tt.want.added) == 0) {
				t.Errorf("digests %s and %s", before.Digest, after.Digest)
			}
		})
	}
}

// withGroup adds a dev dependency.
func withGroup(files map[string]string, dependency string) map[string]string {
	files["pyproject.toml"] += fmt.Sprintf("[dependency-groups]\ndev = [%q]\n", dependency)
	return files
}

// large is the size from which a wheel has a layer of its own, and most is how many have one (design.md, section 5).
const large, most = 1 << 20, 24

// TestLayerBounds adds, drops and bumps wheels at random. A change of one wheel changes two layers at most, and one more
// when all layers for large wheels are taken; base, interpreter and files of the project stay.
func TestLayerBounds(t *testing.T) {
	for _, tt := range []struct {
		name         string
		small, large int // wheels to begin with
	}{
		{"few", 6, 2}, {"as many large ones as have layers", 10, most}, {"more large ones than layers", 4, most + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			m := &mixer{r: rand.New(rand.NewPCG(seed, 0))}
			for range tt.small {
				m.add(false)
			}
			for range tt.large {
				m.add(true)
			}
			m.walk(t, 8)
		})
	}
}

// mixer holds the wheels of a project that changes.
type mixer struct {
	r      *rand.Rand
	wheels []pyindex.Wheel
	made   int // so that no name or version comes twice
}

func (m *mixer) add(big bool) {
	m.made++
	m.wheels = append(m.wheels, pyindex.Wheel{Name: fmt.Sprintf("w%d", m.made), Version: "1.0", Size: m.size(big)})
}

// size is a size above or below the limit.
func (m *mixer) size(big bool) int {
	if big {
		return large + m.r.IntN(2000)
	}
	return m.r.IntN(3000)
}

// step changes one wheel and says how.
func (m *mixer) step() string {
	big := m.r.IntN(2) == 0
	i := m.r.IntN(len(m.wheels))
	w := m.wheels[i]
	switch m.r.IntN(3) {
	case 0:
		m.add(big)
		return fmt.Sprintf("adds a wheel, large: %t", big)
	case 1:
		m.wheels = slices.Delete(m.wheels, i, i+1)
		return fmt.Sprintf("drops %s, large: %t", w.Name, w.Size >= large)
	default:
		m.made++
		m.wheels[i] = pyindex.Wheel{Name: w.Name, Version: fmt.Sprintf("1.%d", m.made), Size: m.size(big)}
		return fmt.Sprintf("bumps %s, large: %t before, %t now", w.Name, w.Size >= large, big)
	}
}

// walk builds after each step and compares with the build before.
func (m *mixer) walk(t *testing.T, steps int) {
	t.Helper()
	s := newSite(t)
	store := t.TempDir()
	before := m.build(t, s, store)
	for range steps {
		full := m.large() >= most
		what := m.step()
		bound := 2
		if full = full || m.large() >= most; full {
			bound = 3
		}
		after := m.build(t, s, store)
		c := compare(before, after)
		t.Logf("%s: %d gone, %d added of %d", what, len(c.gone), len(c.added), len(after.Platforms[0].Layers))
		if len(c.gone) > bound || len(c.added) > bound || len(c.gone)+len(c.added) == 0 {
			t.Errorf("%s: more than %d layers: gone %q, added %q", what, bound, c.gone, c.added)
		}
		for _, l := range append(c.gone, c.added...) {
			if !strings.HasPrefix(l, string(plan.WheelLayer)) {
				t.Errorf("%s: layer %q changed", what, l)
			}
		}
		m.checkSplit(t, after)
		before = after
	}
}

func (m *mixer) large() (n int) {
	for _, w := range m.wheels {
		if w.Size >= large {
			n++
		}
	}
	return n
}

func (m *mixer) build(t *testing.T, s *site, store string) *build.Result {
	t.Helper()
	s.index.Add(m.wheels...)
	var names []string
	for _, w := range m.wheels {
		names = append(names, w.Name+"=="+w.Version)
	}
	opt := s.options(t, s.project(t, copied("hello", names...)))
	opt.Store = store
	return run(t, opt)
}

// checkSplit wants every wheel in exactly one layer, and the large ones alone as long as there are layers for them.
func (m *mixer) checkSplit(t *testing.T, result *build.Result) {
	t.Helper()
	alone, all := 0, []string{}
	for _, l := range result.Platforms[0].Layers {
		switch l.Kind {
		case plan.WheelLayer:
			alone++
			all = append(all, l.Packages...)
		case plan.WheelsLayer:
			all = append(all, l.Packages...)
		}
	}
	var want []string
	for _, w := range m.wheels {
		want = append(want, w.Name+" "+w.Version)
	}
	slices.Sort(want)
	slices.Sort(all)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("wheels in layers: %s", diff)
	}
	if alone != min(m.large(), most) {
		t.Errorf("%d layers of one wheel for %d large ones", alone, m.large())
	}
}
