package project

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/toml"
)

// AptSource is a repository of Debian packages, as a stanza of /etc/apt/sources.list.d names one (sources.list(5)).
type AptSource struct {
	URL        string   // as it is written, with credentials and ${VARIABLES}
	Suite      string   // "trixie"; one that ends with a slash is a folder without components
	Components []string // ["main"] where none are named
	SignedBy   Placed   // path of the file with its keys; "" means Debian's keys
	Pos        diag.Position
}

// The parts of a source. What stands before the host of a URL may be a secret, and is never shown.
var (
	repositoryURL = rule{pattern: lazyregexp.New(`^https?://[^\s/?#"\\]+(/[^\s?#"\\]*)?$`)}
	suiteName     = rule{pattern: lazyregexp.New(`^([A-Za-z0-9_+~][A-Za-z0-9._+~-]*(/[A-Za-z0-9_+~][A-Za-z0-9._+~-]*)*/?|\.?/)$`),
		want: "the name of a suite, such as \"trixie\", or a folder with / at its end"}
	componentName = rule{pattern: lazyregexp.New(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]*(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)*$`),
		want: "the name of a component, such as \"main\""}
)

// aptSource is an element of apt-sources.
type aptSource struct{ to *AptSource }

func (s aptSource) keys() []key {
	return []key{
		{name: "url", value: sourceURL{&s.to.URL}, doc: "The address of the repository, with http or https."},
		{name: "suite", value: text{&s.to.Suite, suiteName}, doc: "The suite, below dists; a path with / at its end is a folder without components."},
		{name: "components", value: array[string]{to: &s.to.Components, one: func(c *string) value { return text{c, componentName} }, nonEmpty: true},
			doc: "The components of the suite; main by default."},
		{name: "signed-by", value: placed{&s.to.SignedBy, relative},
			doc: "A file of the project with the OpenPGP keys that sign it, armoured or binary; Debian's own keys by default."},
	}
}

func (s aptSource) decode(d *decoder, at string, v *toml.Value) {
	s.to.Pos = v.Pos
	in, ok := v.AsTable()
	if !ok {
		d.wrongType(at, v, "a table with url, suite and signed-by")
		return
	}
	before := len(d.list)
	nested := *d // as for an include
	nested.positions = nil
	table{s.keys()}.decodeTable(&nested, at, in)
	d.list = nested.list
	for _, name := range []string{"url", "suite"} {
		if !in.Has(name) {
			d.problem(v.Pos, "config-value", at+" has no "+name, "write it as {url = \"https://…\", suite = \"…\", signed-by = \"keys/….asc\"}")
		}
	}
	flat := strings.HasSuffix(s.to.Suite, "/")
	switch {
	case len(d.list) > before:
	case flat && s.to.Components != nil:
		d.problem(v.Pos, "config-value", at+" has components, and its suite is a folder", "leave out components, or the / at the end of suite")
	case !flat && s.to.Components == nil:
		s.to.Components = []string{"main"}
	}
}

func (s aptSource) schema() schema {
	in := table{aptSource{new(AptSource)}.keys()}.schema()
	in.Required = []string{"suite", "url"}
	return in
}

// sourceURL is the address of a repository.
type sourceURL struct{ to *string }

func (u sourceURL) decode(d *decoder, at string, v *toml.Value) {
	s, ok := v.Str()
	if !ok {
		d.wrongType(at, v, "a string")
		return
	}
	// The value is not shown: it may hold a password.
	if parsed, err := url.Parse(s); !repositoryURL.allows(s) || strings.ContainsRune(s, 0) || !strings.Contains(s, "${") && (err != nil || parsed.Hostname() == "") {
		d.problem(v.Pos, "config-value", at+" is no address of a repository", "write it as \"https://apt.example.org/debian\"")
		return
	}
	*u.to = s
}

func (u sourceURL) schema() schema { return repositoryURL.schema() }

// Repositories returns the repositories that any target names, as Packages does packages.
func (p *Project) Repositories() []AptSource {
	all := slices.Clone(p.Config.AptSources)
	for _, name := range slices.Sorted(maps.Keys(p.targets)) {
		all = append(all, p.targets[name].AptSources...)
	}
	return all
}
