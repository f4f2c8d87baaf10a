package lock

import (
	"fmt"
	"strings"
	"testing"
)

// uvLock is a lock of one project; the two places are its requirements in metadata and its groups.
const uvLock = `version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "app"
version = "1"
source = { editable = "." }
dependencies = [{ name = "lib" }, { name = "repo" }]
[package.optional-dependencies]
fast = [{ name = "lib", extra = ["speed"] }]
[package.dev-dependencies]
dev = [{ name = "lib" }]
[package.metadata]
requires-dist = [
    { name = "lib", marker = "python_full_version < '3.14'", specifier = ">=1,<3" },
    { name = "lib", extras = ["speed"], marker = "extra == 'fast'" },
    { name = "repo", git = "https://git.example/repo.git?rev=v1" },
]
provides-extras = ["fast"]
[package.metadata.requires-dev]
dev = [{ name = "lib" }]

[[package]]
name = "lib"
version = "2.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "repo"
version = "1"
source = { git = "https://git.example/repo.git?rev=v1#0123456789012345678901234567890123456789" }
`

const uvProject = `[project]
name = "app"
version = "1"
requires-python = ">=3.10"
dependencies = ["Lib<3,>=1; python_version < '3.14' and python_version >= '3.8'", "repo"]
[project.optional-dependencies]
Fast = ["lib[speed]"]
[dependency-groups]
base = ["lib"]
dev = [{ include-group = "base" }]
[tool.uv.sources]
repo = { git = "https://git.example/repo", rev = "v1" }
`

func TestUVFresh(t *testing.T) {
	lockWithBase := strings.Replace(uvLock, "dev = [{ name = \"lib\" }]\n\n", "base = [{ name = \"lib\" }]\ndev = [{ name = \"lib\" }]\n\n", 1)
	for _, tt := range []struct{ name, old, new, stale, warning string }{
		{"as it is", "", "", "", ""},
		{"another version of the project", `version = "1"`, `version = "2"`, "", ""},
		{"a constraint that admits what is locked", ">=1", ">=1.5", "", "pyproject.toml:5: uv.lock was written for lib"},
		{"a constraint that does not", ">=1", ">=2.1", "pyproject.toml:5: uv.lock has lib 2.0, and pyproject.toml asks for", ""},
		{"a new requirement", `"repo"]`, `"repo", "new>=2"]`, "pyproject.toml:5: uv.lock lacks new>=2, which pyproject.toml asks for", ""},
		{"a requirement less", `, "repo"]`, `]`, "uv.lock:18: uv.lock has repo as a requirement, which pyproject.toml has no longer", ""},
		{"another marker", "< '3.14'", "< '3.13'", "uv.lock lacks Lib", ""},
		{"another extra", "lib[speed]", "lib[size]", "uv.lock lacks lib[size]", ""},
		{"an extra less", "Fast = [\"lib[speed]\"]", "", "uv.lock:17: uv.lock has lib as a requirement", ""},
		{"another group", `base = ["lib"]`, `base = ["lib", "more"]`, "uv.lock lacks more", ""},
		{"a group less", "base = [\"lib\"]\ndev = [{ include-group = \"base\" }]", "", "uv.lock has the group base, which pyproject.toml has no longer", ""},
		{"another revision", `rev = "v1"`, `rev = "v2"`, "uv.lock has repo from https://git.example/repo.git?rev=v1", ""},
		{"another Python", `requires-python = ">=3.10"`, `requires-python = ">=3.11"`, "pyproject.toml:4: requires-python in pyproject.toml and in uv.lock differ", ""},
		{"a new constraint", "[tool.uv.sources]", "[tool.uv]\nconstraint-dependencies = [\"lib<9\"]\n[tool.uv.sources]", "uv.lock lacks lib<9", ""},
		{"requirements that a backend computes", "dependencies = [\"Lib<3,>=1; python_version < '3.14' and python_version >= '3.8'\", \"repo\"]", `dynamic = ["dependencies"]`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := strings.Replace(uvProject, tt.old, tt.new, 1)
			if tt.old != "" && project == uvProject {
				t.Fatalf("%q is not in the project", tt.old)
			}
			l, err := Parse("uv.lock", []byte(lockWithBase), []byte(project))
			if err != nil {
				t.Fatal(err)
			}
			check(t, "stale", l.Stale.Error(), tt.stale)
			check(t, "warnings", l.Warnings.Error(), tt.warning)
		})
	}
}

