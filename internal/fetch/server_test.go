package fetch_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// body is large enough to be cut in the middle of more than one read.
var body = bytes.Repeat([]byte("0123456789abcdef"), 100_000)

// server answers the n-th request, counting from 0, as the test says, and remembers all requests.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func serve(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, r.Clone(r.Context()))
		s.mu.Unlock()
		answer(n, w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// file answers with the body, ranges and all.
func file(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// cut sends the first n bytes of what it promised, and then breaks the connection.
func cut(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Header().Set("ETag", `"v1"`)
	_, _ = w.Write(body[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func client(t testing.TB, opt fetch.Options) *fetch.Client {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if opt.Backoff == 0 {
		opt.Backoff = time.Millisecond
	}
	return fetch.New(st, opt)
}

func request(urls ...string) fetch.Request {
	return fetch.Request{URLs: urls, Digest: store.DigestBytes(body), Size: int64(len(body)), Name: "evil-1.0.whl"}
}

// wantBody fails unless the file at path is whole and nothing unfinished is left.
func wantBody(t testing.TB, c *fetch.Client, path string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, body) {
		t.Fatalf("read %d bytes, %v", len(data), err)
	}
	wantNothingUnfinished(t, c)
}

func wantNothingUnfinished(t testing.TB, c *fetch.Client) {
	t.Helper()
	for _, f := range leftovers(t, c) {
		t.Errorf("left: %s", f)
	}
}

// leftovers lists what is neither a blob nor a remembered document.
func leftovers(t testing.TB, c *fetch.Client) (left []string) {
	t.Helper()
	root := c.Store().Path()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		known := strings.HasPrefix(rel, "blobs/") || strings.HasPrefix(rel, "records/document/") || d.Name() == "lock"
		if err == nil && d.Type().IsRegular() && !known {
			left = append(left, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
