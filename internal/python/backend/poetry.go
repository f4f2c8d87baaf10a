package backend

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildPoetry makes a wheel by the rules of poetry-core. See https://python-poetry.org/docs/pyproject/.
func buildPoetry(b *build) {
	// What may be dynamic is static in [tool.poetry], where poetry-core takes it from.
	project := b.readProject("version", "description", "readme", "classifiers", "requires-python", "dependencies",
		"optional-dependencies", "authors", "maintainers", "keywords", "license", "urls", "scripts", "entry-points")
	p := &poetry{build: b, project: project, tool: b.doc.Table("tool", "poetry"), ignore: newGitIgnore(b.tree)}
	p.readTool()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	p.findPackages()
	if b.err != nil || len(b.problems) > 0 {
		return
	}
	for _, f := range p.collect() {
		b.addFile(f.target, f.source)
	}
	for _, script := range p.fileScripts {
		b.addFile(project.stem()+".data/scripts/"+path.Base(script), script)
	}
	p.addMetadata(project.stem() + ".dist-info")
}

// poetry is a build by poetry-core.
type poetry struct {
	*build
	project *project
	tool    *toml.Table // tool.poetry

	python      bounds // of the Python versions that [tool.poetry] or [project] admits
	hasPython   bool
	scripts     []pair // console scripts
	fileScripts []string
	includes    []poetryInclude
	excluded    map[string]bool // files that exclude names
	explicit    map[string]bool // files that include names: they win over exclude and .gitignore
	ignore      *gitIgnore
}

// poetryInclude is a row of packages or of include, with what it matched.
type poetryInclude struct {
	base, to  string // directory that names are relative to, and the directory they go to
	isPackage bool
	nodes     []node
}

// poetryNeutral are keys of [tool.poetry] that do not change a wheel.
var poetryNeutral = []string{"group", "dev-dependencies", "source", "requires-poetry", "requires-plugins",
	"build-constraints", "package-mode"}

// readTool reads [tool.poetry]. Where [project] has a value, it wins.
func (p *poetry) readTool() {
	p.only(p.tool, "tool.poetry", append(poetryNeutral, "name", "version", "description", "keywords", "homepage",
		"repository", "documentation", "license", "authors", "maintainers", "readme", "classifiers", "packages", "include",
		"exclude", "dependencies", "extras", "scripts", "plugins", "urls")...)
	if on := p.flag(p.tool, "tool.poetry", "package-mode", true); !on {
		p.noModule("package-mode is false")
		return
	}
	project := p.project
	namePos, versionPos := project.table.KeyPos("name"), project.table.KeyPos("version")
	if project.name == "" {
		project.name, namePos = p.str(p.tool, "tool.poetry", "name"), p.tool.KeyPos("name")
	}
	if project.versionText == "" {
		project.versionText, versionPos = p.str(p.tool, "tool.poetry", "version"), p.tool.KeyPos("version")
	}
	p.identity(project, namePos, versionPos)
	p.readPython()
	p.readScripts()
}

// readPython finds the constraint on Python, which gives Requires-Python, the classifiers and the tag.
func (p *poetry) readPython() {
	text, pos := p.project.requiresPython, p.project.table.KeyPos("requires-python")
	deps := p.tool.Table("dependencies")
	for _, key := range deps.Keys() {
		if strings.EqualFold(key, "python") {
			text, pos = p.str(deps, "tool.poetry.dependencies", key), deps.KeyPos(key)
		}
	}
	if text == "" || text == "*" {
		return
	}
	parsed, err := parsePoetryConstraint(text, false)
	if err != nil || len(parsed.exclude) > 0 {
		p.refusef(pos, "the Python constraint is %q", text)
		return
	}
	p.python, p.hasPython = parsed, true
}

// readScripts reads console scripts and scripts that are files.
func (p *poetry) readScripts() {
	scripts := p.tool.Table("scripts")
	var console []pair
	for _, key := range scripts.Keys() {
		inner, ok := scripts.Value(key).AsTable()
		if !ok {
			console = append(console, pair{key, p.str(scripts, "tool.poetry.scripts", key), scripts.KeyPos(key)})
			continue
		}
		where := "tool.poetry.scripts." + key
		p.only(inner, where, "reference", "type")
		reference := p.str(inner, where, "reference")
		switch kind := p.str(inner, where, "type"); kind {
		case "console":
			console = append(console, pair{key, reference, scripts.KeyPos(key)})
		case "file":
			clean, ok := local(reference)
			if !ok || !p.tree.isFile(clean) {
				p.problemf(inner.KeyPos("reference"), "%s.reference: %q is not a file of the project", where, reference)
			}
			p.fileScripts = append(p.fileScripts, clean)
		default:
			p.refusef(inner.Pos, "%s has the type %q", where, kind)
		}
	}
	p.scripts = console
	if len(p.project.scripts) > 0 {
		p.scripts = p.project.scripts
	}
}

