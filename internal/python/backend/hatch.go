package backend

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// buildHatch makes a wheel by the rules of hatchling. See https://hatch.pypa.io/latest/config/build/.
func buildHatch(b *build) {
	p := b.readProject("version")
	h := &hatch{build: b, project: p}
	h.readVersion()
	b.identity(p, p.table.KeyPos("name"), p.table.KeyPos("version"))
	h.readConfig()
	if len(b.problems) > 0 || b.err != nil {
		return
	}
	h.selectFiles()
	if b.err != nil {
		return
	}
	for _, f := range h.chosen {
		b.addFile(f.target, f.source)
	}
	data := p.stem() + ".data/"
	for _, f := range h.explicit(h.forced("shared-data"), false) {
		b.addFile(data+"data/"+f.target, f.source)
	}
	for _, f := range h.explicit(h.forced("shared-scripts"), false) {
		h.addScript(data+"scripts/"+f.target, f.source)
	}
	h.addMetadata(p.stem() + ".dist-info")
}

// hatch is a build by hatchling.
type hatch struct {
	*build
	project *project
	global  *toml.Table // tool.hatch.build
	target  *toml.Table // tool.hatch.build.targets.wheel

	exclude, artifacts, include  []ignorePattern
	hasInclude, excludeAll       bool
	packages, onlyInclude        []string
	sources                      []source
	force                        []inclusion
	reserved                     map[string]bool
	skipExcludedDirs, inPackages bool
	chosen                       []copied
}

// source is a rewritten beginning of paths.
type source struct{ from, to string }

// inclusion maps a path of the project to a path in the wheel.
type inclusion struct{ source, target string }

// copied is a file of the project and its path in the wheel.
type copied struct{ source, target string }

const hatchBuild, hatchWheel = "tool.hatch.build", "tool.hatch.build.targets.wheel"

// readConfig reads tool.hatch. What concerns other commands of hatch has no effect on a wheel.
func (h *hatch) readConfig() {
	if h.tree.isFile("hatch.toml") {
		h.refusef(diag.Position{File: "hatch.toml", Line: 1}, "hatch.toml configures the build")
	}
	tool := h.doc.Table("tool", "hatch")
	h.only(tool, "tool.hatch", "build", "metadata", "envs", "env", "publish", "version", "workspace", "dev", "scripts")
	h.only(tool.Table("metadata"), "tool.hatch.metadata", "allow-direct-references", "allow-ambiguous-features")
	h.global = tool.Table("build")
	h.target = h.global.Table("targets", "wheel")
	shared := []string{"include", "exclude", "packages", "only-include", "sources", "force-include", "artifacts",
		"ignore-vcs", "skip-excluded-dirs", "only-packages", "directory", "dev-mode-dirs", "dev-mode-exact",
		"dependencies", "require-runtime-dependencies", "require-runtime-features"}
	h.only(h.global, hatchBuild, append(shared, "targets")...)
	h.only(h.target, hatchWheel, append(shared, "shared-data", "shared-scripts", "extra-metadata", "bypass-selection",
		"macos-max-compat")...)
	h.checkTypes()
	h.skipExcludedDirs, h.inPackages = h.setting("skip-excluded-dirs"), h.setting("only-packages")
	h.force = h.forced("force-include")
	if h.choosePackages(); h.err != nil {
		return
	}
	h.readSources()
	h.readPatterns()
	h.reserved = map[string]bool{}
	for _, f := range h.force {
		h.reserved[h.distribution(f.source)] = true
	}
}

// checkTypes reports values of the wrong type once, so that the readers below need not.
func (h *hatch) checkTypes() {
	for _, key := range []string{"include", "exclude", "packages", "only-include", "artifacts"} {
		h.strs(h.global, hatchBuild, key)
		h.strs(h.target, hatchWheel, key)
	}
	for _, key := range []string{"ignore-vcs", "skip-excluded-dirs", "only-packages", "bypass-selection"} {
		h.flag(h.global, hatchBuild, key, false)
		h.flag(h.target, hatchWheel, key, false)
	}
}

