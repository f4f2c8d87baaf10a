package fetch_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/fetch"
)

func get(t testing.TB, c *fetch.Client, url string) (*fetch.Document, error) {
	t.Helper()
	return c.Get(context.Background(), fetch.DocumentRequest{URL: url, Accept: []string{"a/b", "c/d;q=0.1"}, Max: 100})
}

func TestDocument(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to/here?x=1", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Content-Type", "a/b; charset=utf-8")
		fmt.Fprint(w, "hello")
	})
	c := client(t, fetch.Options{})
	d, err := get(t, c, s.URL+"/from")
	if err != nil || string(d.Body) != "hello" || d.ContentType != "a/b; charset=utf-8" || d.URL.String() != s.URL+"/to/here?x=1" {
		t.Errorf("%+v, %v", d, err)
	}
	if accept := s.seen()[0].Header.Get("Accept"); accept != "a/b, c/d;q=0.1" {
		t.Errorf("accept: %s", accept)
	}
	body, contentType, header, err := c.Document(context.Background(), s.URL, nil, 5)
	if err != nil || string(body) != "hello" || contentType != header.Get("Content-Type") {
		t.Error(string(body), contentType, header, err)
	}
}

func TestDocumentIsCapped(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, strings.Repeat(" ", 1<<20))
			_ = z.Close()
			return
		}
		fmt.Fprint(w, strings.Repeat("x", 101))
	})
	c := client(t, fetch.Options{})
	for _, path := range []string{"/", "/bomb"} {
		if _, err := get(t, c, s.URL+path); err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestDocumentIsRemembered(t *testing.T) {
	version := 1
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf(`W/"%d"`, version)
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(304)
			return
		}
		fmt.Fprint(w, "version ", version)
	})
	c := client(t, fetch.Options{})
	want := func(text string) {
		t.Helper()
		d, err := get(t, c, s.URL)
		if err != nil || string(d.Body) != text {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	want("version 1")
	want("version 1")
	if tag := s.seen()[1].Header.Get("If-None-Match"); tag != `W/"1"` {
		t.Errorf("asked on condition %q", tag)
	}
	version = 2
	want("version 2")

	offline := fetch.New(c.Store(), fetch.Options{Offline: true})
	if d, err := get(t, offline, s.URL); err != nil || string(d.Body) != "version 2" || d.URL.String() != s.URL {
		t.Errorf("offline: %+v, %v", d, err)
	}
	for _, f := range blobs(t, c) {
		if err := errors.Join(os.Chmod(f, 0o644), os.WriteFile(f, []byte("damaged"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want("version 2")
	if n := len(s.seen()); n != 4 {
		t.Errorf("%d requests", n)
	}
}

func blobs(t testing.TB, c *fetch.Client) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(c.Store().Path(), "blobs", "sha256", "*", "*"))
	if err != nil || len(all) == 0 {
		t.Fatal("no blobs", err)
	}
	return all
}

func TestDocumentIsRetried(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 0:
			w.WriteHeader(502)
		case 1:
			w.Header().Set("Content-Length", "50")
			fmt.Fprint(w, "cut off")
		default:
			fmt.Fprint(w, "whole")
		}
	})
	if d, err := get(t, client(t, fetch.Options{}), s.URL); err != nil || string(d.Body) != "whole" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestEmptyDocument(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {})
	c := client(t, fetch.Options{})
	for range 2 {
		if d, err := get(t, c, s.URL); err != nil || len(d.Body) != 0 {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

func TestSize(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/head":
			file(w, r)
		case "/get":
			if r.Method == "HEAD" {
				w.WriteHeader(403)
				return
			}
			file(w, r)
		case "/whole":
			if r.Method == "HEAD" {
				w.WriteHeader(405)
				return
			}
			w.Header().Set("Content-Length", "1600000")
			_, _ = w.Write(body)
		case "/untold":
			w.(http.Flusher).Flush()
		default:
			w.WriteHeader(404)
		}
	})
	c := client(t, fetch.Options{})
	for _, path := range []string{"/head", "/get", "/whole"} {
		if n, err := c.Size(context.Background(), s.URL+path); err != nil || n != int64(len(body)) {
			t.Errorf("%s: %d, %v", path, n, err)
		}
	}
	if _, err := c.Size(context.Background(), s.URL+"/untold"); err == nil || !strings.Contains(err.Error(), "does not tell") {
		t.Errorf("untold: %v", err)
	}
	if _, err := c.Size(context.Background(), s.URL+"/none"); !errors.Is(err, fetch.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
