package backend

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildPDM makes a wheel by the rules of pdm-backend. See https://backend.pdm-project.org/build_config/.
func buildPDM(b *build) {
	p := &pdm{build: b, settings: b.doc.Table("tool", "pdm", "build"), wheel: map[string]string{}}
	p.project = b.readProject("version")
	p.only(p.settings, pdmSettings, "package-dir", "includes", "excludes", "source-includes", "is-purelib", "custom-hook",
		"run-setuptools", "editable-backend")
	p.checkStatic()
	p.readVersion()
	b.identity(p.project, p.project.table.KeyPos("name"), p.project.table.KeyPos("version"))
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	p.selectFiles()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	p.addFiles()
}

const pdmSettings = "tool.pdm.build"

// pdm is a build by pdm-backend.
type pdm struct {
	*build
	project    *project
	settings   *toml.Table
	packageDir string
	wheel      map[string]string // files of the project by their path in the wheel
}

// checkStatic refuses what runs code of the project.
func (p *pdm) checkStatic() {
	hook := "pdm_build.py"
	if p.settings.Has("custom-hook") {
		hook = p.str(p.settings, pdmSettings, "custom-hook")
	}
	if clean, ok := local(hook); !ok || clean == "" || p.tree.isFile(clean) || p.tree.isDir(clean) {
		pos := diag.Position{File: hook, Line: 1}
		if p.settings.Has("custom-hook") {
			pos = p.settings.KeyPos("custom-hook")
		}
		p.refuse(pos, "dynamic-build", "build without a hook", "%s is a build hook", hook)
	}
	if p.flag(p.settings, pdmSettings, "run-setuptools", false) {
		p.refuse(p.settings.KeyPos("run-setuptools"), "dynamic-build", "build without extensions", "%s.run-setuptools runs setuptools", pdmSettings)
	}
	if !p.flag(p.settings, pdmSettings, "is-purelib", true) {
		p.refusef(p.settings.KeyPos("is-purelib"), "%s.is-purelib is false", pdmSettings)
	}
}

// pdmVersion is where pdm-backend finds a version in a file unless a pattern says otherwise.
var pdmVersion = lazyregexp.New(`(?m)^(?:__version__|VERSION)\s*=\s*["'](.+?)["']\s*(?:#.*)?$`)

// readVersion reads a dynamic version from a file.
func (p *pdm) readVersion() {
	t, where := p.doc.Table("tool", "pdm", "version"), "tool.pdm.version"
	dynamic := slices.Contains(p.project.table.Strings("dynamic"), "version")
	if p.project.table.Has("version") || !dynamic {
		return
	}
	pos := p.project.table.KeyPos("dynamic")
	source := p.str(t, where, "source")
	if source == "" && t.Has("path") {
		source = "file"
	}
	if source != "file" {
		p.dynamicf(pos, "the version comes from %q", source)
		p.project.refusedVersion = true
		return
	}
	p.only(t, where, "source", "path", "pattern")
	re := pdmVersion
	if t.Has("pattern") {
		p.dynamicf(t.KeyPos("pattern"), "%s.pattern is an expression of Python", where)
		p.project.refusedVersion = true
		return
	}
	m := re.FindStringSubmatch(universalNewlines(p.readText(p.str(t, where, "path"), t.KeyPos("path"))))
	if m == nil {
		p.problemf(t.KeyPos("path"), "%s.path: no version is assigned in %s", where, p.str(t, where, "path"))
		p.project.refusedVersion = true
		return
	}
	p.project.versionText = m[1]
}

// list returns strings of a setting.
func (p *pdm) list(key string) []string {
	var out []string
	for _, t := range p.strs(p.settings, pdmSettings, key) {
		out = append(out, t.s)
	}
	return out
}

// findPackageDir returns package-dir, or src where that is what the project looks like.
func (p *pdm) findPackageDir(includes, excludes []string) string {
	if p.settings.Has("package-dir") {
		dir, ok := local(p.str(p.settings, pdmSettings, "package-dir"))
		if !ok {
			p.problemf(p.settings.KeyPos("package-dir"), "%s.package-dir leads out of the project", pdmSettings)
		}
		return dir
	}
	inSource := slices.ContainsFunc(includes, func(s string) bool {
		return path.Clean(s) == "src" || strings.HasPrefix(path.Clean(s), "src/")
	})
	if p.tree.isDir("src") && len(includes) == 0 ||
		inSource && !slices.Contains(excludes, "src") && !slices.Contains(excludes, "src/") {
		return "src"
	}
	return ""
}

// selectFiles collects what goes into the wheel.
func (p *pdm) selectFiles() {
	includes, excludes := p.list("includes"), append(p.list("excludes"), ".pdm-build")
	p.packageDir = p.findPackageDir(p.list("includes"), p.list("excludes"))
	if len(includes) == 0 {
		includes = p.topPackages()
	}
	sources := p.list("source-includes")
	if len(sources) == 0 {
		sources = []string{"tests"}
	}
	in := p.expand(append(includes, sources...), "includes")
	out := p.expand(append(excludes, sources...), "excludes")
	for _, path := range sortedKeys(in) {
		if key, both := out[path]; both {
			if compareWeights(in[path], key) <= 0 {
				delete(in, path)
			} else {
				delete(out, path)
			}
		}
	}
	excluded := p.matcher(sortedKeys(out))
	for _, path := range sortedKeys(in) {
		p.include(path, excluded)
	}
	if len(p.wheel) == 0 {
		p.noModule("there is no package, and no module at the top")
	}
}

