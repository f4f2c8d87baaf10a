package artifact

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lock"
)

// variable is an environment variable in an address, as pip, pipenv and PDM have them.
var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// With returns the options for a lock file: the names, credentials and variables that its indexes come with, and the
// indexes that stand in for the one of a package. A variable without a value is a problem where its index has to be asked,
// so it is reported here, by the name of the variable and nothing else.
func (o IndexOptions) With(l *lock.Lock) (IndexOptions, error) {
	o.secrets, o.also = slices.Clone(o.secrets), l.ExtraIndexes
	var problems diag.List
	for _, index := range l.Indexes {
		address, missing := o.expand(index.URL)
		if missing != "" {
			problems.Add(&diag.Error{Pos: index.Pos, Code: "variable", What: fmt.Sprintf("the address of an index needs the environment variable %s", missing),
				Hint: "set it"})
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			problems.Add(&diag.Error{Pos: index.Pos, Code: "index-url", What: fetch.Redact(index.URL) + " is not the address of a package index",
				Hint: "an index is such as " + PyPI})
			continue
		}
		if u.User != nil {
			password, _ := u.User.Password()
			o.secrets = append(o.secrets, secret{origin(u), u.User.Username(), password})
			u.User = nil
		}
		if index.Name != "" {
			o.Name(index.Name, u.String())
		}
	}
	return o, problems.Err()
}

// expand fills in variables, and returns the first that has no value.
func (o IndexOptions) expand(address string) (expanded, missing string) {
	if !strings.Contains(address, "${") {
		return address, ""
	}
	expanded = variable.ReplaceAllStringFunc(address, func(reference string) string {
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
