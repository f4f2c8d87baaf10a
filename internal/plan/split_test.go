package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	packages := []Package{
		{Name: "click", Version: "8.1.7", Size: 97 << 10},
		{Name: "numpy", Version: "2.5.5", Size: 18 << 20},
		{Name: "pandas", Version: "3.0.0", Size: bigWheel},
		{Name: "six", Version: "1.17.0", Size: 11 << 10},
	}
	layers := split(packages)
	var got []string
	for _, l := range layers {
		got = append(got, string(l.Kind)+": "+strings.Join(l.Packages, ", "))
	}
	want := []string{"wheel: numpy 2.5.5", "wheel: pandas 3.0.0", "wheels: click 8.1.7", "wheels: six 1.17.0"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSplitKeepsTheLargest(t *testing.T) {
	var packages []Package
	for i := range maxBig + 3 {
		packages = append(packages, Package{Name: fmt.Sprintf("p%02d", i), Version: "1", Size: bigWheel + int64(i)})
	}
	alone := 0
	for _, l := range split(packages) {
		if l.Kind != WheelLayer {
			continue
		}
		alone++
		if slices.Contains([]string{"p00 1", "p01 1", "p02 1"}, l.Packages[0]) {
			t.Errorf("%s is among the three smallest and has a layer of its own", l.Packages[0])
		}
	}
	if alone != maxBig {
		t.Errorf("%d wheels stand alone, want %d", alone, maxBig)
	}
}

// TestSplitBounds adds, drops and bumps random wheels and asserts what design.md §5 promises: a change of one wheel
// changes at most two layers, plus one bucket when the big ones are full.
func TestSplitBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		before := randomPackages(random, 1+random.IntN(80))
		after := mutate(random, before)
		changed, limit := changedLayers(split(before), split(after)), 2
		if countBig(before) >= maxBig || countBig(after) >= maxBig {
			limit = 3
		}
		if changed > limit {
			t.Fatalf("round %d: %d layers changed, at most %d may\nbefore %v\nafter %v", round, changed, limit, before, after)
		}
	}
}

func randomPackages(random *rand.Rand, n int) []Package {
	var packages []Package
	for i := range n {
		packages = append(packages, randomPackage(random, fmt.Sprintf("p%03d", i*2)))
	}
	return packages
}

func randomPackage(random *rand.Rand, name string) Package {
	size := int64(random.IntN(1 << 20))
	if random.IntN(2) == 0 {
		size += bigWheel
	}
	return Package{Name: name, Version: fmt.Sprint(random.IntN(1000)), Size: size}
}

// mutate returns a copy with one wheel added, dropped or bumped.
func mutate(random *rand.Rand, packages []Package) []Package {
	out, i := slices.Clone(packages), random.IntN(len(packages))
	switch random.IntN(3) {
	case 0:
		return slices.Insert(out, i, randomPackage(random, out[i].Name[:3]+"_"))
	case 1:
		return slices.Delete(out, i, i+1)
	default:
		out[i] = randomPackage(random, out[i].Name)
		return out
	}
}

// changedLayers counts the layers of either side that the other side does not have; a layer that is replaced counts once.
func changedLayers(before, after []Layer) int {
	return max(missing(before, after), missing(after, before))
}

func missing(from, in []Layer) int {
	n := 0
	for _, l := range from {
		if !slices.ContainsFunc(in, func(o Layer) bool { return slices.Equal(l.Packages, o.Packages) }) {
			n++
		}
	}
	return n
}

func countBig(packages []Package) int {
	n := 0
	for _, p := range packages {
		if p.Size >= bigWheel {
			n++
		}
	}
	return n
}
