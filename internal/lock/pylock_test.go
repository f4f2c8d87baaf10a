package lock

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/vectortest"
)

const pylockHead = "lock-version = '1.0'\ncreated-by = 'x'\n"

func TestPylock(t *testing.T) {
	l, err := Parse("pylock.toml", []byte(`lock-version = "1.0"
created-by = "x"
requires-python = ">=3.11"
environments = ["sys_platform == 'linux'"]
extras = ["fast"]
dependency-groups = ["dev", "main"]
default-groups = ["main"]
[[packages]]
name = "a"
version = "1"
marker = "'main' in dependency_groups"
requires-python = ">=3.8"
index = "https://h/simple"
sdist = { path = "dist/a-1.tar.gz", hashes = { md5 = "00", sha512 = "CC" } }
wheels = [{ url = "https://h/a-1-py3-none-any.whl?x#y", size = 3, hashes = { sha256 = "AA" } },
  { name = "a-1-1-py3-none-any.whl", url = "https://h/x/y", hashes = {} }]
dependencies = [{ name = "b" }]
[[packages]]
name = "b"
vcs = { type = "git", url = "https://h/b.git", requested-revision = "main", commit-id = "0123456789012345678901234567890123456789", subdirectory = "s" }
[[packages]]
name = "c"
directory = { path = "./c", editable = true }
[[packages]]
name = "d"
version = "2"
archive = { url = "https://h/archive/main.zip", hashes = { sha256 = "dd" } }
[[packages]]
name = "e"
archive = { path = "e-3.tar.gz", hashes = { sha256 = "ee" } }
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`a 1 index https://h/simple@  a-1.tar.gz=sha512:cc a-1-py3-none-any.whl=sha256:aa a-1-1-py3-none-any.whl=  "main" in dependency_groups`,
		"b  git https://h/b.git@" + full + "   ", "c  editable c@   ", "d 2 url https://h/archive/main.zip@  d-2.zip=sha256:dd  ",
		"e  path e-3.tar.gz@  e-3.tar.gz=sha256:ee  ",
	}
	if diff := cmp.Diff(want, listed(l)); diff != "" {
		t.Error(diff)
	}
	root := l.Packages[l.Root]
	if root.Extra("fast") == nil || root.Group("dev").Always || !root.Group("main").Always || l.RequiresPython.String() != ">=3.11" ||
		len(l.Environments) != 1 || !l.Strict {
		t.Errorf("%+v in %+v", root, l)
	}
	a := l.Packages[0]
	if a.Files[0].Path != "dist/a-1.tar.gz" || a.Files[1].Size != 3 || a.RequiresPython.String() != ">=3.8" || l.Packages[a.Dependencies[0].To[0]].Name != "b" {
		t.Errorf("%+v", a)
	}
}

func TestPylockRefuses(t *testing.T) {
	pkg := func(rest string) string { return pylockHead + "[[packages]]\nname = 'a'\nversion = '1'\n" + rest }
	file := "wheels = [{url = 'https://h/a-1-py3-none-any.whl', hashes = {sha256 = '00'}}]\n"
	for _, tt := range []struct{ name, in, want string }{
		{"no version", "created-by = 'x'\npackages = []", `pylock.toml:1: lock-version "" is no version`},
		{"another version", "lock-version = '2.0'", "pylock.toml:1: lithe reads lock-version 1"},
		{"no author", "lock-version = '1.0'\npackages = []", "has no created-by"},
		{"no packages", pylockHead, "has no packages"},
		{"packages of another type", pylockHead + "packages = 'x'", "pylock.toml:3: packages is a string, not an array"},
		{"package of another type", pylockHead + "packages = ['x']", "a package is a table, not a string"},
		{"name", pylockHead + "[[packages]]\nname = 'A_b'\n" + file, `"A_b" is no name in normal form, which is "a-b"`},
		{"extra", "extras = ['X']\npackages = []\n" + pylockHead, `extras: "X" is no name in normal form`},
		{"group", "dependency-groups = [1]\npackages = []\n" + pylockHead, "dependency-groups"},
		{"python", pkg(file + "requires-python = 'x'"), "pylock.toml:7: requires-python"},
		{"marker", pkg(file + "marker = 'x'"), "pylock.toml:7: marker"},
		{"two sources", pkg(file + "directory = {path = '.'}"), "more than one source: only one of vcs, directory"},
		{"no source", pkg(""), "a has no source"},
		{"another version of the file", pkg("sdist = {url = 'https://h/a-2.tar.gz', hashes = {sha256 = '00'}}"), "has version 2, but a is locked at 1"},
		{"another project", pkg("sdist = {url = 'https://h/b-1.tar.gz', hashes = {sha256 = '00'}}"), "is not of a"},
		{"file without a place", pkg("sdist = {hashes = {sha256 = '00'}}"), "neither name, path nor url"},
		{"file of another type", pkg("wheels = ['x']"), "a file of a is a table"},
		{"subversion", pkg("vcs = {type = 'svn', url = 'https://h/a', commit-id = '7'}"), "lithe reads git only"},
		{"no commit", pkg("vcs = {type = 'git', url = 'https://h/a', commit-id = 'main'}"), "no full commit"},
		{"no path", pkg("directory = {editable = true}"), "the directory of a has no path"},
		{"identity", pkg(file + "attestation-identities = [{value = 'x'}]"), "identity has no kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("pylock.toml", []byte(tt.in), nil)
			problems, ok := diag.Problems(err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, p := range problems {
				if p.Pos.Line == 0 || p.Code == "" || p.Hint == "" {
					t.Errorf("incomplete: %+v", p)
				}
			}
		})
	}
}

func TestPylockStale(t *testing.T) {
	lock := pylockHead + "extras = ['fast']\n[[packages]]\nname = 'a'\nversion = '1'\nwheels = [{url = 'https://h/a-1-py3-none-any.whl', hashes = {sha256 = '00'}}]\n"
	for _, tt := range []struct{ name, project, want string }{
		{"as it is", "dependencies = ['a']", ""},
		{"lacks", "dependencies = ['b']", "pyproject.toml:2: pylock.toml lacks b"},
		{"another version", "dependencies = ['a>1']", "pylock.toml has a 1"},
		{"an extra that it has", "optional-dependencies = {Fast = ['b']}", "pylock.toml lacks b"},
		{"an extra that it has not", "optional-dependencies = {slow = ['b']}", ""},
		{"computed", "dynamic = ['dependencies']\noptional-dependencies = {fast = ['b']}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("pylock.toml", []byte(lock), []byte("[project]\n"+tt.project))
			if err != nil {
				t.Fatal(err)
			}
			check(t, "stale", l.Stale.Error(), tt.want)
		})
	}
}

