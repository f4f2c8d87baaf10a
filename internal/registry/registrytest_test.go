package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeRegistry has what go-containerregistry's lacks: blobs by repository, mounts, uploads that go on, tokens, and
// faults. See https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md.
type fakeRegistry struct {
	t      testing.TB
	server *httptest.Server
	host   string

	mu        sync.Mutex
	blobs     map[string]map[string][]byte // by repository and digest
	manifests map[string][]byte            // by "repository:version"
	types     map[string]string            // media types of those
	uploads   map[string]*fakeUpload       // by id
	requests  []string                     // "METHOD /path?query"
	received  int64                        // bytes of blobs

	auth      func(w http.ResponseWriter, r *http.Request) bool // writes a refusal; nil lets everybody in
	fault     func(w http.ResponseWriter, r *http.Request) bool // handles a request in its own way
	noMount   bool
	cutAfter  int64 // bytes after which the connection of an upload breaks, once
	noStatus  bool  // forgets an upload that broke, as Docker's registry does
	forgetful bool  // says once that a blob of a manifest is unknown, and removes it
	lying     bool  // with forgetful: goes on saying that it has the blob
	lied      string
}

type fakeUpload struct {
	repository string
	data       []byte
	broken     bool
}

func newFake(t testing.TB) *fakeRegistry {
	f := &fakeRegistry{t: t, blobs: map[string]map[string][]byte{}, manifests: map[string][]byte{}, types: map[string]string{},
		uploads: map[string]*fakeUpload{}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	f.host = strings.TrimPrefix(f.server.URL, "http://")
	return f
}

var (
	uploadPath   = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([0-9a-f]*)$`)
	blobPath     = regexp.MustCompile(`^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$`)
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
)

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	auth, fault := f.auth, f.fault
	f.mu.Unlock()
	if auth != nil && !auth(w, r) || fault != nil && fault(w, r) {
		return
	}
	switch path := r.URL.Path; {
	case path == "/v2/":
	case uploadPath.MatchString(path):
		m := uploadPath.FindStringSubmatch(path)
		f.upload(w, r, m[1], m[2])
	case blobPath.MatchString(path):
		m := blobPath.FindStringSubmatch(path)
		f.blob(w, r, m[1], m[2])
	case manifestPath.MatchString(path):
		m := manifestPath.FindStringSubmatch(path)
		f.manifest(w, r, m[1], m[2])
	default:
		http.NotFound(w, r)
	}
}

// refuse writes the specification's form of an error.
func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"no"}]}`, code)
}

func (f *fakeRegistry) blob(w http.ResponseWriter, r *http.Request, repository, digest string) {
	f.mu.Lock()
	data, ok := f.blobs[repository][digest]
	ok = ok || f.lying && f.lied == digest && r.Method == http.MethodHead
	f.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
		return
	}
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", epoch, bytes.NewReader(data))
}

func (f *fakeRegistry) manifest(w http.ResponseWriter, r *http.Request, repository, version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := repository + ":" + version
	if r.Method == http.MethodPut {
		data, _ := io.ReadAll(r.Body)
		if f.forgetful {
			f.forgetful = false
			f.lied = slices.Sorted(keys(f.blobs[repository]))[0]
			delete(f.blobs[repository], f.lied)
		}
		for _, digest := range digests(data) {
			if _, blob := f.blobs[repository][digest]; !blob && f.manifests[repository+":"+digest] == nil {
				refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN")
				return
			}
		}
		for _, k := range []string{key, repository + ":" + hexDigest(data)} {
			f.manifests[k], f.types[k] = data, r.Header.Get("Content-Type")
		}
		w.WriteHeader(http.StatusCreated)
		return
	}
	data, ok := f.manifests[key]
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", f.types[key])
	w.Header().Set("Docker-Content-Digest", hexDigest(data))
	w.Write(data)
}

// upload handles all steps of an upload.
func (f *fakeRegistry) upload(w http.ResponseWriter, r *http.Request, repository, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodPost {
		f.begin(w, r, repository)
		return
	}
	u := f.uploads[id]
	if u == nil || u.repository != repository || u.broken && f.noStatus {
		refuse(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
		return
	}
	w.Header().Set("Location", r.URL.Path) // relative, which is allowed
	switch r.Method {
	case http.MethodDelete:
		delete(f.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet:
		w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, len(u.data)-1)))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch, http.MethodPut:
		if start, _, ok := strings.Cut(r.Header.Get("Content-Range"), "-"); ok && start != strconv.Itoa(len(u.data)) {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "RANGE_INVALID")
			return
		}
		if !f.receive(u, r.Body) {
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodPatch {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		digest := r.URL.Query().Get("digest")
		if hexDigest(u.data) != digest {
			refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
			return
		}
		f.put(repository, u.data)
		delete(f.uploads, id)
		w.WriteHeader(http.StatusCreated)
	}
}