// topPackages returns the packages right in the package directory, else a pattern for its modules.
func (p *pdm) topPackages() []string {
	nodes, err := p.tree.walk(p.packageDir, func(n node) bool {
		return path.Dir(n.path) != cleanDot(p.packageDir) || !n.dir
	})
	p.fail(diag.Position{File: p.file}, err)
	var out []string
	for _, n := range nodes {
		base := path.Base(n.path)
		stubs := strings.HasSuffix(base, "-stubs") && p.tree.isFile(n.path+"/__init__.pyi")
		if base != "__pycache__" && base != "__pypackages__" && (stubs || p.tree.isFile(n.path+"/__init__.py")) {
			out = append(out, n.path)
		}
	}
	if out == nil {
		out = []string{path.Join(p.packageDir, "*.py")}
	}
	return out
}

// cleanDot is what path.Dir says of what is right in a directory.
func cleanDot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// expand returns the paths that patterns match, each with the pattern that found it.
func (p *pdm) expand(patterns []string, key string) map[string]string {
	out := map[string]string{}
	for _, pattern := range patterns {
		nodes, err := p.tree.find(pattern, true, false)
		p.fail(p.settings.KeyPos(key), err)
		for _, n := range nodes {
			if first, ok := out[n.path]; ok && compareWeights(first, pattern) != 0 {
				// pdm-backend takes either, as the order of a set has it.
				p.refusef(p.settings.KeyPos(key), "%q and %q both name %s", first, pattern, n.path)
			}
			out[n.path] = pattern
		}
	}
	return out
}

// compareWeights compares how much a pattern says: more components, then fewer wildcards.
func compareWeights(a, b string) int {
	weigh := func(s string) (parts, stars int) {
		for part := range strings.SplitSeq(path.Clean(s), "/") {
			parts++
			if part == "**" {
				stars += 2
			} else if magic(part) {
				stars++
			}
		}
		return parts, stars
	}
	aParts, aStars := weigh(a)
	bParts, bStars := weigh(b)
	if aParts != bParts {
		return aParts - bParts
	}
	return bStars - aStars
}

// matcher reports what is excluded: a path, what is below it, and what it matches as a pattern.
func (p *pdm) matcher(excludes []string) func(string) bool {
	var patterns []*regexp.Regexp
	paths := map[string]bool{}
	for _, e := range excludes {
		paths[e] = true
		if magic(e) {
			re, err := fnmatch(e)
			p.fail(p.settings.KeyPos("excludes"), err)
			patterns = append(patterns, re)
		}
	}
	return func(file string) bool {
		if p.err != nil {
			return true
		}
		return within(paths, file) || p.matchAny(patterns, file)
	}
}

// include takes a file, or what is below a directory and not excluded.
func (p *pdm) include(source string, excluded func(string) bool) {
	if p.tree.isFile(source) {
		p.wheel[p.target(source)] = source
		return
	}
	nodes, err := p.tree.walk(source, nil)
	p.fail(diag.Position{File: p.file}, err)
	for _, n := range nodes {
		if !n.dir && !strings.HasSuffix(n.path, ".pyc") && !excluded(n.path) {
			p.wheel[p.target(n.path)] = n.path
		}
	}
}

// target is the path in the wheel.
func (p *pdm) target(source string) string {
	if p.packageDir == "" {
		return source
	}
	return strings.TrimPrefix(source, p.packageDir+"/")
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// addFiles writes all files of the wheel, sorted by path.
func (p *pdm) addFiles() {
	info := p.project.stem() + ".dist-info/"
	licences := p.licenseFiles()
	made := map[string][]byte{
		info + "entry_points.txt": p.entryPoints(),
		info + "METADATA":         p.metadata(licences),
		info + "WHEEL": []byte("Wheel-Version: 1.0\nGenerator: pdm-backend (" + strings.TrimPrefix(p.kind.generator, "pdm-backend ") +
			")\nRoot-Is-Purelib: true\nTag: " + p.tag() + "\n"),
	}
	for _, file := range licences {
		p.wheel[info+"licenses/"+file] = file
	}
	for _, file := range slices.Sorted(slices.Values(append(sortedKeys(made), sortedKeys(p.wheel)...))) {
		if data, ok := made[file]; ok {
			p.addBytes(file, data, false)
		} else {
			p.addFile(file, p.wheel[file])
		}
	}
	p.finish(strings.TrimSuffix(info, "/"))
}

// tag names Python 2 if requires-python admits 2.7.
func (p *pdm) tag() string {
	specifiers, err := version.ParseSpecifiers(p.project.requiresPython)
	if err == nil && specifiers.ContainsText("2.7", false) {
		return "py2.py3-none-any"
	}
	return "py3-none-any"
}

// licenseFiles returns the files of .dist-info/licenses.
func (p *pdm) licenseFiles() []string {
	patterns := p.project.licenseFiles
	if patterns == nil && p.project.licenseFile != "" {
		file, _ := local(p.project.licenseFile)
		return []string{file}
	}
	chosen := patterns != nil
	if !chosen {
		patterns = []text{{s: "LICEN[CS]E*"}, {s: "COPYING*"}, {s: "NOTICE*"}}
	}
	var out []string
	for _, pattern := range patterns {
		if strings.Contains(pattern.s, "**") {
			p.refusef(pattern.pos, "project.license-files has ** in %q", pattern.s)
			continue
		}
		nodes, err := p.tree.glob("", pattern.s)
		p.fail(pattern.pos, err)
		nodes = slices.DeleteFunc(nodes, func(n node) bool { return n.dir })
		if len(nodes) == 0 && chosen {
			p.problemf(pattern.pos, "project.license-files: nothing matches %q", pattern.s)
		}
		for _, n := range nodes {
			out = append(out, n.path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pdmExtra is the name of an extra as pdm-backend normalizes it.
func pdmExtra(s string) string {
	return strings.ToLower(strings.NewReplacer(".", "-", "_", "-").Replace(s))
}
