package backend

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildUV makes a wheel by the rules of uv_build.
// See https://docs.astral.sh/uv/concepts/build-backend/.
func buildUV(b *build) {
	p := b.readProject()
	b.identity(p, p.table.KeyPos("name"), p.table.KeyPos("version"))
	if len(b.problems) > 0 {
		return
	}
	u := &uv{build: b, project: p, settings: b.doc.Table("tool", "uv", "build-backend")}
	u.readSettings()
	roots := u.roots()
	if b.err != nil || len(b.problems) > 0 {
		return
	}
	for _, root := range roots {
		u.addModule(root)
	}
	licenses := u.licenseFiles()
	for _, file := range licenses {
		b.addFile(p.stem()+".dist-info/licenses/"+file, file)
	}
	u.addData()
	info := p.stem() + ".dist-info/"
	b.addBytes(info+"WHEEL", []byte("Wheel-Version: 1.0\nGenerator: "+b.kind.generator+
		"\nRoot-Is-Purelib: true\nTag: py3-none-any\n"), false)
	if text, ok := u.entryPoints(); ok {
		b.addBytes(info+"entry_points.txt", []byte(text), false)
	}
	b.addBytes(info+"METADATA", u.metadata(licenses), false)
	b.finish(p.stem() + ".dist-info")
}

// uv is a build by uv_build.
type uv struct {
	*build
	project  *project
	settings *toml.Table // tool.uv.build-backend

	prune   []*regexp.Regexp // excludes that may begin anywhere; a directory goes with all that is in it
	exclude []*regexp.Regexp // excludes from the root of the project, of single paths only
}

const uvSettings = "tool.uv.build-backend"

// readSettings reads the excludes. source-include concerns source distributions only.
func (u *uv) readSettings() {
	u.only(u.settings, uvSettings, "module-root", "module-name", "namespace", "default-excludes", "source-include",
		"source-exclude", "wheel-exclude", "data")
	var patterns []text
	if u.flag(u.settings, uvSettings, "default-excludes", true) {
		patterns = []text{{s: "__pycache__"}, {s: "*.pyc"}, {s: "*.pyo"}}
	}
	patterns = append(patterns, u.strs(u.settings, uvSettings, "wheel-exclude")...)
	patterns = append(patterns, u.strs(u.settings, uvSettings, "source-exclude")...)
	for _, pattern := range patterns {
		anchored, isAnchored := strings.CutPrefix(pattern.s, "/")
		if !isAnchored {
			anchored = "**/" + pattern.s
		}
		re, err := portableGlob(anchored, true)
		if err != nil {
			u.problemf(pattern.pos, "%v", err)
		} else if isAnchored {
			u.exclude = append(u.exclude, re)
		} else {
			u.prune = append(u.prune, re)
		}
	}
}

// roots returns the directories of the modules, relative to the project, and thereby checks that they are modules.
func (u *uv) roots() []string {
	root := "src"
	if u.settings.Has("module-root") {
		root = u.str(u.settings, uvSettings, "module-root")
	}
	clean, ok := local(root)
	if !ok {
		u.problemf(u.settings.KeyPos("module-root"), "%s.module-root leads out of the project", uvSettings)
		return nil
	}
	namespace := u.flag(u.settings, uvSettings, "namespace", false)
	if !u.settings.Has("module-name") {
		return []string{u.defaultRoot(clean, namespace)}
	}
	var out []string
	for _, module := range pruneModules(u.moduleNames()) {
		if !namespace {
			u.checkModule(clean, module)
		}
		out = append(out, path.Join(clean, strings.ReplaceAll(module, ".", "/")))
	}
	return out
}

// defaultRoot is the module that has the project's name. Projects named x-stubs hold stubs for x.
func (u *uv) defaultRoot(root string, namespace bool) string {
	normal := name.Normalize(u.project.name)
	module, init := strings.ReplaceAll(normal, "-", "_"), "__init__.py"
	if stem, ok := strings.CutSuffix(normal, "-stubs"); ok && !namespace {
		module, init = strings.ReplaceAll(stem, "-", "_")+"-stubs", "__init__.pyi"
	}
	dir := path.Join(root, module)
	switch {
	case namespace && !u.tree.isDir(dir):
		u.noModule("there is no directory %s", dir)
	case !namespace && !u.tree.isFile(dir+"/"+init):
		u.noModule("there is no file %s/%s", dir, init)
	}
	return dir
}

// moduleNames reads module-name, a string or a list.
func (u *uv) moduleNames() []string {
	v := u.settings.Value("module-name")
	if one, ok := v.Str(); ok {
		return []string{one}
	}
	var out []string
	for _, s := range u.strs(u.settings, uvSettings, "module-name") {
		out = append(out, s.s)
	}
	return out
}

// pruneModules sorts, and drops modules that are inside others.
func pruneModules(names []string) []string {
	var out []string
	for _, n := range slices.Sorted(slices.Values(names)) {
		if len(out) == 0 || n != out[len(out)-1] && !strings.HasPrefix(n, out[len(out)-1]+".") {
			out = append(out, n)
		}
	}
	return out
}

