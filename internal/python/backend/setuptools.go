package backend

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildSetuptools makes a wheel by the rules of setuptools, from pyproject.toml or from setup.cfg.
// See https://setuptools.pypa.io/en/latest/userguide/.
func buildSetuptools(b *build) {
	s := &setuptools{build: b, project: &project{}, wheel: map[string]copying{}, made: map[string][]byte{},
		packageDir: map[string]string{}, packageData: map[string][]string{}, excludeData: map[string][]string{}}
	s.readSetupPy()
	s.readConfig()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	if s.discover(); len(b.problems) > 0 || b.err != nil {
		return
	}
	s.resolveVersion()
	b.identity(s.project, s.project.table.KeyPos("name"), s.versionPos)
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	s.selectFiles()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	s.addFiles()
}

// setuptools is a build by setuptools. What both kinds of configuration say is in the same fields.
type setuptools struct {
	*build
	project *project // name and version
	meta    setupMetadata
	cfg     *iniFile // setup.cfg, nil without one

	versionPos      diag.Position
	versionAttr     string // package.module.attribute, "" for a version that stands in the configuration
	packages        []string
	modules         []string
	discoverable    bool // neither packages nor modules are said
	packageDir      map[string]string
	packageData     map[string][]string
	excludeData     map[string][]string
	includeData     bool
	dataFiles       []dataFiles
	scripts         []text
	zipSafe         bool
	universal       bool
	licensePatterns []text   // nil for the defaults
	referenced      []string // files that the configuration names, which setuptools counts as part of the sources

	wheel map[string]copying // files of the project by their path in the wheel
	made  map[string][]byte  // files that are made
}

// copying is a file of the project, and whether its copy may be executable.
type copying struct {
	source string
	module bool // which loses its mode, and wins over data
}

// dataFiles are files for a directory of the installation.
type dataFiles struct {
	dir      string
	patterns []text
}

// trivialSetup are the statements of a setup.py that says nothing.
var trivialSetup = []string{"from __future__ import annotations", "import setuptools", "from setuptools import setup", "setup ( )", "setuptools . setup ( )",
	`if __name__ == "__main__" : setup ( )`, `if __name__ == "__main__" : setuptools . setup ( )`}

// mainGuard is the usual condition around the call, whose body stands on the next line.
var mainGuard = lazyregexp.New(`(?m)^(if\s+__name__\s*==\s*["']__main__["']\s*:)(?:[ \t]*(?:#.*)?\n)+[ \t]+`)

// readSetupPy refuses a setup.py that does more than call setup().
func (s *setuptools) readSetupPy() {
	if !s.tree.isFile("setup.py") {
		return
	}
	pos := diag.Position{File: s.beside("setup.py"), Line: 1}
	src := universalNewlines(s.readText("setup.py", pos))
	if len(src) <= maxModule {
		src = mainGuard.ReplaceAllString(src, "$1 ")
	}
	m := readModule(src)
	trivial := m.OK && !m.Indented
	_, isDoc := m.Docstring()
	for i, statement := range m.Statements {
		trivial = trivial && (i == 0 && isDoc || slices.Contains(trivialSetup, statement.Quoted()))
	}
	if !trivial {
		s.refuse(pos, "dynamic-setup-py", "move what it says to pyproject.toml", "setup.py does more than call setup()")
	}
}

// beside returns the name of a file that stands where pyproject.toml does.
func (s *setuptools) beside(file string) string { return path.Join(path.Dir(s.file), file) }

// readConfig reads the one of the two files that configures the project.
func (s *setuptools) readConfig() {
	if s.tree.isFile("setup.cfg") {
		pos := diag.Position{File: s.beside("setup.cfg")}
		var err error
		if s.cfg, err = parseINI(pos.File, s.readText("setup.cfg", pos)); err != nil {
			s.fail(pos, err)
			return
		}
	}
	s.readCommands()
	cfg := s.cfg.configures()
	settings := s.doc.Table("tool", "setuptools")
	switch {
	case s.doc.Has("project") && s.cfg.onlyLicence():
		s.readPyproject(settings)
		s.cfgLicence()
	case cfg != nil && (s.doc.Has("project") || settings != nil):
		s.refusef(cfg.pos, "setup.cfg has [%s] beside pyproject.toml", cfg.name)
	case s.doc.Has("project"):
		s.readPyproject(settings)
	case cfg != nil:
		s.readSetupCfg()
	default:
		s.noModule("neither pyproject.toml nor setup.cfg describes a distribution")
	}
}

