package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

// TestPull resolves an index, and brings an image of it here.
func TestPull(t *testing.T) {
	f := newFake(t)
	index, manifest, layer := f.image("team/app", "1")
	repository, c, st := f.host+"/team/app", registry.New(quick), newStore(t)
	remote, err := c.Resolve(t.Context(), repository+":1")
	if err != nil {
		t.Fatal(err)
	}
	if remote.Digest != index || !remote.Index || remote.Repository != repository {
		t.Errorf("got %s %v %s", remote.Digest, remote.Index, remote.Repository)
	}
	children, err := remote.Manifests()
	if err != nil || len(children) != 1 || children[0].Digest.String() != manifest {
		t.Fatalf("%v: %v", err, children)
	}
	raw, config, err := c.Image(t.Context(), repository, manifest)
	if err != nil || hexDigest(raw) != manifest || string(config) != "{}" {
		t.Fatalf("%s %s %v", raw, config, err)
	}
	if ok, err := c.Has(t.Context(), repository, hexDigest(layer)); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := c.Has(t.Context(), repository, index); ok || err != nil {
		t.Errorf("an index as a blob: %v, %v", ok, err)
	}
	var told int64
	path, err := c.Blob(t.Context(), st, repository, hexDigest(layer), int64(len(layer)), func(done, _ int64) { told = done })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, layer) || told != int64(len(layer)) {
		t.Errorf("%d bytes, %v, told of %d", len(got), err, told)
	}
}

// TestPullResumes cuts a download; the rest comes by a range.
func TestPullResumes(t *testing.T) {
	f := newFake(t)
	_, _, layer := f.image("app", "1")
	var ranges []string
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !blobPath.MatchString(r.URL.Path) {
			return false
		}
		f.mu.Lock()
		ranges = append(ranges, r.Header.Get("Range"))
		f.mu.Unlock()
		if len(ranges) > 1 {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(layer)))
		w.Header().Set("ETag", `"`+hexDigest(layer)+`"`)
		w.Write(layer[:20_000])
		panic(http.ErrAbortHandler)
	}
	path, err := registry.New(quick).Blob(t.Context(), newStore(t), f.host+"/app", hexDigest(layer), int64(len(layer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, layer) || len(ranges) != 2 || !strings.HasPrefix(ranges[1], "bytes=") {
		t.Errorf("%d bytes, %v, ranges %q", len(got), err, ranges)
	}
}

// TestPullVerifies shows that nothing is believed that has another digest, or is too large.
func TestPullVerifies(t *testing.T) {
	f := newFake(t)
	index, manifest, layer := f.image("app", "1")
	repository := f.host + "/app"
	wrong := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		fmt.Fprint(w, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}`)
		return true
	}
	large := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		_, _ = io.CopyN(w, zeros{}, 20<<20)
		return true
	}
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{"wrong": wrong, "large": large} {
		t.Run(name, func(t *testing.T) {
			f.fault = fault
			c := registry.New(quick)
			if _, err := c.Resolve(t.Context(), repository+"@"+index); err == nil {
				t.Error("an index was believed")
			}
			if _, _, err := c.Image(t.Context(), repository, manifest); err == nil {
				t.Error("an image was believed")
			}
			if _, err := c.Blob(t.Context(), newStore(t), repository, hexDigest(layer), int64(len(layer)), nil); err == nil {
				t.Error("a blob was believed")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestPullProblems shows what users are told.
func TestPullProblems(t *testing.T) {
	host := newFake(t).host
	for ref, code := range map[string]string{
		host + "/no/such:1": "no-image",
		"Not A Name":        "bad-reference",
		"x@sha256:12":       "bad-reference",
	} {
		_, err := registry.New(quick).Resolve(t.Context(), ref)
		if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != code || problem.Hint == "" {
			t.Errorf("%s: %v", ref, err)
		}
	}
	offline := quick
	offline.Offline = true
	_, err := registry.New(offline).Resolve(t.Context(), host+"/app")
	if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "offline" {
		t.Errorf("got %v", err)
	}
}

func TestRepository(t *testing.T) {
	for ref, want := range map[string]string{
		"python":                                "docker.io/library/python",
		"python:3.13-slim":                      "docker.io/library/python",
		"docker.io/python":                      "docker.io/library/python",
		"index.docker.io/team/app:1":            "docker.io/team/app",
		"localhost:5000/app":                    "localhost:5000/app",
		"registry.example/a/b/c@" + emptyDigest: "registry.example/a/b/c",
		"registry.example/a:1@" + emptyDigest:   "registry.example/a",
	} {
		if got, err := registry.Repository(ref); got != want || err != nil {
			t.Errorf("%s: got %s, %v", ref, got, err)
		}
	}
}

const emptyDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
