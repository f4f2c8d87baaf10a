package backend

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildFlit makes a wheel by the rules of flit_core, of the release that the project admits: 4 or, behind "<4", 3.
// See https://flit.pypa.io/en/stable/pyproject_toml.html.
func buildFlit(b *build) {
	f := &flit{build: b, new: b.kind.generator != b.kind.older, settings: b.doc.Table("tool", "flit")}
	if f.new {
		b.eol = "\r\n" // of Python's csv module
	}
	f.only(f.settings, "tool.flit", "module", "sdist", "external-data", "metadata", "scripts", "entrypoints")
	f.readMetadata()
	f.findModule()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	f.readModule()
	b.identity(f.project, f.project.table.KeyPos("name"), f.project.table.KeyPos("version"))
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	f.addFiles()
}

// flit is a build by flit_core.
type flit struct {
	*build
	new      bool // release 4
	project  *project
	meta     flitMetadata
	settings *toml.Table // tool.flit
	module   string      // dotted name
	path     string      // of its file or directory
	root     string      // "src" or ""
	dynamic  []string
}

// readMetadata reads [project], or the table that stood for it before there was one.
func (f *flit) readMetadata() {
	if f.doc.Has("project") {
		f.only(f.settings, "tool.flit", "module", "sdist", "external-data")
		f.project = f.readProject("version", "description")
		f.dynamic = f.project.table.Strings("dynamic")
		if !f.project.table.Has("description") && !slices.Contains(f.dynamic, "description") {
			f.problemf(f.project.table.Pos, "flit_core wants project.description, or that it is listed in project.dynamic")
		}
		f.module = f.defaultModule()
		if module := f.settings.Table("module"); module.Has("name") {
			f.module = f.str(module, "tool.flit.module", "name")
		}
		f.meta = f.projectMetadata()
		return
	}
	f.project = &project{table: f.settings.Table("metadata")}
	switch {
	case !f.settings.Has("metadata"):
		f.problemf(diag.Position{File: f.file, Line: 1}, "there is no table [project]")
	case f.new:
		f.refusef(f.settings.KeyPos("metadata"), "tool.flit.metadata stands in place of [project]; require flit_core <4")
	default:
		f.legacyMetadata()
	}
}

// defaultModule is the module of a distribution whose name says it. Release 4 knows names of stubs.
func (f *flit) defaultModule() string {
	if stem, ok := strings.CutSuffix(f.project.name, "-stubs"); ok && f.new {
		return strings.ReplaceAll(stem, "-", "_") + "-stubs"
	}
	return strings.ReplaceAll(f.project.name, "-", "_")
}