// readPyproject reads [project] and [tool.setuptools].
func (s *setuptools) readPyproject(t *toml.Table) {
	const where = "tool.setuptools"
	p := s.readProject("version", "readme", "dependencies", "optional-dependencies", "description", "classifiers")
	s.project, s.versionPos = p, p.table.KeyPos("version")
	s.only(t, where, "packages", "py-modules", "package-dir", "package-data", "exclude-package-data", "include-package-data",
		"data-files", "script-files", "license-files", "zip-safe", "platforms", "dynamic")
	s.meta = s.projectMetadata(p)
	s.includeData = s.flag(t, where, "include-package-data", true)
	s.zipSafe = s.flag(t, where, "zip-safe", false)
	s.meta.platforms = s.plain(t, where, "platforms")
	s.scripts = s.strs(t, where, "script-files")
	s.licensePatterns = p.licenseFiles
	if t.Has("license-files") {
		s.licensePatterns = s.strs(t, where, "license-files")
	}
	for _, p := range s.pairs(t, where, "package-dir") {
		s.setPackageDir(p.key, p.value, p.pos)
	}
	s.packageData, s.excludeData = s.dataPatterns(t, "package-data"), s.dataPatterns(t, "exclude-package-data")
	for _, dir := range t.Table("data-files").Keys() {
		s.dataFiles = append(s.dataFiles, dataFiles{dir, s.strs(t.Table("data-files"), where+".data-files", dir)})
	}
	s.discoverable = !t.Has("packages") && !t.Has("py-modules")
	s.modules = s.plain(t, where, "py-modules")
	s.readPackages(t)
	s.readDynamic(t.Table("dynamic"))
}

// plain returns strings without their places.
func (b *build) plain(t *toml.Table, name, key string) []string {
	var out []string
	for _, s := range b.strs(t, name, key) {
		out = append(out, s.s)
	}
	return out
}

// setPackageDir notes where a package is.
func (s *setuptools) setPackageDir(name, dir string, pos diag.Position) {
	clean, ok := local(dir)
	if !ok || clean == "" && name != "" {
		s.refusef(pos, "the directory of the package %q is %q", name, dir)
	}
	s.packageDir[name] = clean
}

// dataPatterns reads patterns by package; "*" is any package.
func (s *setuptools) dataPatterns(t *toml.Table, key string) map[string][]string {
	out := map[string][]string{}
	for _, name := range t.Table(key).Keys() {
		patterns := s.plain(t.Table(key), "tool.setuptools."+key, name)
		if name == "*" {
			name = ""
		}
		out[name] = patterns
	}
	return out
}

// readPackages reads the list of packages, or the table that says how to find them.
func (s *setuptools) readPackages(t *toml.Table) {
	v := t.Value("packages")
	table, ok := v.AsTable()
	if !ok {
		s.packages = s.plain(t, "tool.setuptools", "packages")
		return
	}
	s.only(table, "tool.setuptools.packages", "find")
	find, where := table.Table("find"), "tool.setuptools.packages.find"
	s.only(find, where, "where", "include", "exclude", "namespaces")
	roots := s.plain(find, where, "where")
	if !find.Has("where") {
		roots = []string{""}
	}
	f := finder{include: s.plain(find, where, "include"), exclude: s.plain(find, where, "exclude"),
		namespaces: s.flag(find, where, "namespaces", true), pos: v.Pos}
	if !find.Has("include") {
		f.include = []string{"*"}
	}
	s.findIn(roots, f)
}

// commands are the sections of setup.cfg whose options change what a wheel holds.
var commands = []string{"global", "build", "build_py", "build_ext", "build_clib", "build_scripts", "install", "install_lib",
	"install_data", "install_scripts", "install_headers", "install_egg_info", "dist_info", "bdist"}

