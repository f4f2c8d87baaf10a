package destinationtest

import (
	"io"
	"math/rand/v2"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// bigLayer is how many bytes the lower layers have: enough to see whether they were sent.
const bigLayer = 110_000

// NewImage returns an image of three layers. The upper one holds the version; the two below are the same file in
// every image, so that one blob stands twice in the manifest.
func NewImage(t testing.TB, version string) v1.Image {
	t.Helper()
	return newImage(t, plan.Platform{OS: "linux", Arch: "amd64"}, version)
}

func newImage(t testing.TB, platform plan.Platform, version string) v1.Image {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	noise := make([]byte, bigLayer)
	rand.NewChaCha8([32]byte{}).Read(noise)
	big := newLayer(t, st, plan.WheelLayer, "venv/noise", noise)
	top := newLayer(t, st, plan.ProjectLayer, "app/version", []byte(platform.Arch+" version "+version))
	cfg := plan.Config{Platform: platform, Entrypoint: []string{"/nothing"},
		Labels: map[string]string{"version": version}}
	img, err := image.New(cfg, []layer.Record{big, big, top}, st)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Single is an image of one platform, as destinations take it.
func Single(img v1.Image) destination.Image { return destination.Image{Manifests: []v1.Image{img}} }

// NewIndex returns an image for two platforms, which share the lower layers.
func NewIndex(t testing.TB, version string) destination.Image {
	t.Helper()
	var out destination.Image
	var members []image.Member
	for _, arch := range []string{"amd64", "arm64"} {
		p := plan.Platform{OS: "linux", Arch: arch}
		img := newImage(t, p, version)
		out.Manifests = append(out.Manifests, img)
		members = append(members, image.Member{Platform: p, Image: img})
	}
	var err error
	if out.Index, err = image.NewIndex(members, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

// newLayer returns a layer of one file.
func newLayer(t testing.TB, st *store.Store, kind plan.LayerKind, path string, data []byte) layer.Record {
	t.Helper()
	rec, _, err := layer.Cached(t.Context(), st, path, kind, func() (layer.Contents, error) {
		return layer.Contents{Entries: []entry.Entry{entry.NewFile(path, data, false)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// sizeOf returns how many bytes the blobs of an image have, each counted once.
func sizeOf(t testing.TB, img v1.Image) int64 {
	t.Helper()
	m := must(t, img.Manifest)
	n := m.Config.Size
	seen := map[v1.Hash]bool{}
	for _, l := range m.Layers {
		if !seen[l.Digest] {
			n += l.Size
		}
		seen[l.Digest] = true
	}
	return n
}

// breakLayer returns the image with an upper layer that cannot be read.
func breakLayer(img v1.Image, open func() (io.ReadCloser, error)) v1.Image {
	return brokenImage{img, open}
}

type brokenImage struct {
	v1.Image
	open func() (io.ReadCloser, error)
}

func (b brokenImage) Layers() ([]v1.Layer, error) {
	layers, err := b.Image.Layers()
	if err != nil {
		return nil, err
	}
	layers = append([]v1.Layer(nil), layers...)
	last := len(layers) - 1
	layers[last] = brokenLayer{layers[last], b.open}
	return layers, nil
}

type brokenLayer struct {
	v1.Layer
	open func() (io.ReadCloser, error)
}

func (b brokenLayer) Compressed() (io.ReadCloser, error) { return b.open() }
