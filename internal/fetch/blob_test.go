package fetch_test

import (
	"cmp"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// TestBlobArrives holds all the ways in which a server may fail and still be of use.
func TestBlobArrives(t *testing.T) {
	third := len(body) / 3
	for name, test := range map[string]struct {
		answer   func(n int, w http.ResponseWriter, r *http.Request)
		requests int
	}{
		"at once": {func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) }, 1},
		"after 500 and 503": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				http.Error(w, "", 500)
			case 1:
				http.Error(w, "", http.StatusServiceUnavailable)
			default:
				file(w, r)
			}
		}, 3},
		"after a broken connection": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				panic(http.ErrAbortHandler)
			}
			file(w, r)
		}, 2},
		"in three pieces": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				cut(w, third)
			case 1:
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", third, len(body)-1, len(body)))
				w.WriteHeader(206)
				_, _ = w.Write(body[third : 2*third])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			default:
				file(w, r)
			}
		}, 3},
		"more breaks than attempts in a row": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 8 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", n*third/4, len(body)-1, len(body)))
				if n > 0 {
					w.WriteHeader(206)
				}
				_, _ = w.Write(body[n*third/4 : (n+1)*third/4])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			file(w, r)
		}, 9},
		"range ignored": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				cut(w, third)
			}
			_, _ = w.Write(body)
		}, 2},
		"another range than asked for": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch {
			case n == 0:
				cut(w, third)
			case r.Header.Get("Range") != "":
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(body)-1, len(body)))
				w.WriteHeader(206)
				_, _ = w.Write(body)
			default:
				file(w, r)
			}
		}, 3},
		"range not satisfiable": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch {
			case n == 0:
				cut(w, third)
			case r.Header.Get("Range") != "":
				w.WriteHeader(416)
			default:
				file(w, r)
			}
		}, 3},
		"changed in between": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch {
			case n == 0:
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				_, _ = w.Write([]byte("the old file begins otherwise"))
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			default:
				file(w, r)
			}
		}, 3}, // break, rest that does not fit, whole
		"length not told": {func(n int, w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(body[:third])
			w.(http.Flusher).Flush()
			_, _ = w.Write(body[third:])
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			c := client(t, fetch.Options{})
			var last, total int64
			path, err := c.Blob(context.Background(), request(s.URL+"/f"), func(done, all int64) { last, total = done, all })
			wantBody(t, c, path, err)
			if n := len(s.seen()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if last != int64(len(body)) || total != last {
				t.Errorf("progress ended at %d of %d", last, total)
			}
		})
	}
}

func TestBlobFails(t *testing.T) {
	other := strings.Repeat("x", len(body))
	for name, test := range map[string]struct {
		answer   func(w http.ResponseWriter, r *http.Request)
		want     []string
		is       error
		requests int
	}{
		"not found": {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
			[]string{"GET http", "404 Not Found"}, fetch.ErrNotFound, 1},
		"gone":         {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(410) }, []string{"410 Gone"}, fetch.ErrNotFound, 1},
		"unauthorized": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }, []string{"401", "netrc"}, fetch.ErrUnauthorized, 1},
		"always 500":   {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, []string{"500 Internal Server Error (5 attempts)"}, nil, 5},
		"always 429":   {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) }, []string{"429 Too Many Requests (5 attempts)", "busy"}, nil, 5},
		"come back next year": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "31536000")
			w.WriteHeader(503)
		}, []string{"503"}, nil, 1},
		"unknown status":    {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(799) }, []string{": 799"}, nil, 1},
		"always truncated":  {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "1600000") }, []string{"closed before the end", "5 attempts"}, nil, 5},
		"longer than known": {func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, other, "and more") }, []string{"more than 1600000 bytes"}, nil, 1},
		"wrong length": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = fmt.Fprint(w, "short")
		}, []string{"wrong size: 5 bytes, expected 1600000"}, fetch.ErrSize, 1},
		"wrong hash": {func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, other) },
			[]string{"evil-1.0.whl", "hash", store.DigestBytes([]byte(other))[7:], store.DigestBytes(body)[7:]}, store.ErrMismatch, 1},
		"redirect loop": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, []string{"too many redirects"}, nil, 10},
		"redirect to file:": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, []string{"other than http"}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { test.answer(w, r) })
			c := client(t, fetch.Options{})
			_, err := c.Blob(context.Background(), request(s.URL+"/f"), nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want %q in it", err, want)
				}
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error is %v, want %v", err, test.is)
			}
			if n := len(s.seen()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if _, ok := c.Store().Blob(store.DigestBytes(body)); ok {
				t.Error("the store has the file")
			}
			if name != "longer than known" { // keeps what came, for the next URL or run
				wantNothingUnfinished(t, c)
			}
		})
	}
}

func TestBlobGoesOnInTheNextRun(t *testing.T) {
	var broken = true
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if broken {
			if n == 0 {
				cut(w, len(body)/2)
			}
			w.WriteHeader(404)
			return
		}
		file(w, r)
	})
	c := client(t, fetch.Options{})
	if _, err := c.Blob(context.Background(), request(s.URL), nil); !errors.Is(err, fetch.ErrNotFound) {
		t.Fatal(err)
	}
	broken = false
	var first int64
	path, err := c.Blob(context.Background(), request(s.URL), func(done, _ int64) { first = cmp.Or(first, done) })
	wantBody(t, c, path, err)
	if first <= int64(len(body)/2) {
		t.Errorf("progress began at %d", first)
	}
	last := s.seen()[len(s.seen())-1]
	if last.Header.Get("Range") == "" || last.Header.Get("If-Range") != `"v1"` {
		t.Errorf("range %q on condition %q", last.Header.Get("Range"), last.Header.Get("If-Range"))
	}
}

