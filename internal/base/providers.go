package base

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// provider is one kind of base. The rest of it is in a file of its own.
type provider struct {
	name    string
	pythons func() []Python
	suite   func(argument string) (s suite, ok bool) // of the packages; the argument follows the colon, "" for nothing
}

// providers is the list of the kinds of bases, the default first.
var providers = []provider{
	{name: "debian", pythons: debianPythons, suite: debianSuite},
	{name: standaloneKind, pythons: standalonePythons, suite: func(string) (suite, bool) { return standaloneSuite(), true }},
}

// Python is a Python that some base has.
type Python struct {
	Version string // minor: "3.13"
	Base    string // name for the configuration: "debian:trixie"
	Stable  bool   // of a suite that Debian has released
}

// Pythons returns which base has which Python, the default base first.
func Pythons() []Python {
	var all []Python
	for _, p := range providers {
		all = append(all, p.pythons()...)
	}
	return all
}

// Parse returns the full name of a base, "debian:trixie" for "" and "debian", "docker.io/library/python:3.13" for
// "python:3.13". Other names are problems.
func Parse(name string) (string, error) {
	if full, ok, err := imageName(name); ok || err != nil {
		return full, err
	}
	if n, ok, err := parseStandalone(name); ok {
		return n.String(), err
	}
	su, err := suiteOf(name)
	if err != nil {
		return "", err
	}
	return "debian:" + su.name, nil
}

// isProvider reports the name of a kind of bases, which is not that of an image, even with a colon behind it.
func isProvider(kind string) bool {
	return slices.ContainsFunc(providers, func(p provider) bool { return p.name == kind })
}

// suiteOf looks a name up.
func suiteOf(name string) (suite, error) {
	if name == "" {
		name = providers[0].name
	}
	kind, argument, colon := strings.Cut(name, ":")
	for _, p := range providers {
		if p.name != kind || colon && argument == "" {
			continue
		}
		if su, ok := p.suite(argument); ok {
			return su, nil
		}
		return suite{}, &diag.Error{Code: "unknown-base", What: fmt.Sprintf("base %q: lithe knows no suite %q", name, argument),
			Hint: "use " + supported()}
	}
	return suite{}, &diag.Error{Code: "unknown-base", What: fmt.Sprintf("base %q is not supported", name),
		Hint: "use " + supported()}
}

// supported lists the names for a hint: "debian:trixie" (Python 3.13), …, or an image.
func supported() string {
	var names []string
	for _, s := range suites {
		names = append(names, fmt.Sprintf("%q (Python %s)", "debian:"+s.name, strings.Join(s.minors(), ", ")))
	}
	return strings.Join(names, ", ") + fmt.Sprintf(`, "standalone:VERSION" (Python 3.%d to 3.%d), or an image such as python:3.13-slim`,
		OldestPython, newestPython)
}

// minors returns the Pythons of a suite, "3.14".
func (s suite) minors() (minors []string) {
	for _, full := range s.pythons {
		minors = append(minors, Minor(full))
	}
	return minors
}

func debianPythons() []Python {
	var all []Python
	for _, s := range suites {
		for _, minor := range s.minors() {
			all = append(all, Python{Version: minor, Base: "debian:" + s.name, Stable: s.stable})
		}
	}
	return all
}

func debianSuite(name string) (suite, bool) {
	if name == "" {
		return suites[0].with("")
	}
	i := slices.IndexFunc(suites, func(s suite) bool { return s.name == name })
	if i < 0 {
		return suite{}, false
	}
	return suites[i].with("")
}