var identifier = lazyregexp.New(`^[\p{L}_][\p{L}\p{M}\p{N}_]*$`)

// checkModule checks a module that the configuration names: identifiers, an __init__ file at the end of the path and
// none above it.
func (u *uv) checkModule(root, module string) {
	pos := u.settings.KeyPos("module-name")
	parts := strings.Split(module, ".")
	init := "__init__.py"
	for i, part := range parts {
		if stem, ok := strings.CutSuffix(part, "-stubs"); ok && i == 0 {
			part, init = stem, "__init__.pyi"
		}
		if !identifier.MatchString(part) {
			u.problemf(pos, "%s.module-name: %q is not a module", uvSettings, module)
			return
		}
	}
	dir := path.Join(root, strings.Join(parts, "/"))
	if !u.tree.isFile(path.Join(dir, init)) {
		u.problemf(pos, "%s.module-name: there is no file %s/%s", uvSettings, dir, init)
	}
	for range parts[1:] {
		dir = path.Dir(dir)
		if u.tree.isFile(dir+"/__init__.py") || u.tree.isFile(dir+"/__init__.pyi") {
			u.problemf(pos, "%s.module-name: %s is no namespace, it has an __init__ file", uvSettings, dir)
		}
	}
}

// matchAny reports whether one of the patterns matches.
func (b *build) matchAny(list []*regexp.Regexp, p string) bool {
	return slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return b.spend(effort(re, p)) && re.MatchString(p) })
}

// effort is what a comparison counts for: one where both are short.
func effort(re *regexp.Regexp, p string) int {
	const short = 64
	return (1 + len(re.String())/short) * (1 + len(p)/short)
}

// spend counts comparisons; false means that there were too many, and that the build has failed.
func (b *build) spend(n int) bool {
	err := b.tree.spend(n)
	b.fail(diag.Position{File: b.file}, err)
	return err == nil
}

// addModule adds what is below a module. Names stay relative to the module root.
func (u *uv) addModule(dir string) {
	root, _ := local(u.str(u.settings, uvSettings, "module-root"))
	if !u.settings.Has("module-root") {
		root = "src"
	}
	nodes, err := u.tree.walk(dir, func(n node) bool { return u.matchAny(u.prune, n.path) })
	u.fail(u.settings.KeyPos("module-name"), err)
	for _, n := range nodes {
		u.refuseVenv(n)
		if !n.dir && !u.matchAny(u.exclude, n.path) {
			u.addFile(strings.TrimPrefix(strings.TrimPrefix(n.path, root), "/"), n.path)
		}
	}
}

// refuseVenv refuses a virtual environment inside of a module, as uv_build does.
func (u *uv) refuseVenv(n node) {
	if path.Base(n.path) == "pyvenv.cfg" {
		u.fail(diag.Position{File: u.file}, treeErrorf("%s is a virtual environment", path.Dir(n.path)))
	}
}

// addData adds the directories that go to the other schemes of an installation.
func (u *uv) addData() {
	data := u.settings.Table("data")
	u.only(data, uvSettings+".data", "purelib", "platlib", "headers", "scripts", "data")
	for _, scheme := range []string{"purelib", "platlib", "headers", "scripts", "data"} {
		if !data.Has(scheme) {
			continue
		}
		dir, ok := local(u.str(data, uvSettings+".data", scheme))
		if !ok || !u.tree.isDir(dir) {
			u.problemf(data.KeyPos(scheme), "%s.data.%s is not a directory of the project", uvSettings, scheme)
			continue
		}
		nodes, err := u.tree.walk(dir, func(n node) bool { return u.matchAny(u.prune, n.path) || u.matchAny(u.exclude, n.path) })
		u.fail(data.KeyPos(scheme), err)
		for _, n := range nodes {
			u.refuseVenv(n)
			if !n.dir {
				below := strings.TrimPrefix(strings.TrimPrefix(n.path, dir), "/")
				u.addFile(u.project.stem()+".data/"+scheme+"/"+below, n.path)
			}
		}
	}
}

// licenseFiles returns what project.license-files matches, sorted.
func (u *uv) licenseFiles() []string {
	var all []string
	for _, pattern := range u.project.licenseFiles {
		if strings.Contains(pattern.s, "**") {
			// Its directory filter takes every file for a directory that may hold a match, and so includes it.
			u.refusef(pattern.pos, "project.license-files has ** in %q", pattern.s)
			continue
		}
		re, err := portableGlob(pattern.s, false)
		if err != nil {
			u.problemf(pattern.pos, "%v", err)
			continue
		}
		nodes, err := u.tree.walk("", shallow("", strings.Split(pattern.s, "/")))
		u.fail(pattern.pos, err)
		before := len(all)
		for _, n := range nodes {
			if !n.dir && re.MatchString(n.path) {
				_, err := u.tree.read(n.path)
				u.fail(pattern.pos, err)
				all = append(all, n.path)
			}
		}
		if len(all) == before {
			u.problemf(pattern.pos, "project.license-files: nothing matches %q", pattern.s)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
