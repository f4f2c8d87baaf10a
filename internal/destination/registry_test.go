package destination_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

// server is go-containerregistry's registry, watched.
type server struct {
	host    string
	handler http.Handler

	mu    sync.Mutex
	lines []string // "PUT /v2/…"
	// fault handles a request in its own way; nil handles none.
	fault func(w http.ResponseWriter, r *http.Request) bool
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{handler: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.host = strings.TrimPrefix(web.URL, "http://")
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.lines = append(s.lines, r.Method+" "+r.URL.RequestURI())
	fault := s.fault
	s.mu.Unlock()
	if fault == nil || !fault(w, r) {
		s.handler.ServeHTTP(w, r)
	}
}

// take returns the requests so far of a method, and forgets all.
func (s *server) take(method string) (all []string) {
	for _, line := range s.drain() {
		if strings.HasPrefix(line, method+" ") {
			all = append(all, line)
		}
	}
	return all
}

// drain returns the requests so far, and forgets them.
func (s *server) drain() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, s.lines = s.lines, nil
	return lines
}

// full puts the server before a name, as a user would.
func (s *server) full(name string) string {
	name = strings.TrimPrefix(name, "registry.example:5000/")
	return s.host + "/team/" + name
}

func (s *server) destination(t *testing.T) destination.Registry {
	return destination.Registry{Client: registry.New(registry.Options{Backoff: time.Millisecond}), Store: newStore(t)}
}

// get returns what the server has at a path, nil if nothing.
func (s *server) get(t testing.TB, path string) []byte {
	t.Helper()
	resp, err := http.Get("http://" + s.host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	return data
}

// TestRegistry runs the suite against a registry.
func TestRegistry(t *testing.T) {
	destinationtest.Run(t, func(t testing.TB) destinationtest.Subject {
		s := newServer(t)
		return destinationtest.Subject{
			Destination: destination.Registry{Client: registry.New(registry.Options{Backoff: time.Millisecond})},
			Full:        s.full,
			Read:        func(t testing.TB, name string) v1.Image { return s.read(t, name) },
			ReadIndex:   func(t testing.TB, name string) []byte { return s.manifest(t, name) },
		}
	})
}

// manifest returns what a name stands for.
func (s *server) manifest(t testing.TB, name string) []byte {
	t.Helper()
	repository, version, ok := strings.Cut(strings.TrimPrefix(name, s.host+"/"), ":")
	if !ok {
		version = "latest"
	}
	return s.get(t, "/v2/"+repository+"/manifests/"+version)
}

// read returns the image of a name, nil if it is not there.
func (s *server) read(t testing.TB, name string) v1.Image {
	t.Helper()
	raw := s.manifest(t, name)
	if raw == nil {
		return nil
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	repository, _, _ := strings.Cut(strings.TrimPrefix(name, s.host+"/"), ":")
	blob := func(h v1.Hash) []byte { return s.get(t, "/v2/"+repository+"/blobs/"+h.String()) }
	img := &fakeImage{config: blob(m.Config.Digest)}
	for _, l := range m.Layers {
		img.blobs = append(img.blobs, blob(l.Digest))
	}
	return img
}

// TestPushOrder shows that a name is put when all that it stands for is there.
func TestPushOrder(t *testing.T) {
	s := newServer(t)
	img := destinationtest.NewIndex(t, "1")
	res, err := s.destination(t).Write(t.Context(), img, destination.Options{Tags: []string{s.full("app:1"), s.full("app:2"), s.full("other:3")}})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, line := range s.take(http.MethodPut) {
		if _, version, ok := strings.Cut(line, "/manifests/"); ok {
			order = append(order, version)
		}
	}
	a, b := digest(t, img.Manifests[0]), digest(t, img.Manifests[1])
	if want := []string{a, b, "1", "2", a, b, "3"}; !slices.Equal(order, want) {
		t.Errorf("put %q", order)
	}
	var got []string
	for _, p := range res.Pushed {
		got = append(got, p.Reference)
	}
	if want := []string{s.full("app") + "@" + res.Digest, s.full("other") + "@" + res.Digest}; !slices.Equal(got, want) {
		t.Errorf("pushed %q", got)
	}
}

// TestPushMounts shows that a second repository takes blobs from the first, over runs, and from a base's.
func TestPushMounts(t *testing.T) {
	s := newServer(t)
	var mu sync.Mutex
	here := map[string]bool{} // go-containerregistry's registry has one place for blobs; ours are told apart
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		repository, digest, blob := strings.Cut(r.URL.Path, "/blobs/sha256:")
		switch {
		case r.Method == http.MethodHead && blob && !here[repository+digest]:
			w.WriteHeader(http.StatusNotFound)
			return true
		case r.Method == http.MethodPost && r.URL.Query().Get("mount") != "":
			from := "/v2/" + r.URL.Query().Get("from")
			hash := strings.TrimPrefix(r.URL.Query().Get("mount"), "sha256:")
			if !here[from+hash] {
				return false
			}
			here[strings.TrimSuffix(r.URL.Path, "/blobs/uploads/")+hash] = true
			w.WriteHeader(http.StatusCreated)
			return true
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/uploads/"):
			repository, _, _ = strings.Cut(r.URL.Path, "/blobs/")
			here[repository+strings.TrimPrefix(r.URL.Query().Get("digest"), "sha256:")] = true
		}
		return false
	}
	d, img := s.destination(t), destinationtest.NewImage(t, "1")
	push := func(img v1.Image, names ...string) destination.Result {
		t.Helper()
		res, err := d.Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: names})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := push(img, s.full("one:1"), s.full("two:1"))
	if res.Pushed[0].Sent < 100_000 || res.Pushed[1].Sent > 5_000 {
		t.Errorf("sent %+v", res.Pushed)
	}
	if res := push(img, s.full("three:1")); res.Sent > 5_000 {
		t.Errorf("a later run sent %d bytes", res.Sent)
	}
	d.Store = nil
	if res := push(img, s.full("four:1")); res.Sent < 100_000 {
		t.Errorf("without a memory %d bytes were sent", res.Sent)
	}
	if res := push(fromRepository{img, s.full("one")}, s.full("five:1")); res.Sent > 5_000 {
		t.Errorf("%d bytes of a base in the registry were sent", res.Sent)
	}
}

