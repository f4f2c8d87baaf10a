package lock

import (
	"fmt"
	"strings"
	"testing"
)

// includes makes groups that each include the next one many times.
func includes() string {
	var b strings.Builder
	b.WriteString("[project]\nname = 'x'\nversion = '1'\n[dependency-groups]\n")
	for i := range 15 {
		fmt.Fprintf(&b, "g%d = [%s]\n", i, strings.Repeat(fmt.Sprintf("{include-group = 'g%d'}, ", i+1), 20))
	}
	b.WriteString("g15 = []\n")
	return b.String()
}

// chain makes a table of n extras of x, of which each refers to the next one by a format.
func chain(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "e%d = [%s]\n", i, fmt.Sprintf(format, i+1))
	}
	return b.String()
}

// list makes an array of n names.
func list(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "'e%d', ", i)
	}
	return "[" + b.String() + "]"
}

// TestLargeProjectsEnd reads projects whose groups and extras stand for much more than they say.
func TestLargeProjectsEnd(t *testing.T) {
	const pdm, poetry = "[metadata]\nlock_version = '4.5'\n", "[metadata]\nlock-version = '%s'\n[[package]]\nname = 'x'\nversion = '1'\n"
	uv := "version = 1\n[[package]]\nname = 'x'\nversion = '1'\nsource = {editable = '.'}\n[package.metadata]\n"
	project := "[project]\nname = 'x'\nversion = '1'\n[project.optional-dependencies]\n"
	const n = 60_000
	many := chain(n, "'a%d'")
	for name, in := range map[string]struct{ file, lock, project, want string }{
		"uv, includes":     {"uv.lock", uv, includes(), ""},
		"pdm, includes":    {"pdm.lock", pdm, includes(), ""},
		"poetry, includes": {"poetry.lock", fmt.Sprintf(poetry, "2.0"), includes(), ""},
		"pdm, extras":      {"pdm.lock", pdm, project + chain(1500, "'x[e%d]', 'a'"), "more than 100000 requirements"},
		"pdm, many extras": {"pdm.lock", pdm, project + many, "extras or groups"},
		"uv, provides":     {"uv.lock", uv + "provides-extras = " + list(n), project, "extras or groups"},
		"uv, many groups":  {"uv.lock", uv, "[dependency-groups]\n" + many, "extras or groups"},
		"poetry, extras":   {"poetry.lock", fmt.Sprintf(poetry, "2.0") + "[package.extras]\n" + chain(1900, "'x[e%d]', 'a'"), "", "the extras of all packages"},
		"poetry, many":     {"poetry.lock", fmt.Sprintf(poetry, "2.1") + "groups = ['main']\n[extras]\n" + many, "", "extras or groups"},
		"poetry, groups":   {"poetry.lock", fmt.Sprintf(poetry, "2.1") + "groups = " + list(n), "", "extras or groups"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse(in.file, []byte(in.lock), []byte(in.project))
			if in.want == "" && err != nil || in.want != "" && (err == nil || !strings.Contains(err.Error(), in.want)) {
				t.Errorf("%v, %v", l != nil, err)
			}
		})
	}
}