// findModule finds the module in the project or in src, a file or a directory.
func (f *flit) findModule() {
	if f.module == "" || len(f.problems) > 0 {
		return
	}
	if strings.ContainsAny(f.module, `/\`) {
		f.problemf(f.settings.KeyPos("module"), "%q is not a module", f.module)
		return
	}
	var found []string
	file := strings.ReplaceAll(f.module, ".", "/")
	for _, root := range []string{"", "src"} {
		if p := path.Join(root, file); f.tree.isDir(p) {
			found = append(found, p)
		}
		if p := path.Join(root, file+".py"); f.tree.isFile(p) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		f.noModule("there is no file or directory of the module %s", f.module)
		return
	case len(found) > 1:
		f.fail(diag.Position{File: f.file}, treeErrorf("the module %s may be any of %s", f.module, strings.Join(found, ", ")))
		return
	}
	f.path = found[0]
	if strings.HasPrefix(f.path, "src/") && !strings.HasPrefix(file, "src/") {
		f.root = "src"
	}
}

// readModule takes version and summary from the module's text, where they are dynamic. What flit would have to import
// the module for is refused.
func (f *flit) readModule() {
	if len(f.dynamic) == 0 {
		return
	}
	files, summary, version := []string{f.path}, "", ""
	if f.tree.isDir(f.path) {
		// The last one wins.
		files = nil
		for _, name := range []string{"__version__.py", "_version.py", "version.py"} {
			if p := path.Join(f.path, name); f.tree.isFile(p) {
				files = append(files, p)
			}
		}
		files = append(files, path.Join(f.path, "__init__.py"))
	}
	for _, file := range files {
		m := readModule(f.readText(file, f.project.table.KeyPos("dynamic")))
		if !m.OK {
			f.refusef(diag.Position{File: file, Line: 1}, "%s is no Python that lithe can read", file)
		}
		if v, ok := m.Assigned("__version__", "si"); ok {
			version = map[bool]string{true: v.Text}[v.Kind == 's']
		}
		doc, _ := m.Docstring()
		summary, _, _ = strings.Cut(strings.TrimLeft(doc, " \t\n\f"), "\n")
	}
	pos := f.project.table.KeyPos("dynamic")
	if slices.Contains(f.dynamic, "version") {
		if f.project.versionText = strings.TrimSpace(version); version == "" {
			f.dynamicf(pos, "%s assigns no plain string to __version__", path.Join(f.path, "__init__.py"))
			f.project.refusedVersion = true
		}
	}
	if slices.Contains(f.dynamic, "description") {
		f.meta.summary, f.meta.hasSummary = summary, true
		if summary == "" || strings.ContainsAny(summary, "\t\v\f\x1c\x1d\x1e\u0085\u2028\u2029") {
			f.dynamicf(pos, "the module %s has no plain docstring", f.module)
		}
	}
}

// addFiles writes the wheel in flit's order.
func (f *flit) addFiles() {
	f.addTree(f.path, f.root, "", func(n node) bool {
		return path.Base(n.path) == "__pycache__" || strings.HasSuffix(n.path, ".pyc")
	})
	stem := f.project.stem()
	if data := f.settings.Table("external-data"); data.Has("directory") {
		dir, ok := local(f.str(data, "tool.flit.external-data", "directory"))
		if !ok || dir == "" || !f.tree.isDir(dir) {
			f.problemf(data.KeyPos("directory"), "tool.flit.external-data.directory is not a directory of the project")
			return
		}
		f.addTree(dir, dir, stem+".data/data/", func(n node) bool { return n.dir && path.Base(n.path) == "__pycache__" })
	}
	info := stem + ".dist-info"
	if text := f.meta.entryPoints(); text != "" {
		f.addBytes(info+"/entry_points.txt", []byte(text), false)
	}
	licences := f.licenseFiles()
	for _, file := range licences {
		f.addFile(info+"/licenses/"+file, file)
	}
	f.addBytes(info+"/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: "+f.kind.generator+"\nRoot-Is-Purelib: true\n"+f.tags()), false)
	f.addBytes(info+"/METADATA", f.metadata(licences), false)
	f.finish(info)
}

// addTree adds a file, or what is below a directory in the order of os.walk with sorted names.
func (f *flit) addTree(dir, root, prefix string, skip func(node) bool) {
	below := func(p string) string { return prefix + strings.TrimPrefix(strings.TrimPrefix(p, root), "/") }
	if f.tree.isFile(dir) {
		f.addFile(below(dir), dir)
		return
	}
	nodes, err := f.tree.walk(dir, skip)
	f.fail(diag.Position{File: f.file}, err)
	for _, p := range walkOrder(dir, nodes) {
		f.addFile(below(p), p)
	}
}

// walkOrder returns the files of a walk as Python's os.walk gives them with sorted names: the files of a directory,
// then those of each directory in it.
func walkOrder(root string, nodes []node) []string {
	files, dirs := map[string][]string{}, map[string][]string{}
	for _, n := range nodes {
		dir := path.Dir(n.path)
		if dir == "." {
			dir = ""
		}
		if n.dir {
			dirs[dir] = append(dirs[dir], n.path)
		} else {
			files[dir] = append(files[dir], n.path)
		}
	}
	var out []string
	var visit func(string)
	visit = func(dir string) {
		out = append(out, files[dir]...)
		for _, d := range dirs[dir] {
			visit(d)
		}
	}
	visit(root)
	return out
}

// dynamicf adds a problem: the value is only known to who runs the project's code.
func (b *build) dynamicf(pos diag.Position, format string, args ...any) {
	b.refuse(pos, "dynamic-metadata", "state it as a literal, or in pyproject.toml", format, args...)
}

// pythonThree is a clause that excludes Python 2, as flit sees it.
var pythonThree = lazyregexp.New(`^\s*(>=?|~=|===?)?\s*[3-9]`)

// tags names Python 2 unless Requires-Python excludes it.
func (f *flit) tags() string {
	three := slices.ContainsFunc(strings.Split(f.meta.requiresPython, ","), pythonThree.MatchString)
	if three {
		return "Tag: py3-none-any\n"
	}
	return "Tag: py2-none-any\nTag: py3-none-any\n"
}

// flitLicence is what a pattern of project.license-files may hold.
var flitLicence = lazyregexp.New(`^[\p{L}\p{M}\p{N}_./*?\[\] -]+$`)

// licenseFiles returns the licence files, sorted.
func (f *flit) licenseFiles() []string {
	patterns, defaults := f.project.licenseFiles, []string{"COPYING*", "LICEN[CS]E*"}
	if f.new {
		defaults = append(defaults, "NOTICE*", "AUTHORS*")
	}
	chosen := patterns != nil
	if !chosen {
		for _, s := range defaults {
			patterns = append(patterns, text{s: s})
		}
	}
	var out []string
	for _, p := range patterns {
		if !flitLicence.MatchString(p.s) || strings.Contains(p.s, "..") || strings.HasPrefix(p.s, "/") {
			f.problemf(p.pos, "project.license-files: %q is not a pattern", p.s)
			continue
		}
		nodes, err := f.tree.glob("", p.s)
		f.fail(p.pos, err)
		nodes = slices.DeleteFunc(nodes, func(n node) bool { return n.dir })
		if len(nodes) == 0 && chosen {
			f.problemf(p.pos, "project.license-files: nothing matches %q", p.s)
		}
		for _, n := range nodes {
			out = append(out, n.path)
		}
	}
	if file := f.project.licenseFile; file != "" && !chosen {
		out = append(out, path.Clean(file))
		f.readText(file, f.project.table.KeyPos("license"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// normalExtras rewrites the extras of a requirement in place, and leaves the rest as written.
func (f *flit) normalExtras(requirement string) string {
	open := strings.IndexByte(requirement, '[')
	end := strings.IndexByte(requirement, ']')
	if open < 0 || end < open || strings.ContainsAny(requirement[:open], `;"'@`) {
		return requirement
	}
	var extras []string
	for e := range strings.SplitSeq(requirement[open+1:end], ",") {
		extras = append(extras, name.Normalize(strings.TrimSpace(e)))
	}
	return requirement[:open] + "[" + strings.Join(extras, ", ") + "]" + requirement[end+1:]
}