// hatchVersion is where hatchling finds a version in a file unless a pattern says otherwise.
var hatchVersion = lazyregexp.New(`(?im)^(?:__version__|VERSION) *= *(?:"v?(.+?)"|'v?(.+?)')`)

// readVersion reads a dynamic version from a file. Other sources run code or ask version control.
func (h *hatch) readVersion() {
	t, where := h.doc.Table("tool", "hatch", "version"), "tool.hatch.version"
	if h.project.table.Has("version") || !slices.Contains(h.project.table.Strings("dynamic"), "version") {
		return
	}
	h.project.refusedVersion = true
	pos := h.project.table.KeyPos("dynamic")
	if source := h.str(t, where, "source"); t.Has("source") && source != "regex" || t.Has("pattern") || !t.Has("path") {
		h.refuse(pos, "unsupported-backend-key", "lithe reads a version from tool.hatch.version.path, without a pattern",
			"project.dynamic lists %q, and %s does not name a file alone", "version", where)
		return
	}
	h.only(t, where, "path", "source", "scheme", "validate-bump")
	file := h.str(t, where, "path")
	m := hatchVersion.FindStringSubmatch(universalNewlines(h.readText(file, t.KeyPos("path"))))
	if m == nil {
		h.problemf(t.KeyPos("path"), "%s.path: no version is assigned in %s", where, file)
		return
	}
	h.project.versionText = strings.TrimSpace(m[1] + m[2])
}

// table returns the table that decides about a key: the target's, if it has the key, else the global one.
func (h *hatch) table(key string) *toml.Table {
	if h.target.Has(key) {
		return h.target
	}
	return h.global
}

// setting returns a boolean; its type was checked before.
func (h *hatch) setting(key string) bool {
	value, _ := h.table(key).Bool(key)
	return value
}

// list returns strings; their types were checked before.
func (h *hatch) list(key string) []string { return h.table(key).Strings(key) }

// choosePackages applies the default file selection when nothing is selected.
func (h *hatch) choosePackages() {
	h.packages, h.onlyInclude = h.list("packages"), h.list("only-include")
	if len(h.list("include")) > 0 || len(h.packages) > 0 || len(h.onlyInclude) > 0 {
		return
	}
	tried := []string{}
	for _, raw := range []string{h.project.name, name.Normalize(h.project.name)} {
		module := hatchComponent.ReplaceAllString(raw, "_")
		if h.choose(module) {
			return
		}
		tried = append(tried, module)
	}
	if bypass, _ := h.target.Bool("bypass-selection"); bypass || len(h.force) > 0 {
		h.excludeAll = true
		return
	}
	h.noModule("there is no directory or file named %s", strings.Join(slices.Compact(tried), " or "))
}

// hatchComponent is what may not stand in a part of a wheel's file name.
var hatchComponent = lazyregexp.New(`[^\p{L}\p{M}\p{N}_.]+`)

// choose looks for a module in the places where hatchling does.
func (h *hatch) choose(module string) bool {
	switch {
	case h.tree.isFile(module + "/__init__.py"):
		h.packages = []string{module}
	case h.tree.isFile("src/" + module + "/__init__.py"):
		h.packages = []string{"src/" + module}
	case h.tree.isFile(module + ".py"):
		h.onlyInclude = []string{module + ".py"}
	default:
		found, err := h.tree.glob("", "*/"+module+"/__init__.py")
		h.fail(diag.Position{File: h.file}, err)
		found = slices.DeleteFunc(found, func(n node) bool { return n.path[0] == '.' })
		if len(found) != 1 {
			return false
		}
		namespace, _, _ := strings.Cut(found[0].path, "/")
		h.packages = []string{namespace}
	}
	return true
}

// readSources reads the rewritings of paths; packages below a directory bring their own.
func (h *hatch) readSources() {
	rewrite := map[string]string{}
	v := h.table("sources").Value("sources")
	if list, ok := v.AsTable(); ok && h.few(v.Pos, hatchWheel, "sources", len(list.Keys())) {
		for _, from := range list.Keys() {
			to := path.Clean(list.String(from)) + "/"
			if to == "./" {
				to = ""
			}
			rewrite[directory(from)] = to
		}
	}
	for _, from := range h.table("sources").Strings("sources") {
		rewrite[directory(from)] = ""
	}
	for i, p := range h.packages {
		h.packages[i] = h.clean(p, "packages")
		dir := path.Dir(h.packages[i])
		if _, ok := rewrite[h.packages[i]+"/"]; !ok && dir != "." {
			rewrite[dir+"/"] = ""
		}
	}
	for from, to := range rewrite {
		h.sources = append(h.sources, source{from, to})
	}
	slices.SortFunc(h.sources, func(a, b source) int { return strings.Compare(a.from, b.from) })
}

