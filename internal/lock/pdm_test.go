package lock

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

const (
	pdmProject = `[project]
name = "app"
requires-python = ">=3.11"
dependencies = ["a[x,y]>=1; os_name == 'posix'"]
[project.optional-dependencies]
fast = ["b"]
all = ["app[fast]"]
[dependency-groups]
test = ["c", {include-group = "more"}]
more = ["d<2"]
[tool.pdm.dev-dependencies]
Old = ["-e file:///${PROJECT_ROOT}/e#egg=e", "app[all]"]
[[tool.pdm.source]]
name = "pypi"
url = "https://${TOKEN}@p/simple"
[[tool.pdm.source]]
name = "own"
url = "https://own/simple"
include_packages = ["own-*"]
[[tool.pdm.source]]
name = "extra"
url = "https://extra/simple"
`
	pdmFlat = `[metadata]
groups = ["default", "fast", "test"]
strategy = ["inherit_metadata", "static_urls"]
lock_version = "4.5.0"
content_hash = "sha256:0"
[[metadata.targets]]
requires_python = ">=3.11,<3.13"
platform = "manylinux_2_28_x86_64"
implementation = "cpython"
[[metadata.targets]]
requires_python = ">=3.13"
platform = "macos_12_0_arm64"
[[package]]
name = "a"
version = "1"
groups = ["default"]
marker = "os_name == 'posix'"
dependencies = ["own-b"]
files = [{url = "https://h/a-1-py3-none-any.whl", hash = "sha256:00"}]
[[package]]
name = "a"
version = "1"
extras = ["x"]
groups = ["default", "test"]
dependencies = ["a==1", "own-b"]
files = [{url = "https://h/a-1-py3-none-any.whl", hash = "sha256:00"}]
[[package]]
name = "own-b"
version = "2"
groups = ["fast"]
files = [{file = "own_b-2.tar.gz", hash = "sha256:11"}]
`
	pdmWalked = `[metadata]
groups = ["default"]
strategy = []
lock_version = "4.4"
content_hash = "sha256:0"
[[package]]
name = "a"
version = "1"
[[package]]
name = "a"
version = "1"
extras = ["x", "y"]
dependencies = ["a==1", "d>=2; python_version < '3.12'"]
[[package]]
name = "b"
version = "1"
git = "https://h/b.git"
ref = "main"
revision = "0123456789012345678901234567890123456789"
[[package]]
name = "c"
version = "1"
url = "https://h/c-1-py3-none-any.whl"
files = [{hash = "sha256:22"}]
[[package]]
name = "d"
version = "1"
[[package]]
name = "d"
version = "2"
[[package]]
name = "e"
version = "0"
path = "./e"
editable = true
[[package]]
name = "f"
version = "1"
url = "file:///${PROJECT_ROOT}/w/f-1.tar.gz"
files = [{file = "f-1.tar.gz", hash = "sha256:33"}]
[metadata.files]
"a 1" = [{url = "https://h/a-1.tar.gz", hash = "sha256:44"}]
`
)

func TestPDMFlat(t *testing.T) {
	l, err := Parse("pdm.lock", []byte(pdmFlat), []byte(pdmProject))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`a 1 index https://p/simple@  a-1-py3-none-any.whl=sha256:00  os_name == "posix"`, "a 1 index https://p/simple@  a-1-py3-none-any.whl=sha256:00  "}
	if diff := cmp.Diff(want, listed(l)); diff != "" {
		t.Error(diff)
	}
	root := l.Packages[l.Root]
	if len(l.Packages) != 3 || !l.Flat || len(root.Extra("fast").Dependencies) != 1 || len(root.Group("test").Dependencies) != 1 || !root.Group("old").Default {
		t.Errorf("%+v", l)
	}
	if b := l.Packages[1]; b.Source.URL != "https://own/simple" || len(l.ExtraIndexes) != 1 || l.ExtraIndexes[0] != "https://extra/simple" {
		t.Errorf("%+v, and further indexes %v", b, l.ExtraIndexes)
	}
	var environments []string
	for _, m := range l.Environments {
		environments = append(environments, strings.NewReplacer("(", "", ")", "").Replace(m.String()))
	}
	platforms := []string{`sys_platform == "linux" and platform_machine == "x86_64" and implementation_name == "cpython"`, `sys_platform == "darwin"`}
	if diff := cmp.Diff(platforms, environments); diff != "" || l.RequiresPython.String() != ">=3.11,<3.13 || >=3.13" {
		t.Errorf("%s, Python %s", diff, l.RequiresPython)
	}
}

