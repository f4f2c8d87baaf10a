package destination_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// newImage returns an image with a large lower layer, which depends on the salt alone, and a small upper one with the
// version in /app/version.
func newImage(t *testing.T, st *store.Store, version string, salt uint64) v1.Image {
	t.Helper()
	noise := make([]byte, 2<<20)
	rand.NewChaCha8([32]byte(fmt.Appendf(nil, "%032d", salt))).Read(noise)
	var layers []layer.Record
	for _, c := range []struct {
		kind            plan.LayerKind
		key, path, data string
	}{
		{plan.WheelLayer, fmt.Sprint("wheel ", salt), "venv/noise", string(noise)},
		{plan.ProjectLayer, fmt.Sprint("project ", salt, version), "app/version", "version " + version},
	} {
		rec, _, err := layer.Cached(t.Context(), st, c.key, c.kind, func() (layer.Contents, error) {
			return layer.Contents{Entries: []entry.Entry{entry.NewFile(c.path, []byte(c.data), false)}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, rec)
	}
	cfg := plan.Config{Platform: plan.Platform{OS: "linux", Arch: "amd64"}, Entrypoint: []string{"/nothing"}}
	img, err := image.New(cfg, layers, st)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// write writes an image as the command line would.
func write(t *testing.T, where string, img v1.Image, tags ...string) destination.Result {
	t.Helper()
	d, err := destination.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, d, img, tags...)
}

func load(t *testing.T, d destination.Destination, img v1.Image, tags ...string) destination.Result {
	t.Helper()
	res, err := d.Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	if res.Digest != digest(t, img) {
		t.Errorf("digest is %s, not %s", res.Digest, digest(t, img))
	}
	return res
}
