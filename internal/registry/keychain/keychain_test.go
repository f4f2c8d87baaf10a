package keychain

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/fetch"
)

// secret is in every store of these tests, and may be in no outcome.
const secret = "s3cr3t-p4ssw0rd"

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// lookup asks and sees that nothing secret is told.
func lookup(t *testing.T, opt Options, host, repository string) Result {
	t.Helper()
	found, err := New(opt).Lookup(t.Context(), host, repository)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(found.Tried, found.Source); strings.Contains(text, secret) {
		t.Errorf("the secret is told: %s", text)
	}
	return found
}

// env makes an environment of a map.
func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func basic(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":" + secret)) }

// TestFiles shows which entry of a file counts.
func TestFiles(t *testing.T) {
	for name, c := range map[string]struct {
		file, host, repository string
		want                   Credentials
		outcome                string
	}{
		"auth":          {`{"auths":{"reg.example":{"auth":"` + basic("me") + `"}}}`, "reg.example", "", Credentials{Username: "me", Password: secret}, ""},
		"unpadded":      {`{"auths":{"reg.example":{"auth":"` + strings.TrimRight(basic("me"), "=") + `"}}}`, "reg.example", "", Credentials{Username: "me", Password: secret}, ""},
		"apart":         {`{"auths":{"reg.example":{"username":"me","password":"` + secret + `"}}}`, "reg.example", "", Credentials{Username: "me", Password: secret}, ""},
		"hub":           {`{"auths":{"https://index.docker.io/v1/":{"auth":"` + basic("me") + `"}}}`, "docker.io", "me/app", Credentials{Username: "me", Password: secret}, ""},
		"hub of podman": {`{"auths":{"docker.io":{"auth":"` + basic("me") + `"}}}`, "docker.io", "me/app", Credentials{Username: "me", Password: secret}, ""},
		"with scheme":   {`{"auths":{"https://reg.example:5000/v2/":{"auth":"` + basic("me") + `"}}}`, "reg.example:5000", "", Credentials{Username: "me", Password: secret}, ""},
		"identity":      {`{"auths":{"reg.example":{"auth":"` + basic("00000000") + `","identitytoken":"` + secret + `"}}}`, "reg.example", "", Credentials{IdentityToken: secret}, ""},
		"registry":      {`{"auths":{"reg.example":{"registrytoken":"` + secret + `"}}}`, "reg.example", "", Credentials{RegistryToken: secret}, ""},
		"part": {`{"auths":{"reg.example":{"auth":"` + basic("all") + `"},"reg.example/team":{"auth":"` + basic("team") + `"}}}`,
			"reg.example", "team/app", Credentials{Username: "team", Password: secret}, ""},
		"not the part": {`{"auths":{"reg.example":{"auth":"` + basic("all") + `"},"reg.example/team":{"auth":"` + basic("team") + `"}}}`,
			"reg.example", "teams/app", Credentials{Username: "all", Password: secret}, ""},
		"other port": {`{"auths":{"reg.example:5000":{"auth":"` + basic("me") + `"}}}`, "reg.example", "", Credentials{}, "no entry for reg.example"},
		"subdomain":  {`{"auths":{"example":{"auth":"` + basic("me") + `"}}}`, "reg.example", "", Credentials{}, "no entry for reg.example"},
		"empty":      {`{"auths":{"reg.example":{}}}`, "reg.example", "", Credentials{}, "no entry for reg.example"},
		"bad base64": {`{"auths":{"reg.example":{"auth":"` + secret + `!"}}}`, "reg.example", "", Credentials{}, "its auth is not base64"},
		"no colon":   {`{"auths":{"reg.example":{"auth":"aGVsbG8="}}}`, "reg.example", "", Credentials{}, "its auth is not user:password in base64"},
		"no JSON":    {secret, "reg.example", "", Credentials{}, "is not JSON as docker login writes it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "config.json", c.file)
			got := lookup(t, Options{Files: []File{{"Docker", path}}}, c.host, c.repository)
			if diff := cmp.Diff(c.want, got.Credentials); diff != "" {
				t.Error(diff)
			}
			if c.outcome != "" && (got.Tried[0] != Tried{"Docker (" + path + ")", c.outcome}) {
				t.Errorf("tried %v", got.Tried)
			}
		})
	}
}

// TestOrder shows that the first source wins, that one that fails is passed by, and that all are told.
func TestOrder(t *testing.T) {
	broken := writeFile(t, "broken.json", "{")
	other := writeFile(t, "other.json", `{"auths":{"other.example":{"auth":"`+basic("other")+`"}}}`)
	first := writeFile(t, "first.json", `{"auths":{"reg.example":{"auth":"`+basic("first")+`"}}}`)
	netrc, err := fetch.ParseNetrc([]byte("machine reg.example login net password " + secret + "\ndefault login all password " + secret))
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing.json")
	files := []File{{"", missing}, {"", broken}, {"", other}}
	got := lookup(t, Options{Files: append(files, File{"", first}), Netrc: netrc}, "reg.example", "")
	if got.Username != "first" || got.Source != first {
		t.Errorf("got %v", got)
	}
	got = lookup(t, Options{Files: files, Netrc: netrc}, "reg.example:443", "")
	want := []Tried{{missing, "no such file"}, {broken, "is not JSON as docker login writes it"},
		{other, "no entry for reg.example:443"}, {"netrc", "has a user name and password"}}
	if diff := cmp.Diff(want, got.Tried); diff != "" || got.Username != "net" {
		t.Error(diff)
	}
	if got := lookup(t, Options{Netrc: netrc}, "unknown.example", ""); !got.empty() {
		t.Errorf("netrc's default went to a registry: %v", got)
	}
}