// begin answers the request for an upload, or for a mount.
func (f *fakeRegistry) begin(w http.ResponseWriter, r *http.Request, repository string) {
	digest, from := r.URL.Query().Get("mount"), r.URL.Query().Get("from")
	if data, ok := f.blobs[from][digest]; ok && !f.noMount {
		f.put(repository, data)
		w.WriteHeader(http.StatusCreated)
		return
	}
	id := fmt.Sprintf("%x", len(f.requests))
	f.uploads[id] = &fakeUpload{repository: repository}
	w.Header().Set("Location", f.server.URL+"/v2/"+repository+"/blobs/uploads/"+id)
	w.WriteHeader(http.StatusAccepted)
}

// receive takes a body, or the part of it after which the connection breaks.
func (f *fakeRegistry) receive(u *fakeUpload, body io.Reader) bool {
	if f.cutAfter > 0 {
		data, _ := io.ReadAll(io.LimitReader(body, f.cutAfter))
		if int64(len(data)) == f.cutAfter {
			u.data, u.broken, f.cutAfter = append(u.data, data...), true, 0
			f.received += int64(len(data))
			return false
		}
		body = io.MultiReader(bytes.NewReader(data), body)
	}
	data, err := io.ReadAll(body)
	u.data = append(u.data, data...)
	f.received += int64(len(data))
	return err == nil
}

// put stores a blob.
func (f *fakeRegistry) put(repository string, data []byte) {
	if f.blobs[repository] == nil {
		f.blobs[repository] = map[string][]byte{}
	}
	f.blobs[repository][hexDigest(data)] = data
	if f.lied == hexDigest(data) {
		f.lied = ""
	}
}

// image puts an index of one image into a repository, and returns the digests of both and the layer.
func (f *fakeRegistry) image(repository, tag string) (index, manifest string, layer []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const ociIndex, ociManifest = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
	layer = noise(60_000)
	f.put(repository, layer)
	f.put(repository, []byte("{}"))
	m := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"digest":%q,"size":2},"layers":[{"digest":%q,"size":60000}]}`,
		ociManifest, hexDigest([]byte("{}")), hexDigest(layer))
	i := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"amd64"}}]}`,
		ociIndex, ociManifest, hexDigest(m), len(m))
	for version, data := range map[string][]byte{hexDigest(m): m, hexDigest(i): i, tag: i} {
		f.manifests[repository+":"+version], f.types[repository+":"+version] = data, ociIndex
	}
	f.types[repository+":"+hexDigest(m)] = ociManifest
	return hexDigest(i), hexDigest(m), layer
}

// asked counts the requests whose line a pattern matches.
func (f *fakeRegistry) asked(pattern string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	re := regexp.MustCompile(pattern)
	for _, line := range f.requests {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}

// tokens makes the registry want tokens of a server of its own, which gives them to one user.
func (f *fakeRegistry) tokens(user, password string) *tokenServer {
	s := &tokenServer{user: user, password: password}
	server := httptest.NewServer(s)
	f.t.Cleanup(server.Close)
	f.auth = func(w http.ResponseWriter, r *http.Request) bool {
		granted := s.granted(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if needed := neededScope(r); granted != nil && slices.Contains(granted, needed) || granted != nil && needed == "" {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="fake"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return false
	}
	return s
}

// neededScope is "push:team/app" or "pull:team/app".
func neededScope(r *http.Request) string {
	for _, re := range []*regexp.Regexp{uploadPath, blobPath, manifestPath} {
		if m := re.FindStringSubmatch(r.URL.Path); m != nil {
			if r.Method == http.MethodGet && re != uploadPath || r.Method == http.MethodHead {
				return "pull:" + m[1]
			}
			return "push:" + m[1]
		}
	}
	return ""
}

// tokenServer gives tokens. See https://distribution.github.io/distribution/spec/auth/token/.
type tokenServer struct {
	user, password string
	identity       string // refresh token that is taken, too
	deny           string // action that nobody gets
	lifetime       int

	mu     sync.Mutex
	given  map[string][]string
	asked  []url.Values
	ending map[string]bool // tokens that ended
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	s.asked = append(s.asked, r.Form)
	user, password, _ := r.BasicAuth()
	known := user == s.user && password == s.password || s.identity != "" && r.PostForm.Get("refresh_token") == s.identity
	if !known {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	granted := []string{}
	for _, value := range r.Form["scope"] {
		for scope := range strings.FieldsSeq(value) {
			parts := strings.Split(scope, ":")
			for action := range strings.SplitSeq(parts[2], ",") {
				if action != s.deny {
					granted = append(granted, action+":"+parts[1])
				}
			}
		}
	}
	if s.given == nil {
		s.given, s.ending = map[string][]string{}, map[string]bool{}
	}
	token := fmt.Sprintf("token-%d", len(s.given))
	s.given[token] = granted
	fmt.Fprintf(w, `{"token":%q,"expires_in":%d}`, token, s.lifetime)
}

func (s *tokenServer) granted(token string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending[token] {
		return nil
	}
	return s.given[token]
}

// end makes all tokens so far worthless.
func (s *tokenServer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.given {
		s.ending[token] = true
	}
}

func hexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