// findPackages finds what packages and include name, or the module that has the project's name.
func (p *poetry) findPackages() {
	if len(p.tool.Value("packages").Array()) == 0 {
		p.defaultPackage()
	}
	for i, v := range p.tool.Value("packages").Array() {
		t, ok := v.AsTable()
		if !ok {
			p.problemf(v.Pos, "tool.poetry.packages[%d] is not a table", i)
			continue
		}
		p.only(t, "tool.poetry.packages", "include", "from", "to", "format")
		if p.forWheel(t, "tool.poetry.packages", true) {
			p.addPackage(t.Pos, p.str(t, "tool.poetry.packages", "from"), p.str(t, "tool.poetry.packages", "include"),
				p.str(t, "tool.poetry.packages", "to"))
		}
	}
	p.explicit = map[string]bool{}
	for _, v := range p.tool.Value("include").Array() {
		t, ok := v.AsTable()
		if !ok {
			continue // a plain path is for source distributions
		}
		p.only(t, "tool.poetry.include", "path", "format")
		if p.forWheel(t, "tool.poetry.include", false) {
			p.addInclude(t.KeyPos("path"), p.str(t, "tool.poetry.include", "path"))
		}
	}
	p.readExclude()
}

// forWheel reads the format of a row.
func (p *poetry) forWheel(t *toml.Table, where string, otherwise bool) bool {
	v := t.Value("format")
	if v == nil {
		return otherwise
	}
	if s, ok := v.Str(); ok {
		return s == "wheel"
	}
	return slices.ContainsFunc(p.strs(t, where, "format"), func(s text) bool { return s.s == "wheel" })
}

// defaultPackage looks for the module that has the project's name, beside pyproject.toml and in src.
func (p *poetry) defaultPackage() {
	module := strings.ReplaceAll(name.Normalize(p.project.name), "-", "_")
	for _, base := range []string{"", "src"} {
		dir, file := path.Join(base, module), path.Join(base, module+".py")
		switch isDir, isFile := p.tree.isDir(dir), p.tree.isFile(file); {
		case isDir && isFile:
			p.fail(diag.Position{File: p.file}, treeErrorf("there are both %s and %s", dir, file))
			return
		case isDir:
			if err := p.tryPackage(base, module, ""); errors.Is(err, errNotPackage) {
				p.noModule("%s", err)
			} else {
				p.fail(diag.Position{File: p.file}, err)
			}
			return
		case isFile:
			p.includes = append(p.includes, poetryInclude{base: base, isPackage: true, nodes: []node{{path: file}}})
			return
		}
	}
	p.noModule("there is no file or directory named %s, neither in src", module)
}

// errNotPackage says that a directory holds no modules.
var errNotPackage = errors.New("no Python file in it")

// addPackage checks a row of packages. A pattern that ends in ** means other things to Python 3.12 and 3.13.
func (p *poetry) addPackage(pos diag.Position, from, include, to string) {
	base, ok := local(from)
	if !ok || include == "" || strings.HasSuffix(include, "**") {
		p.refusef(pos, "tool.poetry.packages includes %q from %q", include, from)
		return
	}
	if target, ok := local(to); !ok || target != strings.TrimSuffix(to, "/") {
		p.refusef(pos, "tool.poetry.packages puts files into %q", to)
		return
	}
	if err := p.tryPackage(base, include, strings.TrimSuffix(to, "/")); errors.Is(err, errNotPackage) {
		p.problemf(pos, "tool.poetry.packages: %v", err)
	} else {
		p.fail(pos, err)
	}
}