// check wants got to contain want, and nothing where nothing is wanted.
func check(t *testing.T, what, got, want string) {
	t.Helper()
	if (want == "") != (got == "") || !strings.Contains(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestUVFreshWithoutMetadata(t *testing.T) {
	lock := uvLock[:strings.Index(uvLock, "[package.metadata]")] + uvLock[strings.Index(uvLock, "[[package]]\nname = \"lib\""):]
	for _, tt := range []struct{ name, old, new, stale string }{
		{"as it is", "", "", ""},
		{"impossible", `"repo"]`, `"repo", "never; python_version < '3.9'"]`, ""},
		{"new", `"repo"]`, `"repo", "new"]`, "uv.lock lacks new"},
		{"other version", ">=1", ">=2.1", "uv.lock has lib 2.0"},
		{"new in an extra", `"lib[speed]"]`, `"lib[speed]", "more"]`, "uv.lock lacks more"},
		{"new in a group", `base = ["lib"]`, `base = ["lib", "new"]`, "uv.lock lacks new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := strings.Replace(uvProject, tt.old, tt.new, 1)
			project = strings.Replace(project, "base = [\"lib\"]\ndev = [{ include-group = \"base\" }]", "dev = [\"lib\"]", 1)
			project = strings.Replace(project, "base = [\"lib\", \"new\"]\ndev = [{ include-group = \"base\" }]", "dev = [\"lib\", \"new\"]", 1)
			l, err := Parse("uv.lock", []byte(lock), []byte(project))
			if err != nil {
				t.Fatal(err)
			}
			check(t, "stale", l.Stale.Error(), tt.stale)
		})
	}
}

// The hashes are what Python prints for sha256(json.dumps(relevant, sort_keys=True)), with relevant taken apart as in
// Poetry's Locker._get_content_hash.
func TestPoetryFresh(t *testing.T) {
	const (
		legacy   = "[tool.poetry.dependencies]\npython = \"^3.9\"\nlib = { version = \"1\", optional = true }\n"
		grouped  = legacy + "[tool.poetry.group.dev.dependencies]\nx = \"*\"\n"
		standard = "[project]\nname = \"a\"\nrequires-python = \">=3.9\"\ndependencies = [\"lib\"]\n[dependency-groups]\ndev = [\"é\"]\n"
	)
	for _, tt := range []struct {
		name, comment, project, hash string
		stale                        bool
	}{
		{"before groups", "", legacy, "7d379a1fe6a2f9f5aa71838e7388fe55e2876d618e3eae2b163fd9c8eefa64fb", false},
		{"with groups", "", grouped, "fa1862251d7457ced9e5cf0c4f0fc26d5771eaf5295c96c51b27ba56374d5986", false},
		{"standard", "# by Poetry 2.3.0 and", standard, "261f44a967b89e93ef67489ad7e61c5677da7f4e9b3bed5bde667bafbf89c72a", false},
		{"standard without groups, old Poetry", "# by Poetry 2.2.1 and", standard, "1456caff471b19f04e9fa61e6ce83a8acf9972437cbd2f2247ecd107cee310ac", false},
		{"standard without groups, new Poetry", "# by Poetry 2.3.0 and", standard, "1456caff471b19f04e9fa61e6ce83a8acf9972437cbd2f2247ecd107cee310ac", true},
		{"standard without groups, no Poetry", "", standard, "1456caff471b19f04e9fa61e6ce83a8acf9972437cbd2f2247ecd107cee310ac", true},
		{"another", "", legacy, "fa1862251d7457ced9e5cf0c4f0fc26d5771eaf5295c96c51b27ba56374d5986", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := fmt.Sprintf("%s\npackage = []\n[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.9\"\ncontent-hash = %q\n", tt.comment, tt.hash)
			l, err := Parse("poetry.lock", []byte(data), []byte(tt.project))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(l.Stale) > 0; got != tt.stale {
				t.Errorf("stale %v, want %v", l.Stale, tt.stale)
			}
		})
	}
}

// A hash that differs is told with what differs, as far as what is locked tells.
func TestDifferences(t *testing.T) {
	poetryLocked := "[[package]]\nname = \"a\"\nversion = \"1.5\"\ngroups = [\"main\"]\nfiles = []\n[package.dependencies]\nb = \"*\"\n" +
		"[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"main\"]\nfiles = []\n[[package]]\nname = \"old\"\nversion = \"1\"\ngroups = [\"main\"]\nfiles = []\n" +
		"[metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"0\"\n"
	for _, tt := range []struct{ name, file, lock, project, want string }{
		{"Poetry, [project]", "poetry.lock", poetryLocked, "[project]\nname = 'x'\nversion = '1'\ndependencies = ['a>=2', 'new', 'old']\n",
			"pyproject.toml changed since poetry.lock was written: it has a 1.5, and a>=2 is asked for, it lacks new"},
		{"Poetry's own tables", "poetry.lock", poetryLocked, "[tool.poetry.dependencies]\npython = '^3.11'\na = '^1.4'\n[tool.poetry.group.dev.dependencies]\nt = {version = '~3', optional = true}\n",
			"pyproject.toml changed since poetry.lock was written: it lacks t ~3, nothing asks for old any longer"},
		{"nothing that the lock tells", "poetry.lock", poetryLocked, "[tool.poetry.dependencies]\na = '*'\nold = '*'\n", "pyproject.toml changed since poetry.lock was written"},
		{"PDM", "pdm.lock", "[metadata]\ngroups = ['default']\nstrategy = ['inherit_metadata']\nlock_version = '4.5.0'\ncontent_hash = 'sha256:0'\n" +
			"[[package]]\nname = 'a'\nversion = '1.5'\ngroups = ['default']\n", "[project]\nname = 'x'\ndependencies = ['a<1']\n[dependency-groups]\ndev = ['lint']\n",
			"pyproject.toml changed since pdm.lock was written: it has a 1.5, and a<1 is asked for, it lacks lint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(tt.file, []byte(tt.lock), []byte(tt.project))
			if err != nil || len(l.Stale) != 1 {
				t.Fatalf("%v, %v", l, err)
			}
			check(t, "stale", l.Stale[0].What, tt.want)
		})
	}
	dir := writeFiles(t, map[string]string{"Pipfile": "[packages]\na = \"*\"\nb = {version = \">=2\"}\n", "Pipfile.lock": pipenvHead + `, "default": {"b": {"version": "==1", "hashes": ["` + hashA + `"]}}, "develop": {}}`})
	l, err := Read(dir, Options{})
	if err != nil || len(l.Stale) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	check(t, "stale", l.Stale[0].What, "Pipfile changed since Pipfile.lock was written: it lacks a, it has b 1, and b >=2 is asked for")
}