// readCommands reads what setup.cfg and [tool.distutils] say of commands.
func (s *setuptools) readCommands() {
	for _, section := range s.cfg.sections() {
		for _, o := range section.options {
			s.readCommand("setup.cfg", section.name, o)
		}
	}
	tool := s.doc.Table("tool", "distutils")
	for _, name := range tool.Keys() {
		t := tool.Table(name)
		for _, key := range t.Keys() {
			o := &iniOption{key: key, pos: t.KeyPos(key)}
			o.value, _ = t.Value(key).Str()
			if on, ok := t.Value(key).Bool(); ok {
				o.value = strconv.FormatBool(on)
			}
			s.readCommand("tool.distutils", strings.ReplaceAll(name, "-", "_"), o)
		}
	}
}

// readCommand refuses an option that changes the wheel.
func (s *setuptools) readCommand(file, command string, o *iniOption) {
	key, value := strings.ReplaceAll(o.key, "-", "_"), strings.ToLower(o.value)
	no := slices.Contains([]string{"", "0", "false", "no"}, value)
	switch {
	case key == "universal" && (command == "bdist_wheel" || command == "wheel"):
		s.universal = s.universal || o.flag()
	case command == "egg_info" && no && slices.Contains([]string{"tag_build", "tag_date", "tag_svn_revision"}, key):
	case command == "egg_info", command == "bdist_wheel", slices.Contains(commands, command):
		s.refusef(o.pos, "%s sets %q of the command %s", file, o.key, command)
	}
}

// addFiles writes the wheel in the order of the wheel package: a walk with sorted names, with the files right in
// .dist-info at the end.
func (s *setuptools) addFiles() {
	info := s.project.stem() + ".dist-info"
	licences := s.licenseFiles()
	for _, file := range licences {
		s.wheel[info+"/licenses/"+file] = copying{source: file}
	}
	s.addData()
	s.made[info+"/METADATA"] = s.metadata(licences)
	s.made[info+"/WHEEL"] = []byte("Wheel-Version: 1.0\nGenerator: setuptools (" + strings.TrimPrefix(s.kind.generator, "setuptools ") +
		")\nRoot-Is-Purelib: true\n" + s.tags() + "\n")
	s.made[info+"/top_level.txt"] = s.topLevel()
	if text := s.meta.entryPoints(); text != "" {
		s.made[info+"/entry_points.txt"] = []byte(text)
	}
	if s.zipSafe {
		s.made[info+"/zip-safe"] = []byte("\n")
	}
	all := slices.Concat(slices.Collect(maps.Keys(s.wheel)), slices.Collect(maps.Keys(s.made)))
	slices.SortFunc(all, func(a, b string) int {
		if last := path.Dir(a) == info; last != (path.Dir(b) == info) {
			return map[bool]int{true: 1, false: -1}[last]
		}
		return compareWalk(a, b)
	})
	for _, file := range all {
		if data, ok := s.made[file]; ok {
			s.addBytes(file, data, strings.HasPrefix(file, s.project.stem()+".data/scripts/"))
			continue
		}
		c, never := s.wheel[file], false
		if executable := &never; c.module {
			s.addCopy(file, c.source, executable)
		} else {
			s.addFile(file, c.source)
		}
	}
	s.finish(info)
}

// tags returns the lines of WHEEL.
func (s *setuptools) tags() string {
	if s.universal {
		return "Tag: py2-none-any\nTag: py3-none-any\n"
	}
	return "Tag: py3-none-any\n"
}

// compareWalk orders paths as os.walk does with sorted names: what is right in a directory before its directories.
func compareWalk(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if fileA, fileB := i == len(as)-1, i == len(bs)-1; fileA != fileB {
			return map[bool]int{true: -1, false: 1}[fileA]
		}
		if d := strings.Compare(as[i], bs[i]); d != 0 {
			return d
		}
	}
	return 0
}

// topLevel lists what can be imported.
func (s *setuptools) topLevel() []byte {
	var names []string
	for _, p := range slices.Concat(s.packages, s.modules) {
		name, _, _ := strings.Cut(p, ".")
		names = append(names, name)
	}
	slices.Sort(names)
	return []byte(strings.Join(slices.Compact(names), "\n") + "\n")
}
