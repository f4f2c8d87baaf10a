package artifact

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
)

// corp is a lock with one named index.
func corp(address string) *lock.Lock {
	return &lock.Lock{Format: "uv", Indexes: []lock.Index{{Name: "corp-main", URL: address, Pos: diag.Position{File: "pyproject.toml", Line: 3}}}}
}

const corpURL = "https://corp.example/main/simple"

// TestLogins holds where credentials of an index with a name may be, and which come first.
func TestLogins(t *testing.T) {
	type vars = map[string]string
	const poetry, pdm = "poetry/auth.toml", "pdm.toml"
	places := vars{"POETRY_CONFIG_DIR": "HOME/poetry", "PDM_CONFIG_FILE": "HOME/pdm.toml"}
	for name, test := range map[string]struct {
		vars, files vars
		url         string
		want        string
	}{
		"uv":                           {vars: vars{"UV_INDEX_CORP_MAIN_USERNAME": "u", "UV_INDEX_CORP_MAIN_PASSWORD": "p"}, want: "u p"},
		"Poetry's variables":           {vars: vars{"POETRY_HTTP_BASIC_CORP_MAIN_USERNAME": "u", "POETRY_HTTP_BASIC_CORP_MAIN_PASSWORD": "p"}, want: "u p"},
		"auth.toml":                    {files: vars{poetry: "[http-basic.corp-main]\nusername = \"u\"\npassword = \"p\"\n"}, want: "u p"},
		"auth.toml of another":         {files: vars{poetry: "[http-basic.other]\nusername = \"u\"\npassword = \"p\"\n"}, want: ""},
		"PDM":                          {files: vars{pdm: "[pypi.corp-main]\nusername = \"u\"\npassword = \"p\"\n"}, want: "u p"},
		"uv before Poetry":             {vars: vars{"UV_INDEX_CORP_MAIN_PASSWORD": "p"}, files: vars{poetry: "[http-basic.corp-main]\nusername = \"x\"\n"}, want: "p"},
		"Poetry's keyring":             {files: vars{poetry: "[http-basic.corp-main]\nusername = \"u\"\n"}, want: "u ring"},
		"PDM's keyring":                {files: vars{pdm: "[pypi.corp-main]\nusername = \"u\"\n"}, want: "u ring"},
		"uv without keyring":           {vars: vars{"UV_INDEX_CORP_MAIN_USERNAME": "u"}, want: "u"},
		"uv's keyring":                 {vars: vars{"UV_INDEX_CORP_MAIN_USERNAME": "u", "UV_KEYRING_PROVIDER": "subprocess"}, want: "u ring"},
		"pip's keyring":                {vars: vars{"PIP_KEYRING_PROVIDER": "subprocess"}, url: "https://u@corp.example/main/simple", want: "u ring"},
		"netrc before the keyring":     {vars: vars{"UV_INDEX_CORP_MAIN_USERNAME": "u", "UV_KEYRING_PROVIDER": "subprocess"}, files: vars{".netrc": "machine corp.example login u password n"}, want: "u n"},
		"netrc of another user":        {vars: vars{"UV_INDEX_CORP_MAIN_USERNAME": "u"}, files: vars{".netrc": "machine corp.example login o password n"}, want: "u"},
		"URL before all names":         {vars: vars{"UV_INDEX_CORP_MAIN_PASSWORD": "p"}, url: "https://a:b@corp.example/main/simple", want: "a b"},
		"variables in the URL":         {vars: vars{"WHO": "u", "PASS": "p"}, url: "https://${WHO}:${PASS}@corp.example/main/simple", want: "u p"},
		"a password with odd signs":    {vars: vars{"PASS": "p@:/#?s"}, url: "https://u:${PASS}@corp.example/main/simple", want: "u p@:/#?s"},
		"a password in percent signs":  {vars: vars{"PASS": "p%40s"}, url: "https://u:${PASS}@corp.example/main/simple", want: "u p@s"},
		"not in clear what is for TLS": {vars: vars{"UV_INDEX_CORP_MAIN_PASSWORD": "p"}, url: "http://corp.example/main/simple", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, vars{"PIP_CONFIG_FILE": os.DevNull})
			for _, all := range []vars{places, test.vars} {
				for k, v := range all {
					p.vars[k] = v
				}
			}
			for file, text := range test.files {
				p.write(file, text)
			}
			o, err := p.settings()
			if err != nil {
				t.Fatal(err)
			}
			o.keyring = func(services []string, user string) (string, error) { return "ring", nil }
			address := test.url
			if address == "" {
				address = corpURL
			}
			if o, err = o.With(corp(address)); err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse("https://corp.example/main/files/x.whl")
			user, password, _ := o.Auth(u)
			if got := strings.TrimSpace(user + " " + password); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestLoginsOfOneServer has two indexes on one host, as the package services of clouds do.
func TestLoginsOfOneServer(t *testing.T) {
	p := newPlace(t, map[string]string{"PIP_CONFIG_FILE": os.DevNull, "UV_INDEX": "https://a:1@host/one/simple https://b:2@host/two/simple"})
	o, err := p.settings()
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"https://host/two/simple/x/": "b", "https://host/one/files/x.whl": "a", "https://host/onefold": "a", "https://host/two": "b"} {
		u, _ := url.Parse(address)
		if user, _, _ := o.Auth(u); user != want {
			t.Errorf("%s: %q, want %q", address, user, want)
		}
	}
}

// TestKeyringIsAskedByURLAndName holds what services are called.
func TestKeyringIsAskedByURLAndName(t *testing.T) {
	p := newPlace(t, map[string]string{"PIP_CONFIG_FILE": os.DevNull, "POETRY_CONFIG_DIR": "HOME", "UV_KEYRING_PROVIDER": "subprocess"}).
		write("auth.toml", "[http-basic.corp-main]\nusername = \"u\"\n")
	o, err := p.settings()
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	o.keyring = func(services []string, user string) (string, error) {
		asked = append(asked, append(services, user)...)
		return "", errors.New("locked")
	}
	if o, err = o.With(corp(corpURL)); err != nil || asked != nil {
		t.Fatal("asked before anybody needs it", err, asked)
	}
	u, _ := url.Parse(corpURL)
	for range 3 {
		if user, password, ok := o.Auth(u); user != "u" || password != "" || !ok {
			t.Error(user, password, ok)
		}
	}
	if diff := cmp.Diff([]string{"poetry-repository-corp-main", corpURL, "corp.example", "u"}, asked); diff != "" {
		t.Error(diff)
	}
	if said := o.Denied(u); !strings.Contains(said, "auth.toml and keyring") || !strings.Contains(said, "locked") {
		t.Error(said)
	}
}

// TestAskKeyring runs a program in place of the host's.
func TestAskKeyring(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	dir := t.TempDir()
	script := "#!/bin/sh\necho secret-in-a-warning >&2\n[ \"$1 $2 $3\" = \"get second me\" ] && echo 's3cret ' || exit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "keyring"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	path := "relative:" + t.TempDir() + ":" + dir
	if got, err := askKeyring(path, []string{"first", "second"}, "me"); got != "s3cret " || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, user := range []string{"other", "--help"} {
		if got, err := askKeyring(path, []string{"second", "-x"}, user); got != "" || err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", user, got, err)
		}
	}
	if _, err := askKeyring(t.TempDir(), []string{"second"}, "me"); err == nil || !strings.Contains(err.Error(), "no program keyring") {
		t.Error(err)
	}
}

