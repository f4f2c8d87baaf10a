// Package memregistry is a registry in memory for tests: blobs belong to repositories, as the specification has it, every
// request and byte is counted, and it can lose blobs, refuse mounts and ask for tokens.
// See https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md.
package memregistry

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store"
)

// Registry is one that lives as long as its test.
type Registry struct {
	Host string // "127.0.0.1:1234"

	mu        sync.Mutex
	blobs     map[string][]byte // by "repository@digest"
	manifests map[string][]byte // by "repository:version"
	uploads   int
	traffic   Traffic
	noMounts  bool
	tokens    bool
	before    func(r *http.Request) // sees each request first
}

// Traffic is what a client asked for.
type Traffic struct {
	Requests []string // "GET /v2/…"
	Up, Down int64    // bytes of blobs and manifests
}

// Count returns how many requests a pattern matches.
func (t Traffic) Count(pattern string) (n int) {
	re := regexp.MustCompile(pattern)
	for _, r := range t.Requests {
		if re.MatchString(r) {
			n++
		}
	}
	return n
}

// Serve starts a registry.
func Serve(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{blobs: map[string][]byte{}, manifests: map[string][]byte{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// RefuseMounts makes it answer a mount by an upload, as some registries do.
func (r *Registry) RefuseMounts() { r.with(func() { r.noMounts = true }) }

// WantTokens makes it refuse whoever has no token for the repository, and give one to everybody who asks.
func (r *Registry) WantTokens() { r.with(func() { r.tokens = true }) }

// Before calls f with each request before it is answered.
func (r *Registry) Before(f func(*http.Request)) { r.with(func() { r.before = f }) }

// Lose removes a blob from a repository.
func (r *Registry) Lose(repository, digest string) {
	r.with(func() { delete(r.blobs, repository+"@"+digest) })
}

// Replace puts other bytes in the place of a manifest.
func (r *Registry) Replace(repository, version string, manifest []byte) {
	r.with(func() { r.manifests[repository+":"+version] = manifest })
}

// Add puts a blob into a repository.
func (r *Registry) Add(repository string, blob []byte) {
	r.with(func() { r.blobs[repository+"@"+store.DigestBytes(blob)] = blob })
}

// Blob returns a blob of a repository, nil if it has none of this digest.
func (r *Registry) Blob(repository, digest string) (blob []byte) {
	r.with(func() { blob = r.blobs[repository+"@"+digest] })
	return blob
}

// Manifest returns what a version names, nil for nothing.
func (r *Registry) Manifest(repository, version string) (raw []byte) {
	r.with(func() { raw = r.manifests[repository+":"+version] })
	return raw
}

// Traffic returns what was asked so far, and forgets it.
func (r *Registry) Traffic() (t Traffic) {
	r.with(func() { t, r.traffic = r.traffic, Traffic{} })
	return t
}

func (r *Registry) with(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

var (
	uploadPath   = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([0-9]*)$`)
	blobPath     = regexp.MustCompile(`^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$`)
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	digestIn     = regexp.MustCompile(`"digest":"(sha256:[0-9a-f]{64})"`)
)

// ServeHTTP answers as a registry does.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var before func(*http.Request)
	r.with(func() { before = r.before })
	if before != nil {
		before(req)
	}
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.traffic.Requests = append(r.traffic.Requests, req.Method+" "+req.URL.RequestURI())
	r.traffic.Up += int64(len(body))
	path := req.URL.Path
	if path == "/token" {
		fmt.Fprintf(w, `{"token":%q}`, strings.Join(req.URL.Query()["scope"], " "))
		return
	}
	if r.tokens && !allowed(req) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="memory"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	switch {
	case path == "/v2/":
	case uploadPath.MatchString(path):
		r.upload(w, req, uploadPath.FindStringSubmatch(path)[1], body)
	case blobPath.MatchString(path):
		m := blobPath.FindStringSubmatch(path)
		r.answer(w, req, r.blobs[m[1]+"@"+m[2]], m[2], "application/octet-stream", "BLOB_UNKNOWN")
	case manifestPath.MatchString(path):
		m := manifestPath.FindStringSubmatch(path)
		r.manifest(w, req, m[1], m[2], body)
	default:
		http.NotFound(w, req)
	}
}

// allowed reports a token, which is its own scope, that is for the repository of the request.
func allowed(req *http.Request) bool {
	for _, re := range []*regexp.Regexp{uploadPath, blobPath, manifestPath} {
		if m := re.FindStringSubmatch(req.URL.Path); m != nil {
			return strings.Contains(req.Header.Get("Authorization"), "repository:"+m[1]+":")
		}
	}
	return req.Header.Get("Authorization") != ""
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"no"}]}`, code)
}

// answer sends what is there.
func (r *Registry) answer(w http.ResponseWriter, req *http.Request, data []byte, digest, mediaType, unknown string) {
	if data == nil {
		refuse(w, http.StatusNotFound, unknown)
		return
	}
	if req.Method == http.MethodGet {
		r.traffic.Down += int64(len(data))
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(data))
}

// manifest answers for manifests, and takes those whose blobs are there.
func (r *Registry) manifest(w http.ResponseWriter, req *http.Request, repository, version string, body []byte) {
	if req.Method != http.MethodPut {
		data := r.manifests[repository+":"+version]
		r.answer(w, req, data, store.DigestBytes(data), "application/vnd.oci.image.manifest.v1+json", "MANIFEST_UNKNOWN")
		return
	}
	for _, m := range digestIn.FindAllSubmatch(body, -1) {
		if r.blobs[repository+"@"+string(m[1])] == nil && r.manifests[repository+":"+string(m[1])] == nil {
			refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN")
			return
		}
	}
	r.manifests[repository+":"+version], r.manifests[repository+":"+store.DigestBytes(body)] = body, body
	w.WriteHeader(http.StatusCreated)
}

// upload takes blobs in one request or two, and mounts.
func (r *Registry) upload(w http.ResponseWriter, req *http.Request, repository string, body []byte) {
	query := req.URL.Query()
	switch req.Method {
	case http.MethodPost:
		if data := r.blobs[query.Get("from")+"@"+query.Get("mount")]; data != nil && !r.noMounts {
			r.blobs[repository+"@"+query.Get("mount")] = data
			w.WriteHeader(http.StatusCreated)
			return
		}
		r.uploads++
		w.Header().Set("Location", fmt.Sprintf("/v2/%s/blobs/uploads/%d", repository, r.uploads))
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPatch:
		r.blobs["upload "+req.URL.Path] = body
		w.Header().Set("Location", req.URL.Path)
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPut:
		data := append(r.blobs["upload "+req.URL.Path], body...)
		delete(r.blobs, "upload "+req.URL.Path)
		if store.DigestBytes(data) != query.Get("digest") {
			refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
			return
		}
		r.blobs[repository+"@"+query.Get("digest")] = data
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	}
}
