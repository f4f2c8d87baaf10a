package artifact

import (
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// login is what a tool keeps for an index by its name.
type login struct {
	user, password string
	from           string
	services       []string // of the keyring, where that has the password
}

// label is the name that a project gives an index.
type label struct {
	label  string
	origin string
}

// loginSources are where tools keep credentials by the name of an index, the first that has any counts.
var loginSources = []func(o *IndexOptions, label string) (login, error){
	func(o *IndexOptions, label string) (login, error) { return o.loginOfVariables("UV_INDEX_", label), nil },
	func(o *IndexOptions, label string) (login, error) {
		return o.loginOfVariables("POETRY_HTTP_BASIC_", label), nil
	},
	(*IndexOptions).loginOfPoetry,
	(*IndexOptions).loginOfPDM,
}

// loginPlaces names them for a message.
func loginPlaces(label string) []string {
	places := []string{"UV_INDEX_" + upper(label) + "_USERNAME and _PASSWORD", "POETRY_HTTP_BASIC_" + upper(label) + "_USERNAME and _PASSWORD",
		"[http-basic." + label + "] of Poetry's auth.toml", "[pypi." + label + "] of PDM's config.toml"}
	if label == pypiLabel {
		places[3] = "PDM_PYPI_USERNAME and _PASSWORD"
	}
	return places
}

// pypiLabel is what PDM calls the default index.
const pypiLabel = "pypi"

// Name tells the name that a project gives an index, by which tools keep credentials and certificates for it: uv and Poetry
// in variables, UV_INDEX_<NAME>_USERNAME and _PASSWORD, POETRY_HTTP_BASIC_<NAME>_USERNAME and _PASSWORD; Poetry in auth.toml,
// PDM in config.toml.
func (o *IndexOptions) Name(name, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || o.env == nil {
		return nil
	}
	o.names = append(o.names, label{name, origin(u)})
	if err := o.nameCertificates(name, u); err != nil {
		return err
	}
	for _, source := range loginSources {
		l, err := source(o, name)
		if err != nil {
			return err
		}
		if l.user != "" || l.password != "" {
			o.keep(u, l)
			return nil
		}
	}
	return nil
}

// upper writes a name as variables have it.
func upper(label string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(label))
}

// loginOfVariables reads PREFIX<NAME>_USERNAME and _PASSWORD.
func (o *IndexOptions) loginOfVariables(prefix, label string) login {
	prefix += upper(label)
	return login{user: o.env(prefix + "_USERNAME"), password: o.env(prefix + "_PASSWORD"), from: prefix + "_USERNAME and _PASSWORD"}
}

// loginOfPoetry reads auth.toml. Poetry leaves the password out of it where it has a keyring to put it into.
// See https://python-poetry.org/docs/repositories/#configuring-credentials.
func (o *IndexOptions) loginOfPoetry(label string) (login, error) {
	path := o.poetryFile("auth.toml")
	t, err := readConfig(path)
	basic := t.Table("http-basic", label)
	l := login{user: basic.String("username"), password: basic.String("password"), from: path}
	if l.password == "" {
		l.services = []string{"poetry-repository-" + label}
	}
	return l, err
}

// loginOfPDM reads PDM's settings. Those of PyPI itself have no name, and variables.
// See https://pdm-project.org/latest/usage/config/#configure-the-python-package-indexes.
func (o *IndexOptions) loginOfPDM(label string) (login, error) {
	if label == pypiLabel {
		l := login{user: o.env("PDM_PYPI_USERNAME"), password: o.env("PDM_PYPI_PASSWORD"), from: "PDM_PYPI_USERNAME and _PASSWORD"}
		if l.user != "" || l.password != "" {
			return l, nil
		}
	}
	path, t, err := o.pdmConfig(label)
	l := login{user: t.String("username"), password: t.String("password"), from: path}
	if l.password == "" {
		l.services = []string{"pdm-pypi-" + label}
	}
	return l, err
}

// pdmConfig returns the table of PDM's configuration for an index.
func (o *IndexOptions) pdmConfig(label string) (path string, t *toml.Table, err error) {
	if path = o.env("PDM_CONFIG_FILE"); path == "" {
		path = o.configFile("pdm", "config.toml")
	}
	t, err = readConfig(path)
	if label == pypiLabel {
		return path, t.Table(pypiLabel), err
	}
	return path, t.Table(pypiLabel, label), err
}

// poetryFile returns the path of a file in Poetry's folder, "" where there is none.
func (o *IndexOptions) poetryFile(name string) string {
	if dir := o.env("POETRY_CONFIG_DIR"); dir != "" {
		return filepath.Join(dir, name)
	}
	return o.configFile("pypoetry", name)
}

// configFile returns the path of a file where programs keep their configuration for this user.
func (o *IndexOptions) configFile(program, name string) string {
	switch {
	case runtime.GOOS == "windows" && o.env("APPDATA") != "":
		return filepath.Join(o.env("APPDATA"), program, name)
	case o.home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(o.home, "Library", "Application Support", program, name)
	case filepath.IsAbs(o.env("XDG_CONFIG_HOME")):
		return filepath.Join(o.env("XDG_CONFIG_HOME"), program, name)
	}
	return filepath.Join(o.home, ".config", program, name)
}

// readConfig reads a configuration that may have secrets, so that its errors quote nothing of it. A file that is not there, or
// not for this user to read, is none.
func readConfig(path string) (*toml.Table, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readSmall(path)
	if err != nil {
		return nil, nil
	}
	t, err := toml.Parse(path, []byte(data))
	if err == nil {
		return t, nil
	}
	pos := diag.Position{File: path}
	if problems, ok := diag.Problems(err); ok {
		pos = problems[0].Pos
	}
	return nil, &diag.Error{Pos: pos, Code: "index-config", What: "it is not TOML", Hint: "correct the file; lithe reads credentials of indexes there"}
}
