package backend

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// finder finds packages as setuptools' find_packages and find_namespace_packages do.
// See https://setuptools.pypa.io/en/latest/userguide/package_discovery.html.
type finder struct {
	include, exclude []string
	namespaces       bool
	flat             bool // only directories whose names can be imported
	pos              diag.Position
}

// flatPackages are the directories that automatic discovery leaves out of a flat layout.
var flatPackages = []string{"ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments",
	"changelog", "test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts", "tools", "util", "utils",
	"python", "build", "dist", "venv", "env", "requirements", "tasks", "fabfile", "site_scons", "benchmark", "benchmarks",
	"exercise", "exercises", "htmlcov", "[._]*"}

// flatModules are the modules that it leaves out.
var flatModules = []string{"setup", "conftest", "test", "tests", "example", "examples", "build", "toxfile", "noxfile",
	"pavement", "dodo", "tasks", "fabfile", "[Ss][Cc]onstruct", "conanfile", "manage", "benchmark", "benchmarks", "exercise",
	"exercises", "[._]*"}

// discover finds packages and modules when nothing says which they are.
func (s *setuptools) discover() {
	if !s.discoverable {
		return
	}
	if s.explicitLayout() || s.sourceLayout() {
		return
	}
	f := finder{include: []string{"*"}, namespaces: true, flat: true}
	for _, name := range flatPackages {
		f.exclude = append(f.exclude, name, name+".*")
	}
	s.packages = s.findPackages("", f)
	var top []string
	seen := map[string]bool{}
	for _, p := range s.packages {
		if first, _, _ := strings.Cut(p, "."); !strings.HasSuffix(first, "-stubs") && !seen[first] {
			seen[first] = true
			top = append(top, first)
		}
	}
	if len(top) > 0 {
		s.notSeveral("packages", top)
		return
	}
	s.modules = s.findModules("", flatModules)
	s.notSeveral("modules", s.modules)
	if len(s.modules) == 0 && len(s.packages) == 0 {
		s.noModule("there is no package or module")
	}
}

// notSeveral refuses what setuptools refuses.
func (s *setuptools) notSeveral(kind string, names []string) {
	if len(names) > 1 {
		slices.Sort(names)
		s.problems.Add(&diag.Error{Pos: diag.Position{File: s.file, Line: 1}, Code: "bad-backend-value",
			What: "setuptools finds several " + kind + " at the top (" + strings.Join(names, ", ") + ") and takes none",
			Hint: "name them in tool.setuptools.packages or py-modules, or move them to src"})
	}
}

// explicitLayout takes the packages of package-dir with all that is in them.
func (s *setuptools) explicitLayout() bool {
	found := false
	for _, name := range sortedKeys(s.packageDir) {
		if name == "" {
			continue
		}
		found = true
		s.packages = append(s.packages, name)
		for _, nested := range s.findPackages(s.packageDir[name], finder{include: []string{"*"}, namespaces: true}) {
			s.packages = append(s.packages, name+"."+nested)
		}
	}
	return found
}

// sourceLayout takes all that is in src, or in the root of package-dir.
func (s *setuptools) sourceLayout() bool {
	dir, said := s.packageDir[""]
	if !said {
		dir = "src"
	}
	if !s.tree.isDir(dir) {
		return false
	}
	s.packageDir[""] = dir
	s.packages = s.findPackages(dir, finder{include: []string{"*"}, namespaces: true})
	s.modules = s.findModules(dir, nil)
	return true
}

// findIn finds packages in directories, and notes in package-dir where they are.
func (s *setuptools) findIn(roots []string, f finder) {
	for i, root := range roots {
		clean, ok := local(root)
		if !ok || !s.tree.isDir(clean) {
			s.problemf(f.pos, "packages.find looks in %q, which is not a directory of the project", root)
			return
		}
		roots[i] = clean
	}
	roots = slices.Compact(roots)
	if _, said := s.packageDir[""]; len(roots) == 1 && roots[0] != "" && !said {
		s.packageDir[""] = roots[0]
	}
	s.packages = []string{}
	for _, root := range roots {
		found := s.findPackages(root, f)
		s.packages = append(s.packages, found...)
		if root == "" || s.packageDir[""] == root {
			continue
		}
		all := map[string]bool{}
		for _, p := range found {
			all[p] = true
		}
		for _, p := range found {
			if !strings.Contains(p, ".") || !all[p[:strings.LastIndex(p, ".")]] {
				s.packageDir[p] = path.Join(root, strings.ReplaceAll(p, ".", "/"))
			}
		}
	}
}