func TestPDMWalked(t *testing.T) {
	l, err := Parse("pdm.lock", []byte(pdmWalked), []byte(pdmProject))
	if err != nil {
		t.Fatal(err)
	}
	root := l.Packages[l.Root]
	edges := func(list []Dependency) (out []string) {
		for _, d := range list {
			s := d.Name + "[" + strings.Join(d.Extras, " ") + "]"
			for _, to := range d.To {
				p := l.Packages[to]
				s += " " + p.Version + " " + string(p.Source.Kind) + p.Source.Path
				for _, f := range p.Files {
					s += " " + f.Name + f.Path
				}
			}
			out = append(out, s)
		}
		return out
	}
	for _, tt := range []struct {
		name string
		in   []Dependency
		want []string
	}{
		{"main", root.Dependencies, []string{"a[x+y] 1 index a-1.tar.gz"}},
		{"its extras", l.Packages[0].Extra("x+y").Dependencies, []string{"a[] 1 index a-1.tar.gz", "d[] 2 index"}},
		{"an extra", root.Extra("fast").Dependencies, []string{"b[] 1 git"}},
		{"an extra of an extra", root.Extra("all").Dependencies, []string{"b[] 1 git"}},
		{"a group", root.Group("test").Dependencies, []string{"c[] 1 url c-1-py3-none-any.whl", "d[] 1 index"}},
		{"a group of old", root.Group("old").Dependencies, []string{"e[] 0 editablee", "b[] 1 git"}},
	} {
		if diff := cmp.Diff(tt.want, edges(tt.in)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if f := l.Packages[6]; f.Source.Kind != Archive || f.Files[0].Path != "w/f-1.tar.gz" {
		t.Errorf("%+v", f)
	}
}

func TestPDMRefuses(t *testing.T) {
	head := "[metadata]\nlock_version = '4.5.0'\nstrategy = ['inherit_metadata']\n"
	for _, tt := range []struct{ name, in, want string }{
		{"no metadata", "package = []", "pdm.lock has no [metadata]"},
		{"no version", "[metadata]", `lock_version "" is no version`},
		{"an old version", "[metadata]\nlock_version = '3.1'", "pdm.lock:2: lithe reads lock_version 4.0 to 4.5 of pdm.lock, and this file has 3.1"},
		{"a newer version", "[metadata]\nlock_version = '4.6'", "this file has 4.6"},
		{"python", head + "[[metadata.targets]]\nrequires_python = 'x'", "requires_python"},
		{"marker", head + "[[package]]\nname = 'a'\nmarker = 'x'", "pdm.lock:6: marker"},
		{"name", head + "[[package]]\nname = '../a'", "is not the name of a package"},
		{"requirement", head + "[[package]]\nname = 'a'\ndependencies = ['b >>']", "requirement"},
		{"file of another type", head + "[[package]]\nname = 'a'\nfiles = ['x']", "a file of a is a table"},
		{"another project", head + "[[package]]\nname = 'a'\nversion = '1'\nfiles = [{file = 'b-1.tar.gz', hash = 'sha256:0'}]", "is not of a"},
		{"mercurial", head + "[[package]]\nname = 'a'\nhg = 'https://h/a'\nrevision = '7'", "lithe reads git only"},
		{"git without a commit", head + "[[package]]\nname = 'a'\ngit = 'https://h/a'\nrevision = 'main'", "no full commit"},
		{"file address", head + "[[package]]\nname = 'a'\nurl = 'file:///etc/a-1.tar.gz'", "is for file:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("pdm.lock", []byte(tt.in), nil)
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

// The hash is what Python prints for sha256(json.dumps(dump_data, sort_keys=True)), with dump_data as in PDM's content_hash.
func TestPDMFresh(t *testing.T) {
	lock := func(hash string) string { return strings.Replace(pdmFlat, "sha256:0\"", "sha256:"+hash+"\"", 1) }
	for _, tt := range []struct {
		name, hash, old, new string
		stale                bool
	}{
		{"as it is", "72672a881ce571d605996105ce4757ea74353541f20c1a88b0eafbde6017bdbe", "", "", false},
		{"with a dependency more", "72672a881ce571d605996105ce4757ea74353541f20c1a88b0eafbde6017bdbe", `"d<2"`, `"d<2", "g"`, true},
		{"another version of the project", "72672a881ce571d605996105ce4757ea74353541f20c1a88b0eafbde6017bdbe", `name = "app"`, "name = \"app\"\nversion = \"7\"", false},
		{"names of groups as they are written", "d09759799f9c0926a66cdbb09e71445009762d38b042178915703c1edf4eab87", "", "", false},
		{"before [tool.pdm.resolution]", "5059df6485d335f6ba9084aea7907307dc462ad1c7c919870472030e5b15cbcc", "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := strings.Replace(pdmProject, tt.old, tt.new, 1)
			l, err := Parse("pdm.lock", []byte(lock(tt.hash)), []byte(project))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(l.Stale) > 0; got != tt.stale {
				t.Errorf("stale: %v", l.Stale)
			}
		})
	}
	// A PDM that writes what it asked for instead of a hash: each requirement must be there.
	inputs := strings.Replace(pdmFlat, `content_hash = "sha256:0"`, "lock_inputs = {}", 1)
	l, err := Parse("pdm.lock", []byte(inputs), []byte("[project]\nname = 'app'\ndependencies = ['a>1', 'own-b']\noptional-dependencies = {fast = ['gone']}\n"))
	if err != nil || len(l.Stale) != 2 || !strings.Contains(l.Stale.Error(), "pdm.lock has a 1") || !strings.Contains(l.Stale.Error(), "pdm.lock lacks gone") {
		t.Errorf("%v, %v", l.Stale, err)
	}
}

func FuzzPDM(f *testing.F) { fuzzFormat(f, "pdm.lock") }