func TestDenied(t *testing.T) {
	p := newPlace(t, map[string]string{"PIP_CONFIG_FILE": os.DevNull, "UV_DEFAULT_INDEX": "https://default.example/simple",
		"UV_INDEX_CORP_MAIN_USERNAME": "u", "UV_INDEX_CORP_MAIN_PASSWORD": "hunter2"}).write(".netrc", "machine known.example login a password hunter2")
	o, err := p.settings()
	if err != nil {
		t.Fatal(err)
	}
	l := corp(corpURL)
	l.Indexes = append(l.Indexes, lock.Index{Name: "open", URL: "https://open.example/"}, lock.Index{Name: "known", URL: "https://known.example/"})
	if o, err = o.With(l); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"https://corp.example/x":    "not accept are from UV_INDEX_CORP_MAIN_USERNAME and _PASSWORD",
		"https://open.example/x":    "its URL, netrc, UV_INDEX_OPEN_USERNAME and _PASSWORD, POETRY_HTTP_BASIC_OPEN_USERNAME and _PASSWORD, [http-basic.open] of Poetry's auth.toml and [pypi.open]",
		"https://known.example/x":   "from netrc",
		"https://default.example/x": "were found in its URL and netrc",
		"https://debian.example/x":  "",
	} {
		u, _ := url.Parse(address)
		got := o.Denied(u)
		if !strings.Contains(got, want) || (want == "") != (got == "") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %q, want %q in it", address, got, want)
		}
	}
}