func TestBlobStartsOverWhenAnEarlierRunLeftSomethingElse(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	for name, left := range map[string]string{"shorter": "junk", "as long": strings.Repeat("j", len(body)), "longer": strings.Repeat("j", len(body)+1)} {
		t.Run(name, func(t *testing.T) {
			c := client(t, fetch.Options{})
			w, err := c.Store().Resume(store.DigestBytes(body))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(left))
			_ = w.Suspend()
			path, err := c.Blob(context.Background(), request(s.URL), nil)
			wantBody(t, c, path, err)
		})
	}
}

func TestBlobTurnsToMirrors(t *testing.T) {
	bad := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			w.WriteHeader(404)
		case "/busy":
			w.WriteHeader(503)
		case "/other":
			_, _ = w.Write(make([]byte, len(body)))
		case "/half":
			cut(w, len(body)/2)
		}
	})
	good := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	for _, path := range []string{"/missing", "/busy", "/other", "/half"} {
		c := client(t, fetch.Options{})
		got, err := c.Blob(context.Background(), request("ftp://x/", bad.URL+path, good.URL), nil)
		wantBody(t, c, got, err)
	}
	c := client(t, fetch.Options{})
	_, err := c.Blob(context.Background(), request(bad.URL+"/missing", bad.URL+"/other"), nil)
	if !errors.Is(err, fetch.ErrNotFound) || !errors.Is(err, store.ErrMismatch) {
		t.Errorf("error is %v, want what each URL said", err)
	}
	if _, err := c.Blob(context.Background(), request(), nil); err == nil || !strings.Contains(err.Error(), "no URL") {
		t.Errorf("without URLs: %v", err)
	}
}

func TestBlobIsFetchedOnce(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		file(w, r)
	})
	c := client(t, fetch.Options{})
	st, err := store.Open(c.Store().Path()) // as another process has it
	if err != nil {
		t.Fatal(err)
	}
	other := fetch.New(st, fetch.Options{})
	var wg sync.WaitGroup
	for range 5 {
		for _, c := range []*fetch.Client{c, other} {
			wg.Go(func() {
				path, err := c.Blob(context.Background(), request(s.URL), nil)
				if err != nil || path == "" {
					t.Error(path, err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestBlobSizeCountsWhereverTheFileIs(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	c := client(t, fetch.Options{})
	r := request(s.URL)
	r.Size = 0
	path, err := c.Blob(context.Background(), r, nil)
	wantBody(t, c, path, err)
	r.Size = 1
	if _, err := c.Blob(context.Background(), r, nil); !errors.Is(err, fetch.ErrSize) {
		t.Errorf("in the store: %v", err)
	}
	if _, err := client(t, fetch.Options{}).Blob(context.Background(), r, nil); !errors.Is(err, fetch.ErrSize) {
		t.Errorf("from the server: %v", err)
	}
}

func TestBlobBySHA512(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	c := client(t, fetch.Options{})
	r := request(s.URL)
	r.Digest = fmt.Sprintf("sha512:%x", sha512.Sum512(body))
	path, err := c.Blob(context.Background(), r, nil)
	wantBody(t, c, path, err)
	r.Digest = fmt.Sprintf("sha512:%x", sha512.Sum512(nil))
	if _, err := c.Blob(context.Background(), r, nil); !errors.Is(err, store.ErrMismatch) {
		t.Errorf("wrong hash: %v", err)
	}
	r.Digest = "md5:d41d8cd98f00b204e9800998ecf8427e"
	if _, err := c.Blob(context.Background(), r, nil); err == nil || !strings.Contains(err.Error(), "evil-1.0.whl") {
		t.Errorf("md5: %v", err)
	}
}

func TestOffline(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	c := client(t, fetch.Options{})
	off := fetch.New(c.Store(), fetch.Options{Offline: true})
	ctx := context.Background()
	if _, err := off.Blob(ctx, request(s.URL), nil); !errors.Is(err, fetch.ErrOffline) || !strings.Contains(err.Error(), "evil-1.0.whl") {
		t.Errorf("blob: %v", err)
	}
	if _, err := off.Get(ctx, fetch.DocumentRequest{URL: s.URL, Max: 1 << 30}); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("document: %v", err)
	}
	if _, err := off.Size(ctx, s.URL); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("size: %v", err)
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests", n)
	}
	if _, err := c.Blob(ctx, request(s.URL), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := off.Blob(ctx, request(s.URL), nil); err != nil {
		t.Errorf("from the store: %v", err)
	}
}

// A file that a power failure cut in the store is fetched again; a whole one of another size than the lock file says is not.
func TestDamagedInStore(t *testing.T) {
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	c := client(t, fetch.Options{})
	path, err := c.Blob(t.Context(), request(s.URL+"/f"), nil)
	wantBody(t, c, path, err)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(body)/2)); err != nil {
		t.Fatal(err)
	}
	path, err = c.Blob(t.Context(), request(s.URL+"/f"), nil)
	wantBody(t, c, path, err)
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	wrong := request(s.URL + "/f")
	wrong.Size++
	if _, err := c.Blob(t.Context(), wrong, nil); !errors.Is(err, fetch.ErrSize) {
		t.Errorf("error is %v, want ErrSize", err)
	}
	wantBody(t, c, path, nil)
}
