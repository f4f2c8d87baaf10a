package artifact

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
)

// place is a home folder and an environment.
type place struct {
	t    *testing.T
	home string
	vars map[string]string
}

func newPlace(t *testing.T, vars map[string]string) *place {
	return &place{t, t.TempDir(), vars}
}

func (p *place) env(name string) string { return strings.ReplaceAll(p.vars[name], "HOME", p.home) }

func (p *place) write(name, text string) *place {
	p.t.Helper()
	path := filepath.Join(p.home, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		p.t.Fatal(err)
	}
	return p
}

func (p *place) settings() (IndexOptions, error) {
	return settings(p.env, p.home, []string{filepath.Join(p.home, "etc", "pip.conf")})
}

func TestSettings(t *testing.T) {
	type vars = map[string]string
	const conf = "[global]\nindex-url = https://conf/simple\nextra-index-url = https://e1/ https://e2/\n\thttps://e3/\n"
	for name, test := range map[string]struct {
		vars  vars
		files vars
		url   string
		from  string
		extra []string
	}{
		"nothing":          {url: ""},
		"lithe first":      {vars: vars{"LITHE_INDEX_URL": "https://l/", "UV_DEFAULT_INDEX": "https://d/", "UV_INDEX": "https://x/"}, url: "https://l/", from: "LITHE_INDEX_URL"},
		"uv's default":     {vars: vars{"UV_DEFAULT_INDEX": "https://d/", "UV_INDEX_URL": "https://i/", "PIP_INDEX_URL": "https://p/"}, url: "https://d/", from: "UV_DEFAULT_INDEX"},
		"uv's with a name": {vars: vars{"UV_DEFAULT_INDEX": "corp=https://d/?a=b"}, url: "https://d/?a=b", from: "UV_DEFAULT_INDEX"},
		"uv's older":       {vars: vars{"UV_INDEX_URL": "https://i/", "PIP_INDEX_URL": "https://p/"}, url: "https://i/", from: "UV_INDEX_URL"},
		"pip's": {vars: vars{"PIP_INDEX_URL": "https://p/", "PIP_EXTRA_INDEX_URL": "https://e/ https://f/"}, files: vars{".config/pip/pip.conf": conf},
			url: "https://p/", from: "PIP_INDEX_URL", extra: []string{"https://e/", "https://f/", "https://e1/", "https://e2/", "https://e3/"}},
		"pip.conf":        {files: vars{".config/pip/pip.conf": conf}, url: "https://conf/simple", from: "HOME/.config/pip/pip.conf", extra: []string{"https://e1/", "https://e2/", "https://e3/"}},
		"old pip.conf":    {files: vars{".pip/pip.conf": "[global]\nindex_url: https://old/\n"}, url: "https://old/", from: "HOME/.pip/pip.conf"},
		"system pip.conf": {files: vars{"etc/pip.conf": "[global]\nindex-url=https://sys/\n"}, url: "https://sys/", from: "HOME/etc/pip.conf"},
		"user over system": {files: vars{"etc/pip.conf": "[global]\nindex-url=https://sys/\n", ".config/pip/pip.conf": "[global]\nindex-url=https://user/\n"},
			url: "https://user/", from: "HOME/.config/pip/pip.conf"},
		"install over global": {files: vars{"etc/pip.conf": "[install]\n--index-url=https://inst/\n", ".config/pip/pip.conf": conf}, url: "https://inst/",
			from: "HOME/etc/pip.conf", extra: []string{"https://e1/", "https://e2/", "https://e3/"}},
		"named file":     {vars: vars{"PIP_CONFIG_FILE": "HOME/my.conf"}, files: vars{"my.conf": "[global]\nindex-url=https://my/\n", ".config/pip/pip.conf": conf}, url: "https://my/", from: "HOME/my.conf", extra: []string{"https://e1/", "https://e2/", "https://e3/"}},
		"no files":       {vars: vars{"PIP_CONFIG_FILE": os.DevNull}, files: vars{".config/pip/pip.conf": conf}},
		"XDG":            {vars: vars{"XDG_CONFIG_HOME": "HOME/xdg"}, files: vars{"xdg/pip/pip.conf": "[global]\nindex-url=https://xdg/\n"}, url: "https://xdg/", from: "HOME/xdg/pip/pip.conf"},
		"other sections": {files: vars{"etc/pip.conf": "# c\n; c\n[download]\nindex-url=https://no/\n[global]\ntimeout = 60\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, test.vars)
			for file, text := range test.files {
				p.write(file, text)
			}
			o, err := p.settings()
			if err != nil {
				t.Fatal(err)
			}
			if o.URL != test.url || filepath.ToSlash(o.From) != strings.ReplaceAll(test.from, "HOME", filepath.ToSlash(p.home)) {
				t.Errorf("%q from %q, want %q from %q", o.URL, o.From, test.url, test.from)
			}
			if diff := cmp.Diff(test.extra, o.Extra); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsRefuse(t *testing.T) {
	type vars = map[string]string
	for name, test := range map[string]struct {
		vars, files vars
		code        string
		want        string
	}{
		"a path":          {vars{"UV_INDEX_URL": "/srv/simple"}, nil, "index-url", "UV_INDEX_URL"},
		"ftp":             {vars{"PIP_INDEX_URL": "ftp://me:hunter2@host/"}, nil, "index-url", "PIP_INDEX_URL"},
		"broken":          {vars{"PIP_EXTRA_INDEX_URL": "https://me:hunter2@host:port/"}, nil, "index-url", "PIP_EXTRA_INDEX_URL"},
		"in pip.conf":     {nil, vars{"etc/pip.conf": "[global]\nindex-url = hunter2\n"}, "index-url", "pip.conf"},
		"no section":      {nil, vars{"etc/pip.conf": "\nhunter2 = x\n"}, "pip-conf", "pip.conf:2: a setting stands before"},
		"section open":    {nil, vars{"etc/pip.conf": "[global\n"}, "pip-conf", "pip.conf:1: the name"},
		"no key":          {nil, vars{"etc/pip.conf": "[global]\n= hunter2\n"}, "pip-conf", "pip.conf:2: expected"},
		"no value":        {nil, vars{"etc/pip.conf": "[global]\nhunter2\n"}, "pip-conf", "pip.conf:2: expected"},
		"netrc":           {nil, vars{".netrc": "machine h password \"hunter2"}, "netrc", ".netrc:1: a quote"},
		"file unreadable": {vars{"PIP_CONFIG_FILE": "HOME/dir"}, vars{"dir/x": ""}, "pip-conf", "dir: cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, test.vars)
			for file, text := range test.files {
				p.write(file, text)
			}
			_, err := p.settings()
			problem, ok := errors.AsType[*diag.Error](err)
			if !ok || problem.Code != test.code || problem.Hint == "" || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") && name != "in pip.conf" {
				t.Errorf("error quotes a secret: %v", err)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	p := newPlace(t, map[string]string{
		"UV_DEFAULT_INDEX":       "corp=https://corp.example/simple",
		"UV_EXTRA_INDEX_URL":     "https://me:p%40ss@Extra.example:8443/simple",
		"UV_INDEX_CORP_USERNAME": "corp", "UV_INDEX_CORP_PASSWORD": "c",
		"POETRY_HTTP_BASIC_MY_INDEX_USERNAME": "poet", "POETRY_HTTP_BASIC_MY_INDEX_PASSWORD": "p",
		"PIP_CONFIG_FILE": os.DevNull,
	}).write(".netrc", "machine netrc.example login n password r\nmachine corp.example login no password no")
	o, err := p.settings()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Name("my-index", "https://poetry.example/simple"), o.Name("unknown", "https://unknown.example/")); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"https://corp.example/files/x.whl":     "corp c",
		"https://corp.example:443/x":           "corp c",
		"http://corp.example/x":                "no no", // netrc knows hosts only
		"https://extra.example:8443/a":         "me p@ss",
		"https://extra.example/a":              "",
		"https://netrc.example/x":              "n r",
		"https://poetry.example/x":             "poet p",
		"https://unknown.example/":             "",
		"https://evil.example/corp.example":    "",
		"https://corp.example.evil.example/":   "",
		"https://files.pythonhosted.org/x.whl": "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		user, password, ok := o.Auth(u)
		if got := strings.TrimSpace(user + " " + password); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if strings.Contains(o.URL+strings.Join(o.Extra, ""), "@") {
		t.Errorf("credentials stay in %q %q", o.URL, o.Extra)
	}
}

func TestIndexes(t *testing.T) {
	mirror := IndexOptions{URL: "https://mirror/", Extra: []string{"https://extra/"}}
	for name, test := range map[string]struct {
		options IndexOptions
		locked  string
		want    []string
	}{
		"nothing said":      {IndexOptions{}, "", []string{PyPI}},
		"mirror":            {mirror, "", []string{"https://mirror/", "https://extra/"}},
		"mirror for PyPI":   {mirror, "https://pypi.org/simple", []string{"https://mirror/"}},
		"locked to another": {mirror, "https://private/simple", []string{"https://private/simple"}},
	} {
		if diff := cmp.Diff(test.want, test.options.indexes("greet", test.locked)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzParsePipConf(f *testing.F) {
	f.Add("[global]\nindex-url = https://x\n  https://y\n# c\n[install]\nno_index: 1\n")
	f.Add("\ufeff[a]\r\nb=c\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parsePipConf("pip.conf", text)
		if _, ok := errors.AsType[*diag.Error](err); err != nil && (!ok || sections != nil) {
			t.Errorf("%v, %v", sections, err)
		}
	})
}