func TestConfigurationsThatCannotBeRead(t *testing.T) {
	for file, vars := range map[string]map[string]string{"auth.toml": {"POETRY_CONFIG_DIR": "HOME"}, "config.toml": {"PDM_CONFIG_FILE": "HOME/config.toml"}} {
		vars["PIP_CONFIG_FILE"] = os.DevNull
		p := newPlace(t, vars).write(file, "[a]\nx = hunter2\n")
		o, err := p.settings()
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.With(corp(corpURL))
		if problems, ok := diag.Problems(err); !ok || problems[0].Code != "index-config" || problems[0].Pos.Line != 2 || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestPinned holds that a package which its lock has from an index is looked for nowhere else.
func TestPinned(t *testing.T) {
	l := &lock.Lock{ExtraIndexes: []string{"https://also/simple"}, Packages: []lock.Package{
		{Name: "ours", Source: lock.Source{Kind: lock.Registry, URL: "https://corp/simple", Index: "corp"}}, {Name: "theirs"}}}
	o, err := IndexOptions{Extra: []string{"https://extra/"}}.With(l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://corp/simple"}, o.indexes("ours", "https://corp/simple")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{PyPI, "https://extra/", "https://also/simple"}, o.indexes("theirs", "")); diff != "" {
		t.Error(diff)
	}
}

func TestStandIns(t *testing.T) {
	for name, test := range map[string]struct {
		format string
		vars   map[string]string
		want   string
	}{
		"Pipenv's":           {"pipenv", map[string]string{"PIPENV_PYPI_MIRROR": "https://m/simple"}, "https://m/simple"},
		"of another tool":    {"uv", map[string]string{"PIPENV_PYPI_MIRROR": "https://m/simple", "PDM_PYPI_URL": "https://m/"}, ""},
		"PDM's":              {"pdm", map[string]string{"PDM_PYPI_URL": "https://m/simple", "PDM_PYPI_USERNAME": "u", "PDM_PYPI_PASSWORD": "p"}, "https://m/simple"},
		"lithe's before all": {"pdm", map[string]string{"PDM_PYPI_URL": "https://m/simple", "LITHE_INDEX_URL": "https://l/"}, "https://l/"},
	} {
		test.vars["PIP_CONFIG_FILE"] = os.DevNull
		o, err := newPlace(t, test.vars).settings()
		if err != nil {
			t.Fatal(err)
		}
		if o, err = o.With(&lock.Lock{Format: test.format}); err != nil || o.URL != test.want {
			t.Errorf("%s: %q, %v", name, o.URL, err)
		}
		u, _ := url.Parse("https://m/simple")
		if user, _, _ := o.Auth(u); (user == "u") != (name == "PDM's") {
			t.Errorf("%s: user %q", name, user)
		}
	}
}
