package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, value := range map[string]func() string{
		"seconds": func() string { return "1" },
		"date":    func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 0 {
					w.Header().Set("Retry-After", value())
					w.WriteHeader(429)
					return
				}
				file(w, r)
			})
			c := client(t, fetch.Options{})
			start := time.Now()
			path, err := c.Blob(context.Background(), request(s.URL), nil)
			wantBody(t, c, path, err)
			if waited := time.Since(start); waited < 900*time.Millisecond {
				t.Errorf("came back after %v", waited)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	stop := make(chan struct{})
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1600000")
		_, _ = w.Write(body[:1000])
		w.(http.Flusher).Flush()
		<-stop
	})
	defer close(stop)
	c := client(t, fetch.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	_, err := c.Blob(ctx, request(s.URL), func(int64, int64) { cancel() }) // the server waits for the end of the test
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, ok := c.Store().Blob(store.DigestBytes(body)); ok {
		t.Error("the store has the file")
	}
	if _, err := c.Get(ctx, fetch.DocumentRequest{URL: s.URL, Max: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("document: %v", err)
	}
}

func TestStalledServerIsLeft(t *testing.T) {
	stop := make(chan struct{})
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			w.Header().Set("Content-Length", "1600000")
			_, _ = w.Write(body[:1000])
			w.(http.Flusher).Flush()
			<-stop
			return
		}
		file(w, r)
	})
	defer close(stop)
	c := client(t, fetch.Options{Stall: 50 * time.Millisecond})
	path, err := c.Blob(context.Background(), request(s.URL), nil)
	wantBody(t, c, path, err)
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}

	silent := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { <-stop })
	c = client(t, fetch.Options{Stall: 20 * time.Millisecond, Attempts: 2})
	_, err = c.Blob(context.Background(), request(silent.URL), nil)
	if err == nil || !strings.Contains(err.Error(), "2 attempts") || !strings.Contains(err.Error(), "check the network") {
		t.Errorf("error is %v", err)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	var now, most atomic.Int32
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if v := now.Add(1); v > most.Load() {
			most.Store(v)
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
	})
	c := client(t, fetch.Options{Jobs: 3})
	done := make(chan error)
	for range 20 {
		go func() {
			_, err := c.Get(context.Background(), fetch.DocumentRequest{URL: s.URL, Max: 10})
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if m := most.Load(); m > 3 || m < 2 {
		t.Errorf("%d requests at once, want 3", m)
	}
}

func TestUnreachable(t *testing.T) {
	s := serve(t, nil)
	url := s.URL
	s.Close()
	_, err := client(t, fetch.Options{Attempts: 2}).Blob(context.Background(), request(url+"/f?token=secret"), nil)
	var failed *fetch.Error
	if !errors.As(err, &failed) || failed.Attempts != 2 || failed.Status != 0 || failed.Hint == "" {
		t.Errorf("error is %#v", err)
	}
	if strings.Contains(err.Error(), "secret") || strings.Count(err.Error(), "http://") != 1 {
		t.Errorf("error is %v", err)
	}
}
