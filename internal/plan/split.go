package plan

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
)

// The layer split, format 1 (design.md §5). It depends on names and sizes that the lock, the index or lithe.lock state,
// never on what a cache holds, so that every machine splits alike.
const (
	bigWheel    = 1 << 20 // bytes; a wheel from this size on deserves a blob that other images can share
	maxBig      = 24      // wheels with a layer of their own; engines stop at 127 layers, people much earlier
	bucketCount = 8       // layers for all others; a change of one small wheel touches one of them
)

// LayerKind is what a layer holds.
type LayerKind string

// The kinds of layers, in the order in which they stand in an image.
const (
	BaseLayer        LayerKind = base.KindBase
	InterpreterLayer LayerKind = base.KindInterpreter
	SystemLayer      LayerKind = base.KindSystem
	CertificateLayer LayerKind = base.KindCertificates
	WheelLayer       LayerKind = "wheel"  // one big wheel
	WheelsLayer      LayerKind = "wheels" // a bucket of others
	ProjectLayer     LayerKind = "project"
)

// Layer is one layer of the image to be.
type Layer struct {
	Kind     LayerKind `json:"kind"`
	Packages []string  `json:"packages"` // "name version", sorted
	// Members are positions in Plan.Packages, in the order of the layer's contents.
	Members []int `json:"-"`
}

// split groups the packages, which are sorted by name, into layers. Wheels of at least bigWheel bytes stand alone, the
// maxBig largest at most, ties broken by name; each other one falls into the bucket of its name. No threshold depends on
// how many there are, so that one changed wheel changes two layers at most, and one bucket more when maxBig are taken.
func split(packages []Package) []Layer {
	big := bigOnes(packages)
	layers := make([]Layer, 0, len(big)+bucketCount)
	var buckets [bucketCount][]int
	for i, p := range packages {
		if slices.Contains(big, i) {
			layers = append(layers, newLayer(WheelLayer, packages, []int{i}))
			continue
		}
		b := bucket(p.Name)
		buckets[b] = append(buckets[b], i)
	}
	for _, members := range buckets {
		if len(members) > 0 {
			layers = append(layers, newLayer(WheelsLayer, packages, members))
		}
	}
	return layers
}

// bigOnes returns the positions of the wheels that get a layer of their own.
func bigOnes(packages []Package) []int {
	var big []int
	for i, p := range packages {
		if p.Size >= bigWheel {
			big = append(big, i)
		}
	}
	slices.SortFunc(big, func(a, b int) int {
		return cmp.Or(cmp.Compare(packages[b].Size, packages[a].Size), strings.Compare(packages[a].Name, packages[b].Name))
	})
	return big[:min(len(big), maxBig)]
}

// bucket returns the group of a package by its normalised name alone, so that a new version stays where the old one was.
func bucket(name string) int {
	sum := sha256.Sum256([]byte(name))
	return int(sum[len(sum)-1]) % bucketCount
}

func newLayer(kind LayerKind, packages []Package, members []int) Layer {
	l := Layer{Kind: kind, Members: members}
	for _, i := range members {
		l.Packages = append(l.Packages, packages[i].Name+" "+packages[i].Version)
	}
	return l
}
