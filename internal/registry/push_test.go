package registry_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

const large = 6 << 20 // more than is sent in one request

// push uploads a blob and fails the test if it does not arrive.
func push(t *testing.T, f *fakeRegistry, opt registry.Options, repository string, data []byte, from string) (sent int64) {
	t.Helper()
	var told int64
	sent, err := registry.New(opt).Push(t.Context(), f.host+"/"+repository, blobOf(data), from, func(done int64) {
		if done < told || done > int64(len(data)) {
			t.Errorf("progress went from %d to %d", told, done)
		}
		told = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.blobs[repository][hexDigest(data)]; !ok {
		t.Fatal("the blob did not arrive")
	}
	if told != sent {
		t.Errorf("told of %d bytes, sent %d", told, sent)
	}
	return sent
}

func TestPush(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "small": 1000, "limit": 4 << 20, "large": large} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			if sent := push(t, f, quick, "team/app", noise(size), ""); sent != int64(size) || f.received != int64(size) {
				t.Errorf("sent %d, received %d", sent, f.received)
			}
		})
	}
}

// TestPushResumes cuts the connection within a blob. A registry that tells how far it came gets the rest only.
func TestPushResumes(t *testing.T) {
	f := newFake(t)
	f.cutAfter = 5 << 20
	push(t, f, quick, "app", noise(large), "")
	if f.received != large {
		t.Errorf("the registry received %d bytes, the blob has %d", f.received, large)
	}
	if n := f.asked(`^POST`); n != 1 {
		t.Errorf("%d uploads were begun", n)
	}
}

// TestPushStartsOver does the same to a registry that forgets what it received.
func TestPushStartsOver(t *testing.T) {
	for name, size := range map[string]int{"small": 100_000, "large": large} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.cutAfter, f.noStatus = 50_000, true
			push(t, f, quick, "app", noise(size), "")
			if f.received != int64(size)+50_000 || f.asked(`^POST`) != 2 {
				t.Errorf("received %d bytes in %d uploads", f.received, f.asked(`^POST`))
			}
		})
	}
}

// TestPushRetries shows what is repeated, and that it ends.
func TestPushRetries(t *testing.T) {
	for name, c := range map[string]struct {
		status, times int
		method        string
		works         bool
	}{
		"busy":        {http.StatusTooManyRequests, 2, "POST", true},
		"restarting":  {http.StatusServiceUnavailable, 3, "PUT", true},
		"bad gateway": {http.StatusBadGateway, 4, "PATCH", true},
		"dead":        {http.StatusBadGateway, 1000, "PATCH", false},
		"refused":     {http.StatusBadRequest, 1000, "POST", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			left := c.times
			f.fault = func(w http.ResponseWriter, r *http.Request) bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				if r.Method != c.method || left == 0 {
					return false
				}
				left--
				w.Header().Set("Retry-After", "0")
				refuse(w, c.status, "UNAVAILABLE")
				return true
			}
			_, err := registry.New(quick).Push(t.Context(), f.host+"/app", blobOf(noise(large)), "", nil)
			if (err == nil) != c.works {
				t.Fatalf("got %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), fmt.Sprint(c.status)) || strings.Contains(err.Error(), "_state") || c.times-left > 10) {
				t.Errorf("after %d attempts: %v", c.times-left, err)
			}
		})
	}
}

// TestPushBrokenFile shows that a file which cannot be read is not the registry's fault, and is not tried again.
func TestPushBrokenFile(t *testing.T) {
	broken := errors.New("disk is gone")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"unreadable": func() (io.ReadCloser, error) { return nil, broken },
		"in between": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("ab"), errorReader{broken})), nil
		},
		"short": func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil },
		"long":  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(strings.Repeat("x", 2000))), nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			b := blobOf(noise(1000))
			b.Open = open
			_, err := registry.New(quick).Push(t.Context(), f.host+"/app", b, "", nil)
			if err == nil || !errors.Is(err, broken) && !strings.Contains(err.Error(), "bytes, not 1000") && !strings.Contains(err.Error(), "DIGEST_INVALID") {
				t.Errorf("got %v", err)
			}
			if n := f.asked("^PUT"); n > 1 {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// TestMount shows that a blob of another repository is not sent, and that all else is.
func TestMount(t *testing.T) {
	for name, c := range map[string]struct {
		from    string
		noMount bool
		sent    int64
	}{
		"mounted":            {"HOST/base", false, 0},
		"not there":          {"HOST/other", false, large},
		"not supported":      {"HOST/base", true, large},
		"another registry's": {"registry.example/base", false, large},
		"itself":             {"HOST/app", false, large},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.noMount = c.noMount
			data := noise(large)
			f.put("base", data)
			if sent := push(t, f, quick, "app", data, strings.Replace(c.from, "HOST", f.host, 1)); sent != c.sent || f.received != c.sent {
				t.Errorf("sent %d, received %d", sent, f.received)
			}
		})
	}
}

// TestMountForbidden shows that a repository which we may not read is no reason to fail.
func TestMountForbidden(t *testing.T) {
	f := newFake(t)
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("from") == "" {
			return false
		}
		refuse(w, http.StatusForbidden, "DENIED")
		return true
	}
	push(t, f, quick, "app", noise(1000), f.host+"/secret")
}

// TestCheckPush shows that an upload is begun and taken back.
func TestCheckPush(t *testing.T) {
	f := newFake(t)
	if err := registry.New(quick).CheckPush(t.Context(), f.host+"/team/app"); err != nil {
		t.Fatal(err)
	}
	if len(f.uploads) != 0 || f.asked("^POST /v2/team/app/blobs/uploads/$") != 1 || f.asked("^DELETE") != 1 {
		t.Errorf("left %v after %v", f.uploads, f.requests)
	}
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			refuse(w, http.StatusForbidden, "DENIED")
		}
		return r.Method == http.MethodPost
	}
	err := registry.New(quick).CheckPush(t.Context(), f.host+"/team/app")
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "registry-auth" || !strings.Contains(problem.What, "a push to "+f.host+"/team/app is refused: 403 Forbidden (DENIED)") {
		t.Errorf("got %v", err)
	}
}

func TestPushManifest(t *testing.T) {
	f, c := newFake(t), registry.New(quick)
	config, media := noise(100), "application/vnd.oci.image.manifest.v1+json"
	raw := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"digest":%q,"size":100},"layers":[]}`, media, hexDigest(config))
	repository := f.host + "/app"
	if err := c.PushManifest(t.Context(), repository, "1", media, raw); !errors.Is(err, registry.ErrBlobUnknown) {
		t.Fatalf("got %v", err)
	}
	push(t, f, quick, "app", config, "")
	if err := c.PushManifest(t.Context(), repository, "1", media, raw); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"1": true, hexDigest(raw): true, "2": false} {
		if got, err := c.HasManifest(t.Context(), repository, version, hexDigest(raw)); got != want || err != nil {
			t.Errorf("%s: %v, %v", version, got, err)
		}
	}
	if got, err := c.HasManifest(t.Context(), repository, "1", hexDigest(config)); got || err != nil {
		t.Errorf("another manifest: %v, %v", got, err)
	}
}