// directory normalizes the name of a directory, with a slash at its end; "" stays.
func directory(p string) string {
	if p == "" {
		return ""
	}
	return strings.Trim(path.Clean(p), "/") + "/"
}

// clean normalizes a path that a key names, and refuses one out of the project.
func (h *hatch) clean(p, key string) string {
	clean, ok := local(strings.Trim(p, "/"))
	if !ok || strings.HasPrefix(p, "~") || clean == "" {
		h.refusef(h.table(key).KeyPos(key), "%s names %q, which is not below the project", key, p)
	}
	return clean
}

// readPatterns reads include, exclude and artifacts, and the .gitignore of the project.
func (h *hatch) readPatterns() {
	lines := []string{"*.py[cdo]", "/dist"}
	if !h.setting("ignore-vcs") {
		if h.tree.isFile(".hgignore") {
			h.refusef(diag.Position{File: ".hgignore", Line: 1}, ".hgignore excludes files")
		}
		if h.tree.isFile(".gitignore") {
			lines = append(lines, strings.Split(h.readText(".gitignore", diag.Position{File: ".gitignore"}), "\n")...)
		}
	}
	h.exclude = h.patterns("exclude", append(lines, h.list("exclude")...))
	h.artifacts = h.patterns("artifacts", h.list("artifacts"))
	include := h.list("include")
	for _, p := range h.packages {
		include = append(include, "/"+p+"/")
	}
	h.include, h.hasInclude = h.patterns("include", include), len(include) > 0
}

// patterns reads lines in the language of .gitignore, which hatchling uses for all its selections.
func (h *hatch) patterns(key string, lines []string) []ignorePattern {
	out, err := h.tree.parseIgnore(lines)
	if err != nil {
		h.fail(h.table(key).KeyPos(key), err)
	}
	return out
}

// forced reads a table of inclusions, in the order in which hatchling copies: by depth, then name of the target.
func (h *hatch) forced(key string) []inclusion {
	t := h.table(key)
	if key != "force-include" {
		t = h.target
	}
	var out []inclusion
	for _, p := range h.pairs(t, hatchWheel, key) {
		from, ok := local(p.key)
		if !ok || strings.HasPrefix(p.key, "~") {
			h.refusef(p.pos, "%s.%s names %q, which is outside of the project", hatchWheel, key, p.key)
			continue
		}
		out = append(out, inclusion{from, strings.Trim(path.Clean(p.value), "/")})
	}
	sortInclusions(out)
	return out
}

// sortInclusions gives the order in which hatchling writes, and so the order of RECORD.
func sortInclusions(list []inclusion) {
	slices.SortStableFunc(list, func(a, b inclusion) int {
		if d := strings.Count(a.target, "/") - strings.Count(b.target, "/"); d != 0 {
			return d
		}
		if d := strings.Compare(a.target, b.target); d != 0 {
			return d
		}
		return strings.Compare(a.source, b.source)
	})
}

// defaultTag names the Python major versions that requires-python admits.
func (h *hatch) defaultTag() []string {
	specifiers, _ := version.ParseSpecifiers(h.project.requiresPython)
	var tags []string
	for _, major := range []string{"2", "3"} {
		for minor := range 100 {
			// A high patch version admits what ">=3.11.4" does; narrower ranges than that are not worth the search.
			v := version.MustParse(major + "." + itoa(minor) + ".100")
			if specifiers.Contains(v, false) {
				tags = append(tags, "py"+major+"-none-any")
				break
			}
		}
	}
	if tags == nil {
		h.refusef(h.project.table.KeyPos("requires-python"), "project.requires-python is %q", h.project.requiresPython)
	}
	return tags
}