// fromRepository is an image whose layers are those of a base in a registry.
type fromRepository struct {
	v1.Image
	repository string
}

func (i fromRepository) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	var all []v1.Layer
	for _, l := range layers {
		all = append(all, layerFrom{l, i.repository})
	}
	return all, err
}

type layerFrom struct {
	v1.Layer
	repository string
}

func (l layerFrom) Origin() string { return l.repository }

// TestPushLostBlob removes a blob between our look and the manifest, from a registry that knows it and from one that
// goes on saying that it has the blob.
func TestPushLostBlob(t *testing.T) {
	for _, lying := range []bool{false, true} {
		t.Run(fmt.Sprint("lying ", lying), func(t *testing.T) {
			s := newServer(t)
			d, img := s.destination(t), destinationtest.NewImage(t, "1")
			first, err := d.Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: []string{s.full("app:1")}})
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex // requests come side by side
			refused, back := false, map[string]bool{}
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				_, digest, blob := strings.Cut(r.URL.Path, "/blobs/")
				switch {
				case r.Method == http.MethodPut && blob:
					back[r.URL.Query().Get("digest")] = true
				case r.Method == http.MethodPut && !refused:
					refused = true
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}`)
					return true
				case r.Method == http.MethodHead && blob && refused && !back[digest] && !lying:
					w.WriteHeader(http.StatusNotFound)
					return true
				}
				return false
			}
			second, err := d.Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: []string{s.full("app:2")}})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || !refused || second.Sent < first.Sent-5_000 {
				t.Errorf("%v, sent %d of %d bytes", err, second.Sent, first.Sent)
			}
		})
	}
}

// TestPushLostForGood gives up on a registry that never finds a blob.
func TestPushLostForGood(t *testing.T) {
	s := newServer(t)
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}`)
			return true
		}
		return false
	}
	_, err := s.destination(t).Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "1")), destination.Options{Tags: []string{s.full("app:1")}})
	if !errors.Is(err, registry.ErrBlobUnknown) {
		t.Errorf("got %v", err)
	}
}

// TestCheck asks for every repository once, before anything is sent.
func TestCheck(t *testing.T) {
	s := newServer(t)
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/closed/") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	d := s.destination(t)
	if err := d.Check(t.Context(), []string{s.full("app:1"), s.full("app:2"), s.full("other")}); err != nil {
		t.Error(err)
	}
	if posts := s.take(http.MethodPost); len(posts) != 2 {
		t.Errorf("asked %q", posts)
	}
	err := d.Check(t.Context(), []string{s.full("app:1"), s.full("closed/app:1")})
	if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "registry-auth" {
		t.Errorf("got %v", err)
	}
}

func TestCheckPushTags(t *testing.T) {
	for name, code := range map[string]string{"": "no-tag", "app": "push-name", "app:1": "push-name", "me/app:1": "", "localhost:5000/app": "",
		"registry.example/app": "", "docker.io/library/app": "", "a b": "bad-tag"} {
		var tags []string
		if name != "" {
			tags = []string{name}
		}
		problems, _ := diag.Problems(destination.CheckPushTags(tags))
		if code == "" && len(problems) != 0 || code != "" && (len(problems) != 1 || problems[0].Code != code || problems[0].Hint == "") {
			t.Errorf("%q: %v", name, problems)
		}
	}
}
