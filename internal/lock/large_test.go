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

// TestLargeLocksEnd reads files that name one package a thousand times, and it again and again.
func TestLargeLocksEnd(t *testing.T) {
	const n = 20_000
	versions := func(format string) string {
		var b strings.Builder
		for i := range maxVersions - 1 {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	lines := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	hashes := lines(" --hash=sha256:%064x", 5000)
	project := "[project]\nname = 'x'\nversion = '1'\n"
	const tooMany = "more versions of a package"
	for name, in := range map[string]struct{ file, lock, project, want string }{
		"poetry": {"poetry.lock", "[metadata]\nlock-version = '2.0'\n" + versions("[[package]]\nname = 'a'\nversion = '%d'\n") +
			"[[package]]\nname = 'b'\nversion = '1'\n[package.dependencies]\na = [" + strings.Repeat("'*',", n) + "]\n", "", tooMany},
		"pdm": {"pdm.lock", "[metadata]\nlock_version = '4.5'\n" + versions("[[package]]\nname = 'a'\nversion = '%d'\n") +
			"[[package]]\nname = 'b'\nversion = '1'\ndependencies = [" + strings.Repeat("'a',", n) + "]\n", "", tooMany},
		"uv": {"uv.lock", "version = 1\n" + versions("[[package]]\nname = 'a'\nversion = '%d'\nsource = {registry = 'https://h'}\n") +
			"[[package]]\nname = 'b'\nversion = '1'\nsource = {virtual = '.'}\ndependencies = [" + strings.Repeat("{name = 'a', version = '7', source = {registry = 'https://h'}},", n) + "]\n", "", tooMany},
		"static": {"pdm.lock", "[metadata]\nlock_version = '4.5'\nlock_inputs = 'x'\n" + versions("[[package]]\nname = 'a'\nversion = '%d'\n"),
			project + "dependencies = [" + lines("'a==1.%d',", n) + "]\n", tooMany},
		"constraints": {"requirements.txt", "-c c.txt\n" + strings.Repeat("a==1\n", n/2), "", tooMany},
		"claims": {"pdm.lock", "[metadata]\nlock_version = '4.5'\n" + lines("[[package]]\nname = 'a%d'\nversion = '1'\n", n),
			project + "[[tool.pdm.source]]\nname = 's'\nurl = 'https://h'\ninclude_packages = [" + lines("'b%d',", n) + "]\n", ""},
		"patterns": {"pdm.lock", "[metadata]\nlock_version = '4.5'\n", project + "[[tool.pdm.source]]\nname = 's'\nurl = 'https://h'\ninclude_packages = [" +
			lines("'b*%d',", n) + "]\n", "more than 100 patterns"},
		"indexes":    {"pdm.lock", "[metadata]\nlock_version = '4.5'\n", project + lines("[[tool.pdm.source]]\nname = 's'\nurl = 'https://h%d'\n", n), "package indexes"},
		"find links": {"requirements.txt", "a==1 --hash=" + hashA + "\n" + strings.Repeat("-f x\n", n), "", ""},
		"one project": {"uv.lock", "version = 1\n[[package]]\nname = 'x'\nversion = '1'\nsource = {editable = '.'}\ndependencies = [" + strings.Repeat("{name='x'},", n) + "]\n",
			project + "dependencies = [" + lines("'a%d',", n) + "]\n[tool.uv.sources]\n" + lines("b%d = {path = 'x'}\n", n), ""},
	} {
		t.Run(name, func(t *testing.T) {
			beneath := func(name string) ([]byte, error) {
				if name == "c.txt" {
					return []byte(lines("a<%d\n", 900) + "a==1" + hashes + "\na==1" + hashes + "\n"), nil
				}
				return []byte(in.project), nil
			}
			f, err := formatOf(in.file)
			if err != nil {
				t.Fatal(err)
			}
			s := &source{format: f, path: in.file, data: []byte(in.lock), open: beneath, beneath: beneath, unhashed: true}
			l, err := s.read()
			if in.want == "" && err != nil || in.want != "" && (err == nil || !strings.Contains(err.Error(), in.want)) {
				t.Errorf("%v, %v", l != nil, err)
			}
		})
	}
}

// TestManyValues refuses a document of a size that is allowed, which would take gigabytes.
func TestManyValues(t *testing.T) {
	if _, err := parseJSON("Pipfile.lock", []byte(`{"a": [`+strings.Repeat("1,", maxMarks)+"1]}")); err == nil || !strings.Contains(err.Error(), "more values") {
		t.Errorf("got %v", err)
	}
}
