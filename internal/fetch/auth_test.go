package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/fetch"
)

// authorized serves the file to those who know the password.
func authorized(n int, w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "me" || password != "hunter2" {
		w.WriteHeader(401)
		return
	}
	file(w, r)
}

func withUser(raw, user string) string { return strings.Replace(raw, "://", "://"+user+"@", 1) }

func TestCredentials(t *testing.T) {
	s := serve(t, authorized)
	host := strings.TrimPrefix(s.URL, "http://")
	netrc := func(u *url.URL) (string, string, bool) { return "me", "hunter2", u.Host == host }
	for name, test := range map[string]struct {
		url string
		opt fetch.Options
		ok  bool
	}{
		"none":                       {s.URL, fetch.Options{}, false},
		"in the URL":                 {withUser(s.URL, "me:hunter2"), fetch.Options{}, true},
		"from Auth":                  {s.URL, fetch.Options{Auth: netrc}, true},
		"the URL's before Auth's":    {withUser(s.URL, "me:wrong"), fetch.Options{Auth: netrc}, false},
		"Auth knows another machine": {s.URL, fetch.Options{Auth: fetch.Netrc{}.Auth}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			test.opt.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c := client(t, test.opt)
			path, err := c.Blob(context.Background(), request(test.url), nil)
			if test.ok {
				wantBody(t, c, path, err)
			} else if !errors.Is(err, fetch.ErrUnauthorized) {
				t.Fatalf("error is %v", err)
			}
			wantNoSecret(t, c, err, log.String(), "hunter2", "wrong")
		})
	}
}

// wantNoSecret fails if an error, a log or the store holds a secret.
func wantNoSecret(t *testing.T, c *fetch.Client, err error, log string, secrets ...string) {
	t.Helper()
	texts := []string{log}
	for ; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, err.Error())
	}
	_ = filepath.WalkDir(filepath.Join(c.Store().Path(), "records"), func(path string, _ os.DirEntry, _ error) error {
		data, _ := os.ReadFile(path)
		texts = append(texts, string(data))
		return nil
	})
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("secret %s in %s", secret, text)
			}
		}
	}
}

// TestCredentialsStayWithTheirHost redirects from a server that wants credentials to another, once and twice, since
// the Go client would send them to another port of the same host.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	other := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		file(w, r)
	})
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, withUser(other.URL, "they:chose")+"/first?signature=secret", http.StatusFound)
	})
	c := client(t, fetch.Options{})
	path, err := c.Blob(context.Background(), request(withUser(s.URL, "me:hunter2")), nil)
	wantBody(t, c, path, err)
	if first := s.seen()[0]; first.Header.Get("Authorization") == "" {
		t.Error("the first server got no credentials")
	}
	for _, r := range other.seen() {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("%s got %q and %q", r.URL, r.Header.Get("Authorization"), r.Header.Get("Referer"))
		}
	}
	if len(other.seen()) != 2 {
		t.Errorf("%d requests at the second server", len(other.seen()))
	}
}

func TestCredentialsOfTheSecondHostAreUsed(t *testing.T) {
	other := serve(t, authorized)
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	host := strings.TrimPrefix(other.URL, "http://")
	c := client(t, fetch.Options{Auth: func(u *url.URL) (string, string, bool) { return "me", "hunter2", u.Host == host }})
	path, err := c.Blob(context.Background(), request(s.URL), nil)
	wantBody(t, c, path, err)
	if s.seen()[0].Header.Get("Authorization") != "" {
		t.Error("the first server got credentials")
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://pypi.org/simple/":               "https://pypi.org/simple/",
		"https://me:pw@host/x?sig=1#frag":        "https://***@host/x?…",
		"https://me:p@w@host/x":                  "https://***@host/x",
		"https://token@host":                     "https://***@host",
		"https://me:p/w@host/x":                  "https://***@host/x",
		"https://me:p?w#@host/x":                 "https://***@host/x",
		"https://host/a@b":                       "https://host/a@b",
		"::not a url://me:pw@host/":              "::not a url://***@host/",
		"https://host/" + "x?token=a&b=https://": "https://host/x?…",
	} {
		if got := fetch.Redact(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestBadURLs(t *testing.T) {
	c := client(t, fetch.Options{})
	for _, raw := range []string{"", "file:///etc/passwd", "https://", "/x", "https://me:hunter2@ho st/", "https://me:hunter2@host:port/", "s3://me:hunter2@bucket"} {
		_, err := c.Get(context.Background(), fetch.DocumentRequest{URL: raw, Max: 1})
		if err == nil {
			t.Fatalf("%s is fetched", raw)
		}
		_, err2 := c.Blob(context.Background(), fetch.Request{URLs: []string{raw}, Digest: request().Digest}, nil)
		wantNoSecret(t, c, errors.Join(err, err2), "", "hunter2")
	}
}

func TestCABundle(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("none"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".missing"} {
		_, err := client(t, fetch.Options{CABundle: path}).Size(context.Background(), "https://localhost/")
		if err == nil || !strings.Contains(err.Error(), "ca.pem") {
			t.Errorf("error is %v", err)
		}
	}
}