// TestPylockVectors reads the cases of packaging's own tests. They have commits and hashes that are none, which the
// standard does not forbid and lithe does.
func TestPylockVectors(t *testing.T) {
	rows := vectortest.Read[struct {
		In  json.RawMessage
		Out json.RawMessage
	}](t, "packaging/pylock_validate.json")
	for _, row := range rows {
		table, err := parseJSON("pylock.toml", row.In)
		if err != nil {
			t.Fatal(err)
		}
		s := &source{format: pylockFormat, path: "pylock.toml", lock: table}
		parsePylock(s)
		err = s.problems.Err()
		accepted := !slices.ContainsFunc(s.problems, func(e *diag.Error) bool { return !strings.Contains(e.What, "no full commit") })
		if want := string(row.Out) == `"ok"`; accepted != want {
			t.Errorf("%s: got %v, want %s", row.In, err, row.Out)
		}
	}
	if len(rows) == 0 {
		t.Error("no rows")
	}
}

func FuzzPylock(f *testing.F) { fuzzFormat(f, "pylock.toml") }

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, 2.5, true, null, {"b": "é\n"}], "c": {}}`))
	f.Add([]byte("{\"a\": 1,\n \"a\": 2}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := parseJSON("x.json", data)
		if (table == nil) == (err == nil) {
			t.Fatalf("got %v and %v", table, err)
		}
		if err == nil != json.Valid(data) && err == nil {
			t.Fatal("accepted what is no JSON")
		}
	})
}
