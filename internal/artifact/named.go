package artifact

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/lock"
)

// variable is an environment variable in an address, as pip, pipenv and PDM have them.
var variable = lazyregexp.New(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// With returns the options for a lock file: the names, credentials and variables that its indexes come with, and the
// indexes that stand in for the one of a package. A variable without a value is a problem where its index has to be asked,
// so it is reported here, by the name of the variable and nothing else.
func (o IndexOptions) With(l *lock.Lock) (IndexOptions, error) {
	o.secrets, o.names, o.also = slices.Clone(o.secrets), slices.Clone(o.names), l.ExtraIndexes
	o.pinned = map[string]bool{}
	for _, p := range l.Packages {
		if p.Source.Index != "" {
			o.pinned[p.Name] = true
		}
	}
	if err := o.standIn(l.Format); err != nil {
		return o, err
	}
	var problems diag.List
	for _, index := range l.Indexes {
		if err := o.know(index); err != nil {
			problems.Add(asProblem(err, index.Pos))
		}
	}
	return o, problems.Err()
}

// asProblem puts the place into an error that has none.
func asProblem(err error, pos diag.Position) *diag.Error {
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok {
		return &diag.Error{Pos: pos, Code: "index-url", What: err.Error(), Err: err}
	}
	placed := *problem
	if placed.Pos.File == "" {
		placed.Pos = pos
	}
	return &placed
}

// know takes in an index that a project names.
func (o *IndexOptions) know(index lock.Index) error {
	address, user, missing := o.parts(index.URL)
	if missing != "" {
		return &diag.Error{Code: "variable", What: fmt.Sprintf("the address of an index needs the environment variable %s", missing),
			Hint: "set it"}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return &diag.Error{Code: "index-url", What: fetch.Redact(index.URL) + " is not the address of a package index",
			Hint: "an index is such as " + PyPI}
	}
	if err := o.checkTrusted(address); err != nil {
		return err
	}
	u.User = user
	o.addLogin("its URL in "+cmp.Or(index.Pos.File, "the lock file"), u)
	if index.Name == "" {
		return nil
	}
	return o.Name(index.Name, u.String())
}

// Login takes in the address of another server that a project names and that is no index: variables are filled in, and
// credentials are kept for the server. The address that is returned has none.
func (o IndexOptions) Login(from, written string) (IndexOptions, string, error) {
	o.secrets = slices.Clone(o.secrets)
	address, user, missing := o.parts(written)
	if missing != "" {
		return o, "", &diag.Error{Code: "variable", What: fmt.Sprintf("the address of a repository needs the environment variable %s", missing), Hint: "set it"}
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return o, "", &diag.Error{Code: "repository-url", What: fetch.Redact(written) + " is not the address of a repository",
			Hint: "a repository is such as \"https://apt.example.org/debian\""}
	}
	u.User = user
	o.addLogin(from, u)
	return o, strings.TrimRight(u.String(), "/"), nil
}

// parts takes an address apart before variables are filled in, so that a password with signs that mean something in an
// address stays one. As in pip, one that was written with percent signs is decoded.
func (o *IndexOptions) parts(written string) (address string, user *url.Userinfo, missing string) {
	scheme, rest, found := strings.Cut(written, "://")
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if !found || at < 0 {
		address, missing = o.expand(written)
		return address, nil, missing
	}
	login, password, has := strings.Cut(authority[:at], ":")
	var lacks [3]string
	login, lacks[0] = o.expand(login)
	password, lacks[1] = o.expand(password)
	address, lacks[2] = o.expand(scheme + "://" + authority[at+1:] + "/" + path)
	user = url.User(unescape(login))
	if has {
		user = url.UserPassword(unescape(login), unescape(password))
	}
	return address, user, cmp.Or(lacks[:]...)
}

// standIn reads what stands in for PyPI in single tools, where nothing else was said.
func (o *IndexOptions) standIn(format string) (err error) {
	if o.URL != "" || o.env == nil {
		return nil
	}
	var from, address string
	switch format {
	case "pipenv":
		from, address = "PIPENV_PYPI_MIRROR", o.env("PIPENV_PYPI_MIRROR")
	case "pdm":
		if from, address = "PDM_PYPI_URL", o.env("PDM_PYPI_URL"); address == "" {
			path, t, err := o.pdmConfig(pypiLabel)
			if err != nil {
				return err
			}
			from, address = path, t.String("url")
		}
	}
	if address == "" {
		return nil
	}
	if o.URL, err = o.add(from, address); err != nil {
		return err
	}
	o.From = from
	if format == "pdm" {
		return o.Name(pypiLabel, o.URL)
	}
	return nil
}

// expand fills in variables, and returns the first that has no value.
func (o IndexOptions) expand(address string) (expanded, missing string) {
	if !strings.Contains(address, "${") {
		return address, ""
	}
	expanded = variable.Get().ReplaceAllStringFunc(address, func(reference string) string {
		name := reference[2 : len(reference)-1]
		value := ""
		if o.env != nil {
			value = o.env(name)
		}
		if value == "" && missing == "" {
			missing = name
		}
		return value
	})
	return expanded, missing
}
