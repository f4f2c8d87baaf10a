package registry_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/registry/keychain"
)

const secret = "s3cr3t-p4ssw0rd"

// writeLogin writes what docker login would, and returns the path.
func writeLogin(t *testing.T, host, user, password string) string {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return writeFile(t, "config.json", fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth))
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestToken pushes with a token, which is asked for once for each scope.
func TestToken(t *testing.T) {
	f := newFake(t)
	s := f.tokens("me", secret)
	s.lifetime = 300
	c := registry.New(loggedIn(t, f.host, "me", secret))
	for i := range 3 {
		if _, err := c.Push(t.Context(), f.host+"/team/app", blobOf(noise(1000+i)), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Has(t.Context(), f.host+"/team/app", hexDigest(noise(1000))); err != nil {
		t.Fatal(err)
	}
	var scopes []string
	for _, form := range s.asked {
		scopes = append(scopes, strings.Join(form["scope"], " "))
		if form.Get("service") != "fake" {
			t.Errorf("service is %q", form.Get("service"))
		}
	}
	if got := strings.Join(scopes, "; "); got != "repository:team/app:pull,push; repository:team/app:pull" {
		t.Errorf("scopes: %s", got)
	}
}

// TestTokenEnds lets tokens end early: in the middle of a push, a new one is fetched and the body sent again.
func TestTokenEnds(t *testing.T) {
	f := newFake(t)
	s := f.tokens("me", secret)
	s.lifetime = 300
	c := registry.New(loggedIn(t, f.host, "me", secret))
	for i := range 3 {
		data := noise(5<<20 + i)
		var once sync.Once
		if _, err := c.Push(t.Context(), f.host+"/app", blobOf(data), "", func(int64) { once.Do(s.end) }); err != nil {
			t.Fatal(err)
		}
		if f.blobs["app"][hexDigest(data)] == nil {
			t.Error("the blob did not arrive")
		}
	}
}

// TestIdentityToken logs in by OAuth2.
func TestIdentityToken(t *testing.T) {
	f := newFake(t)
	s := f.tokens("nobody", "nothing")
	s.identity = secret
	opt := quick
	opt.Keychain.Files = []keychain.File{{Path: writeFile(t, "config.json", fmt.Sprintf(`{"auths":{%q:{"identitytoken":%q}}}`, f.host, secret))}}
	if _, err := registry.New(opt).Push(t.Context(), f.host+"/app", blobOf(noise(10)), "", nil); err != nil {
		t.Fatal(err)
	}
	form := s.asked[0]
	if form.Get("grant_type") != "refresh_token" || form.Get("service") != "fake" || form.Get("scope") != "repository:app:pull,push" {
		t.Errorf("asked for %v", form)
	}
}

// TestBasic pushes to a registry that wants name and password themselves.
func TestBasic(t *testing.T) {
	f := newFake(t)
	f.auth = func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user == "me" && password == secret {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="a \"registry\", of sorts"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return false
	}
	push(t, f, loggedIn(t, f.host, "me", secret), "app", noise(large), "")
	_, err := registry.New(loggedIn(t, f.host, "me", "wrong-"+secret)).Push(t.Context(), f.host+"/app", blobOf(noise(1)), "", nil)
	checkRefusal(t, err, "401 Unauthorized (UNAUTHORIZED)", "has a user name and password")
}

// TestRefusal shows that an error lists the sources and what they had, for every way to be refused.
func TestRefusal(t *testing.T) {
	for name, c := range map[string]struct {
		host, user, deny string
		want             string
	}{
		"no login":    {"other.example", "me", "", "no entry for HOST"},
		"wrong login": {"HOST", "mallory", "", "has a user name and password"},
		"may not":     {"HOST", "me", "push", "has a user name and password"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := f.tokens("me", secret)
			s.deny = c.deny
			host := strings.Replace(c.host, "HOST", f.host, 1)
			err := registry.New(loggedIn(t, host, c.user, secret)).CheckPush(t.Context(), f.host+"/team/app")
			checkRefusal(t, err, "a push to "+f.host+"/team/app is refused: 401", "config.json): "+strings.Replace(c.want, "HOST", f.host, 1))
		})
	}
}

// checkRefusal wants a problem of the user's with these texts, and no secret.
func checkRefusal(t *testing.T, err error, texts ...string) {
	t.Helper()
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "registry-auth" || problem.Hint == "" {
		t.Fatalf("got %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(problem.What, text) {
			t.Errorf("%q does not tell %q", problem.What, text)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the secret is told: %v", err)
	}
}

// TestRedirectKeepsCredentials shows that an object store gets none, while the blob arrives.
func TestRedirectKeepsCredentials(t *testing.T) {
	f := newFake(t)
	s := f.tokens("me", secret)
	s.lifetime = 300
	_, _, layer := f.image("app", "1")
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("the store was sent %v", r.Header)
		}
		w.Write(layer)
	}))
	t.Cleanup(storage.Close)
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !blobPath.MatchString(r.URL.Path) {
			return false
		}
		http.Redirect(w, r, storage.URL+"/signed?key="+secret, http.StatusTemporaryRedirect)
		return true
	}
	if _, err := registry.New(loggedIn(t, f.host, "me", secret)).Blob(t.Context(), newStore(t), f.host+"/app", hexDigest(layer), 0, nil); err != nil {
		t.Fatal(err)
	}
}