// findPackages returns the dotted names of the packages below a directory.
func (s *setuptools) findPackages(root string, f finder) []string {
	include, exclude := s.fnmatches(f.include, f.pos), s.fnmatches(append(f.exclude, "ez_setup", "*__pycache__"), f.pos)
	if s.err != nil {
		return nil
	}
	excluded := map[string]bool{}
	for _, e := range f.exclude {
		excluded[e] = true
	}
	name := func(p string) string {
		return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(p, root), "/"), "/", ".")
	}
	nodes, err := s.tree.walk(root, func(n node) bool {
		base, parent := path.Base(n.path), path.Dir(n.path)
		switch {
		case strings.Contains(base, "."), base == "__pycache__":
			return true
		case parent != "." && parent != root && pruned(name(parent), excluded):
			return true // what is excluded with all that is below it is not looked into
		case !n.dir:
			return !s.tree.isDir(n.path) // a link to a directory could be a package; walk refuses it
		case !f.namespaces && !s.tree.isFile(n.path+"/__init__.py"), f.flat && !importable(name(n.path)):
			return true
		}
		return false
	})
	s.fail(f.pos, err)
	var out []string
	for _, n := range nodes {
		if p := name(n.path); s.matchAny(include, p) && !s.matchAny(exclude, p) {
			out = append(out, p)
		}
	}
	return out
}

// pruned reports whether a package's own name stands among the patterns with a star behind it.
func pruned(name string, exclude map[string]bool) bool {
	return exclude[name+"*"] || exclude[name+".*"]
}

// importable reports whether a dotted name can be one of packages; the first may be that of stubs (PEP 561).
func importable(name string) bool {
	for i, part := range strings.Split(name, ".") {
		if stem, ok := strings.CutSuffix(part, "-stubs"); ok && i == 0 && stem != "" {
			continue
		}
		if !identifier.MatchString(part) {
			return false
		}
	}
	return true
}

// fnmatches compiles patterns.
func (s *setuptools) fnmatches(patterns []string, pos diag.Position) (out []*regexp.Regexp) {
	for _, p := range patterns {
		if !s.spend(compiling) {
			return nil
		}
		re, err := fnmatch(p)
		s.fail(pos, err)
		out = append(out, re)
	}
	return out
}

// findModules returns the modules right in a directory.
func (s *setuptools) findModules(dir string, exclude []string) []string {
	nodes, err := s.tree.find(path.Join(dir, "*.py"), false, false)
	s.fail(diag.Position{File: s.file}, err)
	excluded := s.fnmatches(exclude, diag.Position{File: s.file})
	var out []string
	for _, n := range nodes {
		name := strings.TrimSuffix(path.Base(n.path), ".py")
		if !n.dir && identifier.MatchString(name) && !s.matchAny(excluded, name) {
			out = append(out, name)
		}
	}
	return out
}

// dirOf returns the directory of a package.
func (s *setuptools) dirOf(name string) string {
	if len(name) > maxPattern {
		s.fail(diag.Position{File: s.file, Line: 1}, treeErrorf("the name %.80q has more than %d bytes", name, maxPattern))
		return ""
	}
	rest := ""
	for name != "" {
		if dir, ok := s.packageDir[name]; ok {
			return path.Join(dir, rest)
		}
		i := strings.LastIndex(name, ".")
		rest = path.Join(name[i+1:], rest)
		name = name[:max(i, 0)]
	}
	return path.Join(s.packageDir[""], rest)
}

// resolveVersion reads the attribute of a module that is the version. A value that is no literal would have to be run.
func (s *setuptools) resolveVersion() {
	if s.versionAttr == "" {
		return
	}
	module, attribute := "__init__", strings.TrimSpace(s.versionAttr)
	if i := strings.LastIndex(attribute, "."); i >= 0 {
		module, attribute = attribute[:i], attribute[i+1:]
	}
	file := ""
	for _, candidate := range []string{s.dirOf(module) + ".py", s.dirOf(module) + "/__init__.py"} {
		if file == "" && s.tree.isFile(candidate) {
			file = candidate
		}
	}
	if file == "" {
		s.problemf(s.versionPos, "there is no module %s for the version", module)
		return
	}
	m := readModule(s.readText(file, s.versionPos))
	value, ok := m.Assigned(attribute, "")
	version, plain := value.Dotted()
	if !m.OK || !ok || !plain {
		s.dynamicf(s.versionPos, "%s assigns no literal to %s", file, attribute)
		s.project.refusedVersion = true
		return
	}
	s.project.versionText = strings.TrimSpace(version)
}
