package resolver_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestManyVersions has a project with very many versions, all of which fit.
func TestManyVersions(t *testing.T) {
	const many = 40_000
	files := make([]string, many)
	for i := range files {
		files[i] = fmt.Sprintf("a %d.0", i)
	}
	if got, err := resolve(t, newIndex(t, files...), nil, "a"); err != nil || got != fmt.Sprintf("a %d.0", many-1) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTooMuch refuses what would be looked at without an end: very many extras, and very many requirements at once.
func TestTooMuch(t *testing.T) {
	names := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint("e", i)
		}
		return strings.Join(out, ",")
	}
	if got, err := resolve(t, newIndex(t, "a 1.0 b; extra == 'e7'", "b 1.0"), nil, "a["+names(900)+"]"); err != nil || got != "a 1.0, b 1.0" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := resolve(t, newIndex(t, "a 1.0"), nil, "a["+names(1100)+"]"); err == nil || err.Error() != "more than 1000 extras are asked for, the last of a" {
		t.Error(err)
	}
	if _, err := resolve(t, newIndex(t, "a 1.0 "+strings.Repeat("b, ", 10_000)+"b", "b 1.0"), nil, "a"); err == nil ||
		err.Error() != "a 1.0: more than 10000 requirements hold together" {
		t.Error(err)
	}
}
