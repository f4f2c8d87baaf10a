package backend

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// hatchSkipped are the directories that hatchling never looks into.
var hatchSkipped = []string{"__pycache__", ".venv", ".git", ".hg", ".hatch", ".tox", ".nox", ".ruff_cache",
	".pytest_cache", ".mypy_cache", ".pixi"}

// hatchIgnored are the files that hatchling never takes.
var hatchIgnored = []string{".DS_Store", ".git"}

// selectFiles collects the files of the wheel, in hatchling's order.
func (h *hatch) selectFiles() {
	only := h.onlyInclude
	if len(only) == 0 {
		only = h.packages
	}
	if len(only) > 0 {
		var list []inclusion
		for _, p := range only {
			clean := h.clean(p, "only-include")
			list = append(list, inclusion{clean, clean})
		}
		sortInclusions(list)
		h.chosen = h.explicit(list, true)
	} else {
		h.chosen = h.wholeProject()
	}
	for _, f := range h.force {
		h.chosen = append(h.chosen, h.forcedFiles(f)...)
	}
}

// level is a directory with what is right in it: files of a directory come before its subdirectories.
type level struct {
	dir   string
	files []string
}

// levels walks as Python's os.walk does.
func (h *hatch) levels(root string, skip func(node) bool) []level {
	nodes, err := h.tree.walk(root, func(n node) bool {
		base := path.Base(n.path)
		if n.dir {
			return slices.Contains(hatchSkipped, base) || skip != nil && skip(n)
		}
		return slices.Contains(hatchIgnored, base)
	})
	h.fail(diag.Position{File: h.file}, err)
	byDir := map[string]*level{root: {dir: root}}
	order := []*level{byDir[root]}
	for _, n := range nodes {
		if n.dir {
			byDir[n.path] = &level{dir: n.path}
			order = append(order, byDir[n.path])
		}
	}
	for _, n := range nodes {
		dir := path.Dir(n.path)
		if dir == "." {
			dir = ""
		}
		if !n.dir {
			byDir[dir].files = append(byDir[dir].files, path.Base(n.path))
		}
	}
	out := make([]level, len(order))
	for i, l := range order {
		out[i] = *l
	}
	return out
}

// wholeProject takes all files that include and exclude leave, when no directory is named.
func (h *hatch) wholeProject() []copied {
	var out []copied
	for _, l := range h.levels("", func(n node) bool {
		return h.reserved[n.path] || h.skipExcludedDirs && h.excluded(n.path+"/")
	}) {
		inPackage := slices.Contains(l.files, "__init__.py")
		for _, f := range l.files {
			p := path.Join(l.dir, f)
			if target := h.distribution(p); !h.reserved[target] && h.takes(p, false, inPackage) {
				out = append(out, copied{p, target})
			}
		}
	}
	return out
}

// explicit takes the files of named paths. A named file is taken whatever exclude says.
func (h *hatch) explicit(list []inclusion, mayMiss bool) []copied {
	var out []copied
	for _, in := range list {
		if h.tree.isFile(in.source) {
			if target := h.distribution(in.target); !h.reserved[target] {
				out = append(out, copied{in.source, target})
			}
			continue
		}
		if !h.tree.isDir(in.source) {
			if !mayMiss {
				h.fail(diag.Position{File: h.file}, treeErrorf("there is no file or directory %s", in.source))
			}
			continue // hatchling is silent about it
		}
		for _, l := range h.levels(in.source, nil) {
			inPackage := slices.Contains(l.files, "__init__.py")
			for _, f := range l.files {
				below := strings.TrimPrefix(strings.TrimPrefix(path.Join(l.dir, f), in.source), "/")
				relative := path.Join(in.target, below)
				if target := h.distribution(relative); !h.reserved[target] && h.takes(relative, true, inPackage) {
					out = append(out, copied{path.Join(l.dir, f), target})
				}
			}
		}
	}
	return out
}

// forcedFiles takes all files of a forced inclusion.
func (h *hatch) forcedFiles(in inclusion) []copied {
	if h.tree.isFile(in.source) {
		return []copied{{in.source, h.distribution(in.target)}}
	}
	if !h.tree.isDir(in.source) {
		h.fail(h.table("force-include").KeyPos("force-include"), treeErrorf("there is no file or directory %s", in.source))
		return nil
	}
	var out []copied
	for _, l := range h.levels(in.source, nil) {
		for _, f := range l.files {
			below := strings.TrimPrefix(strings.TrimPrefix(path.Join(l.dir, f), in.source), "/")
			if target := h.distribution(path.Join(in.target, below)); !h.reserved[target] {
				out = append(out, copied{path.Join(l.dir, f), target})
			}
		}
	}
	return out
}

// takes decides about a file: artifacts always, else what is not excluded and, unless it is named, included.
func (h *hatch) takes(p string, named, inPackage bool) bool {
	if h.ignored(h.artifacts, p) {
		return true
	}
	return (!h.inPackages || inPackage) && !h.excluded(p) && (named || !h.hasInclude || h.ignored(h.include, p))
}

// excluded reports what exclude, .gitignore or the defaults leave out.
func (h *hatch) excluded(p string) bool { return h.excludeAll || h.ignored(h.exclude, p) }

// cheap is how many comparisons of beginnings count for one with a pattern.
const cheap = 16

// distribution rewrites a path by the first source that it begins with.
func (h *hatch) distribution(p string) string {
	if !h.spend(1 + len(h.sources)/cheap) {
		return p
	}
	for _, s := range h.sources {
		if rest, ok := strings.CutPrefix(p, s.from); ok {
			return s.to + rest
		}
	}
	return p
}

// hatchShebang is a first line that runs Python, in whatever place.
var hatchShebang = lazyregexp.New(`(?s)^#!.*(?:pythonw?|pypyw?)[0-9.]*(.*)`)

// addScript adds a script; a first line that runs Python becomes the one that installers replace.
func (h *hatch) addScript(target, source string) {
	const longest = 256 // what the kernel reads of a first line
	f, err := h.tree.file(source)
	if err != nil || f.Size > maxText {
		h.fail(diag.Position{File: h.file}, err)
		h.addFile(target, source)
		return
	}
	data, err := h.readAll(f.Content)
	h.fail(diag.Position{File: h.file}, err)
	line, rest, newline := strings.Cut(string(data), "\n")
	if newline {
		line += "\n"
	}
	m := hatchShebang.FindStringSubmatch(line)
	if m == nil || len(line) > longest || !utf8.ValidString(line) {
		h.addFile(target, source)
		return
	}
	h.addBytes(target, []byte("#!python"+m[1]+rest), f.Executable)
}

// itoa keeps the loops over versions short.
func itoa(n int) string { return strconv.Itoa(n) }
