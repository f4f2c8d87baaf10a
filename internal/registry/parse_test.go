package registry

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseChallenge(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  challenge
	}{
		"hub": {[]string{`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"`},
			challenge{"bearer", "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"}},
		"basic":        {[]string{`Basic realm="Registry Realm"`}, challenge{scheme: "basic", realm: "Registry Realm"}},
		"both":         {[]string{`Basic realm="x"`, `BEARER realm=https://a,service=b`}, challenge{scheme: "bearer", realm: "https://a", service: "b"}},
		"in one line":  {[]string{`Basic realm="x", Bearer realm="https://a"`}, challenge{scheme: "bearer", realm: "https://a"}},
		"spaces":       {[]string{`Bearer  realm = "https://a" ,  service = "b"`}, challenge{scheme: "bearer", realm: "https://a", service: "b"}},
		"escapes":      {[]string{`Basic realm="a \"b\" \\"`}, challenge{scheme: "basic", realm: `a "b" \`}},
		"no realm":     {[]string{`Bearer service="b"`}, challenge{}},
		"unknown":      {[]string{`Negotiate abc`}, challenge{}},
		"not closed":   {[]string{`Bearer realm="https://a`}, challenge{scheme: "bearer", realm: "https://a"}},
		"none":         {nil, challenge{}},
		"equals first": {[]string{`="`}, challenge{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := parseChallenge(http.Header{"Www-Authenticate": c.lines})
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(challenge{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReceived(t *testing.T) {
	for value, want := range map[string]int64{"0-99": 100, "bytes=0-99": 100, "0-0": 0, "": -1, "5-9": -1, "0-": -1, "0--1": -1, "0-99999999999999999999": -1} {
		n, ok := received(value)
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: %d, %v", value, n, ok)
		}
	}
}

func TestLocation(t *testing.T) {
	h := &host{base: "https://reg.example"}
	const from = "https://reg.example/v2/app/blobs/uploads/"
	for header, want := range map[string]string{
		"/v2/app/blobs/uploads/1?x=y":        "https://reg.example/v2/app/blobs/uploads/1?x=y",
		"https://store.example/1":            "https://store.example/1",
		"http://reg.example:5000/v2/1":       "https://reg.example/v2/1",
		"http://store.example/1":             "",
		"ftp://reg.example/1":                "",
		"":                                   "",
		"https://me:secret@reg.example/v2/1": "https://reg.example/v2/1",
		"\x00":                               "",
	} {
		got, err := location(h, from, header)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", header, got, err)
		}
	}
}

// FuzzChallenge reads headers of any content, which anybody on the network may send.
func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`)
	f.Add(`Basic realm="a \"b"`)
	f.Fuzz(func(t *testing.T, line string) {
		c := parseChallenge(http.Header{"Www-Authenticate": {line}})
		if c.scheme != "" && c.scheme != "bearer" && c.scheme != "basic" || c.scheme == "bearer" && c.realm == "" {
			t.Errorf("%q: %+v", line, c)
		}
	})
}

// FuzzReference reads names: what is accepted is named the same when it is read again.
func FuzzReference(f *testing.F) {
	for _, s := range []string{"python", "python:3.13", "reg.example:5000/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseReference(s)
		if err != nil {
			return
		}
		again, err := parseReference(r.String())
		if err != nil || again.name() != r.name() || again.version() != r.version() {
			t.Errorf("%q: %v became %v, %v", s, r, again, err)
		}
	})
}

// FuzzManifest classifies what registries send, and their errors.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`), "")
	f.Add([]byte(`{"errors":[{"code":"DENIED","message":"no"}]}`), "application/vnd.oci.image.manifest.v1+json; charset=utf-8")
	f.Fuzz(func(t *testing.T, data []byte, header string) {
		if kind, index := classify(data, header); kind == "" && index {
			t.Error("an index without a type")
		}
		code, err := reason(http.StatusForbidden, data)
		if err == nil || code != "" && !codes.MatchString(code) || len(err.Error()) > 500 {
			t.Errorf("code %q, %v", code, err)
		}
		if r, err := newRemote(data, header, "", reference{host: "a", repository: "b"}); err == nil {
			_, _ = r.Manifests() // no panic
		}
	})
}
