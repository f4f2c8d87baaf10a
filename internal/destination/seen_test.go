package destination_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
	"github.com/lithe-build/lithe/internal/store"
)

// kinds counts requests so far, and forgets them: "HEAD blobs", "GET manifests".
func (s *server) kinds() map[string]int {
	all := map[string]int{}
	for _, line := range s.drain() {
		method, path, _ := strings.Cut(line, " ")
		for _, kind := range []string{"blobs", "manifests"} {
			if strings.Contains(path, "/"+kind+"/") {
				all[method+" "+kind]++
			}
		}
	}
	return all
}

// TestPushAsksOnce counts what is asked about an image of which the registry has the version before: what that one names is there,
// and neither it nor the name is asked for again.
func TestPushAsksOnce(t *testing.T) {
	one := func(version string) destination.Image {
		return destinationtest.Single(destinationtest.NewImage(t, version))
	}
	several := func(version string) destination.Image { return destinationtest.NewIndex(t, version) }
	for _, c := range []struct {
		name          string
		image         func(version string) destination.Image
		before, after string // versions
		tags          []string
		want          map[string]int
	}{
		{"a changed layer", one, "1", "2", []string{"app:main"},
			map[string]int{"GET manifests": 1, "HEAD blobs": 2, "POST blobs": 2, "PUT blobs": 2, "PUT manifests": 1}},
		{"a new name before an old one", one, "1", "2", []string{"app:new", "app:main"},
			map[string]int{"GET manifests": 2, "HEAD blobs": 2, "POST blobs": 2, "PUT blobs": 2, "PUT manifests": 2}},
		{"no name of before", one, "1", "2", []string{"app:new"},
			map[string]int{"GET manifests": 1, "HEAD blobs": 3, "POST blobs": 2, "PUT blobs": 2, "PUT manifests": 1}},
		{"the same image, which is mended", one, "1", "1", []string{"app:main"},
			map[string]int{"GET manifests": 1, "HEAD blobs": 3}},
		{"an index", several, "1", "2", []string{"app:main"},
			map[string]int{"GET manifests": 3, "HEAD blobs": 4, "POST blobs": 4, "PUT blobs": 4, "HEAD manifests": 2, "PUT manifests": 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			d := s.destination(t)
			write := func(version string, names ...string) string {
				t.Helper()
				var tags []string
				for _, name := range names {
					tags = append(tags, s.full(name))
				}
				res, err := d.Write(t.Context(), c.image(version), destination.Options{Tags: tags})
				if err != nil {
					t.Fatal(err)
				}
				return res.Digest
			}
			write(c.before, "app:main")
			s.drain()
			digest := write(c.after, c.tags...)
			if got := s.kinds(); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("asked %v, want %v", got, c.want)
			}
			for _, name := range c.tags {
				if got := store.DigestBytes(s.manifest(t, s.full(name))); got != digest {
					t.Errorf("%s is %s, not %s", name, got, digest)
				}
			}
		})
	}
}

// TestPushDoubtsWhatItSaw has a registry lose a blob that the image of before names: it says so when the manifest comes, and
// all blobs are asked for.
func TestPushDoubtsWhatItSaw(t *testing.T) {
	s := newServer(t)
	d, first := s.destination(t), destinationtest.NewImage(t, "1")
	if _, err := d.Write(t.Context(), destinationtest.Single(first), destination.Options{Tags: []string{s.full("app:main")}}); err != nil {
		t.Fatal(err)
	}
	layers, err := first.Layers()
	if err != nil {
		t.Fatal(err)
	}
	lost, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	back := false
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case r.Method == http.MethodPut && r.URL.Query().Get("digest") == lost.String():
			back = true
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && !back:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}`)
			return true
		case r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, lost.String()) && !back:
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}
	res, err := d.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "2")), destination.Options{Tags: []string{s.full("app:main")}})
	if err != nil || !back {
		t.Errorf("%v, sent %d bytes, the lost blob again: %v", err, res.Sent, back)
	}
}

// TestPushOverSomethingElse pushes to names of things whose blobs tell nothing: an artifact, an image whose layers are elsewhere, and one
// that may not be read.
func TestPushOverSomethingElse(t *testing.T) {
	img := destinationtest.NewImage(t, "1")
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := m.DeepCopy()
	for i := range elsewhere.Layers {
		elsewhere.Layers[i].URLs = []string{"https://registry.example/layer"}
	}
	elsewhere.Layers[0].URLs, elsewhere.Layers[0].MediaType = nil, types.DockerForeignLayer
	for name, there := range map[string]any{
		"an artifact":               map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.example.artifact"},
		"layers elsewhere":          elsewhere,
		"an index of what is gone":  v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{{MediaType: types.OCIManifestSchema1, Digest: m.Config.Digest, Size: 5}}},
		"a refusal":                 nil,
		"an index with no manifest": v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			raw, err := json.Marshal(there)
			if err != nil {
				t.Fatal(err)
			}
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/manifests/main") {
					return false
				}
				if there == nil {
					w.WriteHeader(http.StatusForbidden)
					return true
				}
				w.Header().Set("Content-Type", "application/vnd.example.artifact")
				_, _ = w.Write(raw)
				return true
			}
			res, err := s.destination(t).Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: []string{s.full("app:main")}})
			if err != nil || res.Sent < 100_000 {
				t.Fatalf("%v, sent %d bytes", err, res.Sent)
			}
			s.fault = nil
			if s.read(t, s.full("app:main")) == nil {
				t.Error("it is not there")
			}
		})
	}
}