// tryPackage resolves one package: a directory with all that is in it, a module, or a glob.
func (p *poetry) tryPackage(base, include, to string) error {
	found, err := p.tree.glob(base, include)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return treeErrorf("%s: there is no such file or directory", path.Join(base, include))
	}
	in := poetryInclude{base: base, to: to, isPackage: true, nodes: found}
	if len(found) == 1 && !found[0].dir {
		p.includes = append(p.includes, in)
		return nil
	}
	stem := path.Base(path.Dir(found[0].path))
	if len(found) == 1 {
		stem = path.Base(found[0].path)
		if in.nodes, err = p.tree.walk(found[0].path, nil); err != nil {
			return err
		}
	}
	if !hasModules(in.nodes) && !(strings.HasSuffix(stem, "-stubs") && onlyStubs(in.nodes)) {
		return &notPackage{path.Join(base, include)}
	}
	p.includes = append(p.includes, in)
	return nil
}

type notPackage struct{ path string }

// Error names the directory.
func (e *notPackage) Error() string { return e.path + ": " + errNotPackage.Error() }

// Unwrap makes it an errNotPackage.
func (e *notPackage) Unwrap() error { return errNotPackage }

// hasModules is poetry-core's test for a package: one .py file, at any depth.
func hasModules(nodes []node) bool {
	return slices.ContainsFunc(nodes, func(n node) bool { return path.Ext(n.path) == ".py" })
}

// onlyStubs is its test for a package of stubs (PEP 561), which has no .py file.
func onlyStubs(nodes []node) bool {
	return !slices.ContainsFunc(nodes, func(n node) bool {
		return !n.dir && path.Ext(n.path) != ".pyi" && path.Base(n.path) != "py.typed"
	})
}

// addInclude resolves a row of include.
func (p *poetry) addInclude(pos diag.Position, pattern string) {
	found, err := p.tree.glob("", pattern)
	p.fail(pos, err)
	for _, n := range found {
		p.mark(p.explicit, n, pos)
	}
	p.includes = append(p.includes, poetryInclude{nodes: found})
}

// readExclude resolves exclude.
func (p *poetry) readExclude() {
	p.excluded = map[string]bool{}
	for _, pattern := range p.strs(p.tool, "tool.poetry", "exclude") {
		found, err := p.tree.glob("", pattern.s)
		p.fail(pattern.pos, err)
		for _, n := range found {
			p.mark(p.excluded, n, pattern.pos)
		}
	}
}

// mark adds a file, or all files of a directory, to a set.
func (p *poetry) mark(set map[string]bool, n node, pos diag.Position) {
	if !n.dir {
		set[n.path] = true
		return
	}
	below, err := p.tree.walk(n.path, nil)
	p.fail(pos, err)
	for _, m := range below {
		if !m.dir {
			set[m.path] = true
		}
	}
}

// isExcluded decides about a file that packages or a directory of include bring.
func (p *poetry) isExcluded(file string) bool {
	if slices.Contains(strings.Split(file, "/"), "__pycache__") || path.Ext(file) == ".pyc" {
		return true
	}
	if p.explicit[file] {
		return false
	}
	byGit, err := p.ignore.ignored(file)
	p.fail(diag.Position{File: ".gitignore"}, err)
	return byGit || p.excluded[file]
}

// collect returns the files of the wheel, by their path in the project. The first row that brings a file decides
// where it goes.
func (p *poetry) collect() []copied {
	targets := map[string]string{}
	for _, in := range p.includes {
		for _, n := range in.expand(p) {
			if _, ok := targets[n]; !ok {
				targets[n] = path.Join(in.to, strings.TrimPrefix(strings.TrimPrefix(n, in.base), "/"))
			}
		}
	}
	var out []copied
	for source, target := range targets {
		out = append(out, copied{source, target})
	}
	slices.SortFunc(out, func(a, b copied) int { return entry.ComparePaths(a.source, b.source) })
	return out
}

// expand returns the files of an include. A file that include names itself is taken even if it is excluded.
func (in poetryInclude) expand(p *poetry) []string {
	var out []string
	for _, n := range in.nodes {
		if slices.Contains(strings.Split(n.path, "/"), "__pycache__") {
			continue
		}
		if !n.dir {
			if !in.isPackage || !p.isExcluded(n.path) {
				out = append(out, n.path)
			}
			continue
		}
		below, err := p.tree.walk(n.path, nil)
		p.fail(diag.Position{File: p.file}, err)
		for _, m := range below {
			if !m.dir && !p.isExcluded(m.path) {
				out = append(out, m.path)
			}
		}
	}
	return out
}
