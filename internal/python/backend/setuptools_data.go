package backend

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// selectFiles collects modules and data of packages.
func (s *setuptools) selectFiles() {
	for _, m := range s.modules {
		s.addModule(m)
	}
	for _, p := range s.packages {
		dir := s.dirOf(p)
		switch {
		case dir == "":
			s.refusef(diag.Position{File: s.file, Line: 1}, "the package %s is the project's own directory", p)
		case !s.tree.isDir(dir):
			s.problemf(diag.Position{File: s.file, Line: 1}, "the directory %s of the package %s does not exist", dir, p)
		default:
			s.addModules(p, dir)
		}
	}
	if len(s.problems) > 0 || s.err != nil {
		return
	}
	manifest := s.manifest()
	for _, p := range s.packages {
		s.addPackageData(p, manifest[p])
	}
}

// addModule takes a module that is named, with its package's __init__. One that is missing is no error to setuptools.
func (s *setuptools) addModule(name string) {
	parent := ""
	if i := strings.LastIndex(name, "."); i >= 0 {
		parent = name[:i]
		if init := s.dirOf(parent) + "/__init__.py"; s.tree.isFile(init) {
			s.wheel[strings.ReplaceAll(parent, ".", "/")+"/__init__.py"] = copying{init, true}
		}
	}
	file := path.Join(s.dirOf(parent), name[strings.LastIndex(name, ".")+1:]+".py")
	if s.tree.isFile(file) {
		s.wheel[strings.ReplaceAll(name, ".", "/")+".py"] = copying{file, true}
	}
}

// addModules takes the modules right in a package.
func (s *setuptools) addModules(name, dir string) {
	nodes, err := s.tree.walk(dir, func(n node) bool { return path.Dir(n.path) != dir })
	s.fail(diag.Position{File: s.file}, err)
	for _, n := range nodes {
		if base := path.Base(n.path); !n.dir && strings.HasSuffix(base, ".py") && base[0] != '.' {
			s.wheel[strings.ReplaceAll(name, ".", "/")+"/"+base] = copying{n.path, true}
		}
	}
}

// addPackageData takes what package-data names and what the manifest has for the package, without what is excluded.
func (s *setuptools) addPackageData(name string, fromManifest []string) {
	for _, file := range s.kept(name, slices.Concat(fromManifest, s.patternFiles(name))) {
		below, ok := strings.CutPrefix(file, s.dirOf(name)+"/")
		target := strings.ReplaceAll(name, ".", "/") + "/" + below
		if _, taken := s.wheel[target]; ok && !taken {
			s.wheel[target] = copying{source: file}
		}
	}
}

// kept returns the files that exclude-package-data does not name.
func (s *setuptools) kept(name string, files []string) []string {
	var patterns []string
	for _, pattern := range slices.Concat(s.excludeData[""], s.excludeData[name]) {
		patterns = append(patterns, path.Join(s.dirOf(name), pattern))
	}
	excluded := s.fnmatches(patterns, diag.Position{File: s.file})
	if s.err != nil {
		return nil
	}
	return slices.DeleteFunc(files, func(file string) bool { return s.matchAny(excluded, file) })
}

// patternFiles returns the files of a package that patterns of package-data match; those of types are always among them.
// What Python left in __pycache__ is never taken.
func (s *setuptools) patternFiles(name string) (out []string) {
	dir := s.dirOf(name)
	for _, pattern := range slices.Concat([]string{"*.pyi", "py.typed"}, s.packageData[""], s.packageData[name]) {
		if magic(dir) {
			s.refusef(diag.Position{File: s.file, Line: 1}, "the directory %s has a name like a pattern", dir)
			return nil
		}
		if slices.Contains(strings.Split(pattern, "/"), "..") {
			s.refusef(diag.Position{File: s.file, Line: 1}, "the data pattern %q of the package %s leads out of it", pattern, name)
			return nil
		}
		nodes, err := s.tree.find(path.Join(dir, pattern), true, false)
		s.fail(diag.Position{File: s.file, Line: 1}, err)
		for _, n := range nodes {
			if !n.dir && !cached(n.path) {
				out = append(out, n.path)
			}
		}
	}
	return out
}

// cached reports bytecode that Python left beside the sources.
func cached(p string) bool { return slices.Contains(strings.Split(p, "/"), "__pycache__") }

// addData takes data files and scripts.
func (s *setuptools) addData() {
	stem := s.project.stem() + ".data/"
	for _, d := range s.dataFiles {
		dir, ok := local(d.dir)
		if !ok {
			s.refusef(diag.Position{File: s.file, Line: 1}, "data files go to %q", d.dir)
			continue
		}
		for _, pattern := range d.patterns {
			nodes, err := s.tree.find(pattern.s, true, false)
			s.fail(pattern.pos, err)
			if len(nodes) == 0 && !magic(pattern.s) || strings.ContainsAny(pattern.s, "{}") {
				s.problemf(pattern.pos, "the data file %s does not exist", pattern.s)
			}
			for _, n := range nodes {
				if n.dir {
					s.refusef(pattern.pos, "the data file %s is a directory", n.path)
				}
				s.wheel[stem+path.Join("data", dir, path.Base(n.path))] = copying{source: n.path}
			}
		}
	}
	for _, script := range s.scripts {
		s.addScript(stem+"scripts/", script)
	}
}

// pythonShebang is a first line that names a Python interpreter, as distutils has it.
var pythonShebang = lazyregexp.New(`^#!.*python[0-9.]*([ \t].*)?$`)

// addScript copies a script. Its first line is rewritten so that an installer puts the interpreter there.
func (s *setuptools) addScript(dir string, script text) {
	data := s.readText(script.s, script.pos)
	if data == "" {
		s.problemf(script.pos, "the script %s is empty", script.s)
		return
	}
	first, rest, _ := strings.Cut(universalNewlines(data), "\n")
	if m := pythonShebang.FindStringSubmatch(first); m != nil {
		data = "#!python" + m[1] + "\n" + rest
	}
	s.made[dir+path.Base(script.s)] = []byte(data)
}

// licenseFiles returns what the patterns match, in their order.
func (s *setuptools) licenseFiles() []string {
	patterns := s.licensePatterns
	if patterns == nil {
		patterns = []text{{s: "LICEN[CS]E*"}, {s: "COPYING*"}, {s: "NOTICE*"}, {s: "AUTHORS*"}}
	}
	var out []string
	seen := map[string]bool{}
	for _, p := range patterns {
		if strings.Contains(p.s, "..") {
			s.refusef(p.pos, "the pattern %q of licence files has two dots", p.s)
			continue
		}
		nodes, err := s.tree.find(p.s, true, false)
		s.fail(p.pos, err)
		for _, n := range nodes {
			if !n.dir && !strings.HasSuffix(n.path, "~") && !seen[n.path] {
				seen[n.path] = true
				out = append(out, n.path)
			}
		}
	}
	return out
}
