package base

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Expected returns the facts that a base had when this release of lithe was made, with one of its Pythons; "" means its
// own choice. They serve for looking at a lock file before any index was read, and where no image is made; a build asks
// the pins.
func Expected(name, minor string) (Facts, error) {
	if n, ok, err := parseStandalone(name); ok {
		if err != nil {
			return Facts{}, err
		}
		return n.expected()
	}
	su, err := suiteOf(name)
	if err != nil {
		return Facts{}, err
	}
	if su, err = su.choose(minor); err != nil {
		return Facts{}, err
	}
	i := slices.IndexFunc(su.pythons, func(full string) bool { return Minor(full) == su.python })
	return su.facts(su.pythons[i], "glibc-"+su.glibc)
}

// choose returns the row with the Python that somebody asks for.
func (s suite) choose(minor string) (suite, error) {
	one, ok := s.with(minor)
	if !ok {
		return s, &diag.Error{Code: "python-mismatch", What: fmt.Sprintf("base debian:%s has no Python %s, but %s", s.name, minor,
			strings.Join(s.minors(), ", ")), Hint: "use " + supported()}
	}
	return one, nil
}