// TestHelper asks credential helpers, which are programs.
func TestHelper(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the helpers of this test are scripts")
	}
	helpers := map[string]string{
		"good":    `read key; [ "$1" = get ] && echo "{\"ServerURL\":\"$key\",\"Username\":\"$key\",\"Secret\":\"` + secret + `\"}"`,
		"token":   `echo '{"Username":"<token>","Secret":"` + secret + `"}'`,
		"none":    `echo "credentials not found in native keychain"; exit 1`,
		"broken":  `echo "` + secret + `" >&2; exit 3`,
		"rubbish": `echo "` + secret + `"`,
		"chatty":  `head -c 3000000 /dev/zero`,
	}
	paths := map[string]string{}
	for name, script := range helpers {
		paths["docker-credential-"+name] = writeFile(t, name, "#!/bin/sh\n"+script+"\n")
	}
	look := func(name string) (string, error) {
		if path, ok := paths[name]; ok {
			return path, nil
		}
		return "", os.ErrNotExist
	}
	for name, c := range map[string]struct {
		file, host string
		want       Credentials
		outcome    string
	}{
		"for the host": {`{"credHelpers":{"reg.example":"good"},"credsStore":"none"}`, "reg.example", Credentials{Username: "reg.example", Password: secret}, ""},
		"for all":      {`{"auths":{"reg.example":{}},"credsStore":"good"}`, "reg.example", Credentials{Username: "reg.example", Password: secret}, ""},
		"for the hub":  {`{"credsStore":"good"}`, "docker.io", Credentials{Username: "https://index.docker.io/v1/", Password: secret}, ""},
		"token":        {`{"credsStore":"token"}`, "reg.example", Credentials{IdentityToken: secret}, ""},
		"file first":   {`{"auths":{"reg.example":{"auth":"` + basic("me") + `"}},"credsStore":"good"}`, "reg.example", Credentials{Username: "me", Password: secret}, ""},
		"none":         {`{"credsStore":"none"}`, "reg.example", Credentials{}, "docker-credential-none: no entry for reg.example"},
		"broken":       {`{"credsStore":"broken"}`, "reg.example", Credentials{}, "docker-credential-broken failed: exit status 3"},
		"rubbish":      {`{"credsStore":"rubbish"}`, "reg.example", Credentials{}, "docker-credential-rubbish printed no JSON"},
		"missing":      {`{"credsStore":"missing"}`, "reg.example", Credentials{}, "docker-credential-missing is not installed"},
		"a path":       {`{"credsStore":"../../bin/good"}`, "reg.example", Credentials{}, "names a credential helper that cannot be one"},
		"too much":     {`{"credsStore":"chatty"}`, "reg.example", Credentials{}, "docker-credential-chatty failed"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := Options{Files: []File{{"", writeFile(t, "config.json", c.file)}}, LookPath: look}
			got := lookup(t, opt, c.host, "")
			if diff := cmp.Diff(c.want, got.Credentials); diff != "" {
				t.Error(diff)
			}
			if c.outcome != "" && !strings.HasPrefix(got.Tried[0].Outcome, c.outcome) {
				t.Errorf("tried %v", got.Tried)
			}
		})
	}
}

// TestGitHub takes a workflow's token for GitHub's registry, and for no other host.
func TestGitHub(t *testing.T) {
	for name, c := range map[string]struct {
		host string
		env  map[string]string
		want Credentials
	}{
		"actions":    {"ghcr.io", map[string]string{"GITHUB_TOKEN": secret, "GITHUB_ACTOR": "me"}, Credentials{Username: "me", Password: secret}},
		"gh":         {"ghcr.io", map[string]string{"GH_TOKEN": secret}, Credentials{Username: "token", Password: secret}},
		"unset":      {"ghcr.io", nil, Credentials{}},
		"other host": {"ghcr.io.example", map[string]string{"GITHUB_TOKEN": secret}, Credentials{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, lookup(t, Options{Env: env(c.env)}, c.host, "").Credentials); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCancelled ends with the context, not with an outcome.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Options{Files: []File{{"", "x"}}}).Lookup(ctx, "reg.example", ""); err == nil {
		t.Error("no error")
	}
}

// FuzzLogins reads files of any content: no panic, and nothing of it in an error.
func FuzzLogins(f *testing.F) {
	f.Add([]byte(`{"auths":{"reg.example":{"auth":"bWU6eA=="}},"credHelpers":{"a":"b"},"credsStore":"c"}`), "reg.example", "team/app")
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":{"username":"a"}}}`), "docker.io", "")
	f.Fuzz(func(t *testing.T, data []byte, host, repository string) {
		file, err := parseLogins(data)
		if err != nil {
			return
		}
		if l, ok := file.entry(target{host, repository}); ok {
			if c, err := l.credentials(); err == nil && l.Auth != "" && l.IdentityToken == "" && l.RegistryToken == "" && c.Username == "" {
				t.Errorf("%+v became %+v", l, c)
			}
		}
	})
}

// FuzzProfile reads AWS's files.
func FuzzProfile(f *testing.F) {
	f.Add([]byte("[default]\naws_access_key_id = a\n[x]\nb=c"), "default")
	f.Fuzz(func(t *testing.T, data []byte, profile string) {
		for key := range parseProfile(data, profile) {
			if key != strings.TrimSpace(key) {
				t.Errorf("key %q", key)
			}
		}
	})
}
