package baseimages

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Registry is one in memory that counts what is asked of it.
type Registry struct {
	Host string // "127.0.0.1:1234"

	mu       sync.Mutex
	requests []string
}

// Serve starts a registry that lives as long as the test.
func Serve(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		handler.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// Push puts images into the registry under a name, "python:3.13": one as it is, several as an index. It returns the
// digest.
func (r *Registry) Push(t testing.TB, name string, specs ...Spec) string {
	t.Helper()
	var images []v1.Image
	for _, s := range specs {
		img, err := Image(s)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	digest, err := Push(r.Host, name, images...)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// Asked returns the requests so far that hold all of some texts, such as "GET" and "/blobs/", and forgets all.
func (r *Registry) Asked(parts ...string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []string
	for _, request := range r.requests {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(request, p)
		}
		if all {
			found = append(found, request)
		}
	}
	r.requests = nil
	return found
}
