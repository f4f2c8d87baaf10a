package lock

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// uv rewrites markers and simplifies them under requires-python, so texts differ where meanings do not. Whether two
// markers mean the same is tried on environments: all that a marker can tell apart, by the words that it uses.

// comparer compares markers for the Pythons that the lock admits.
type comparer struct {
	environments []marker.Environment
	known        map[[2]string]bool
}

// minorVersions are the Python 3 versions that comparisons are tried on.
const minorVersions = 20

// platforms are the systems that comparisons are tried on.
var platforms = []marker.Environment{
	{OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: "x86_64"},
	{OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: "aarch64"},
	{OSName: "posix", SysPlatform: "darwin", PlatformSystem: "Darwin", PlatformMachine: "arm64"},
	{OSName: "posix", SysPlatform: "darwin", PlatformSystem: "Darwin", PlatformMachine: "x86_64"},
	{OSName: "nt", SysPlatform: "win32", PlatformSystem: "Windows", PlatformMachine: "AMD64"},
	{OSName: "posix", SysPlatform: "emscripten", PlatformSystem: "Emscripten", PlatformMachine: "wasm32"},
}

// newComparer prepares the environments. Pythons that the lock does not admit are left out: uv drops what a marker
// says of them, and a project may well still say it.
func newComparer(requires Constraint) *comparer {
	c := &comparer{known: map[[2]string]bool{}}
	for minor := range minorVersions {
		for _, micro := range []string{".0", ".9"} {
			full := "3." + itoa(int64(minor)) + micro
			if !requires.Contains(version.MustParse(full), true) {
				continue
			}
			for _, platform := range platforms {
				c.environments = append(c.environments, on(platform, full, "cpython", "CPython"))
			}
			c.environments = append(c.environments, on(platforms[0], full, "pypy", "PyPy"))
		}
	}
	return c
}

// on returns the environment of an implementation on a platform.
func on(platform marker.Environment, full, implementation, title string) marker.Environment {
	platform.PythonFullVersion, platform.ImplementationVersion = full, full
	platform.PythonVersion = full[:strings.LastIndexByte(full, '.')]
	platform.ImplementationName, platform.PlatformPythonImplementation = implementation, title
	return platform
}

// possible tells whether the marker holds anywhere.
func (c *comparer) possible(m marker.Marker) bool {
	return m.IsZero() || slices.ContainsFunc(c.environments, m.Eval)
}

// same tells whether two markers hold in the same environments, with the extra and without it.
func (c *comparer) same(a, b marker.Marker, extra string) bool {
	key := [2]string{a.String(), b.String()}
	if key[0] == key[1] {
		return true
	}
	if same, ok := c.known[key]; ok {
		return same
	}
	same := true
	for _, environment := range c.environments {
		if a.Eval(environment) != b.Eval(environment) {
			same = false
			break
		}
		if extra == "" {
			continue
		}
		environment.Extras = []string{extra}
		if a.Eval(environment) != b.Eval(environment) {
			same = false
			break
		}
	}
	c.known[key] = same
	return same
}

// find returns the locked requirement of a name that is the one asked for, but for its versions; nil when there is none. Of
// several that differ in their versions only, the one with the versions asked for comes first.
func find(w asked, have []*locked, sources wantedSources, same *comparer) *locked {
	want := w.Marker
	if w.extra != "" {
		if m, err := marker.Parse("extra == '" + w.extra + "'"); err == nil {
			want = want.And(m)
		}
	}
	var found *locked
	extras := sorted(names(w.Extras))
	for _, h := range have {
		if h.used || !slices.Equal(h.extras, extras) {
			continue
		}
		// A list of sources by marker splits a requirement into several.
		if list := sources.table.Value(w.name).Array(); len(list) == 0 && !same.same(want, h.marker, w.extra) {
			continue
		}
		if sameSpecifiers(w.Specifiers, h.specifiers) {
			return h
		}
		if found == nil {
			found = h
		}
	}
	return found
}

// sorted returns a sorted copy; the order of extras means nothing.
func sorted(list []string) []string {
	return slices.Sorted(slices.Values(list))
}

// sameSpecifiers compares as sets: uv writes specifiers in an order and spelling of its own.
func sameSpecifiers(a, b version.Specifiers) bool {
	contains := func(list version.Specifiers, s version.Specifier) bool {
		return slices.ContainsFunc(list, s.Equal)
	}
	for _, s := range a {
		if !contains(b, s) {
			return false
		}
	}
	for _, s := range b {
		if !contains(a, s) {
			return false
		}
	}
	return true
}

// samePythons tells whether a Python is admitted by the lock just when all projects admit it.
func samePythons(lock Constraint, projects []Constraint) bool {
	for minor := range minorVersions {
		for micro := range 20 {
			v := version.MustParse("3." + itoa(int64(minor)) + "." + itoa(int64(micro)))
			all := true
			for _, c := range projects {
				all = all && c.Contains(v, true)
			}
			if all != lock.Contains(v, true) {
				return false
			}
		}
	}
	return true
}

// wantedSources is tool.uv.sources of a project.
type wantedSources struct {
	table  *toml.Table
	byName map[string]*toml.Value // the first of each, in normal form
}

func sourcesOf(project *toml.Table) wantedSources {
	s := wantedSources{table: project.Table("tool", "uv", "sources"), byName: map[string]*toml.Value{}}
	for _, key := range s.table.Keys() {
		if n := name.Normalize(key); s.byName[n] == nil {
			s.byName[n] = s.table.Value(key)
		}
	}
	return s
}

// sameGit tells whether a source of tool.uv.sources that is one Git repository is the locked one.
func sameGit(source *toml.Value, locked *toml.Table) bool {
	t, ok := source.AsTable()
	if !ok || !t.Has("git") {
		return true
	}
	address, query, _ := strings.Cut(locked.String("git"), "?")
	if plainAddress(address) != plainAddress(t.String("git")) {
		return false
	}
	for _, key := range []string{"rev", "tag", "branch"} {
		if t.Has(key) && !strings.Contains(unescape(query), key+"="+t.String(key)) {
			return false
		}
	}
	return true
}
