package backend

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// manifestRule is a line of MANIFEST.in, one for each of its patterns.
// See https://setuptools.pypa.io/en/latest/userguide/miscellaneous.html#controlling-files-in-the-distribution.
type manifestRule struct {
	include bool
	glob    *pathGlob
}

// maxManifestRules is how many patterns a MANIFEST.in may have; real ones have some dozens, and each is held against every file.
const maxManifestRules = 2_000

// parseManifest reads MANIFEST.in. Lines that setuptools warns of and passes over are passed over.
func parseManifest(data string) ([]manifestRule, error) {
	var out []manifestRule
	for _, line := range manifestLines(universalNewlines(data)) {
		words := strings.Fields(line)
		dir, patterns := "", words[1:]
		switch action := words[0]; {
		case action == "recursive-include" || action == "recursive-exclude":
			if len(words) < 3 {
				continue
			}
			dir, patterns = path.Clean(words[1])+"/**/", words[2:]
		case action == "global-include" || action == "global-exclude":
			dir = "**/"
		case action == "graft" || action == "prune":
			if len(words) != 2 {
				continue
			}
			patterns = []string{path.Clean(words[1]) + "/**"}
		case action != "include" && action != "exclude":
			continue
		}
		recursive := words[0] != "include"
		for _, pattern := range patterns {
			// A path that leads out of the project, or is absolute, names nothing in it.
			g, err := newPathGlob(strings.TrimPrefix(path.Clean(dir+pattern), "./"), recursive, true)
			if err != nil {
				return nil, err
			}
			included := strings.HasSuffix(words[0], "include") || words[0] == "graft"
			if out = append(out, manifestRule{included, g}); len(out) > maxManifestRules {
				return nil, treeErrorf("MANIFEST.in has more than %d patterns", maxManifestRules)
			}
		}
	}
	return out, nil
}

// manifestLines strips comments and joins continued lines, as distutils does.
func manifestLines(data string) (out []string) {
	var joined []byte
	for line := range strings.SplitSeq(data, "\n") {
		if i := strings.IndexByte(line, '#'); i >= 0 {
			if i == 0 || line[i-1] != '\\' {
				if line = line[:i]; strings.TrimSpace(line) == "" {
					continue
				}
			} else {
				line = strings.ReplaceAll(line, `\#`, "#")
			}
		}
		joined = append(joined, strings.TrimSpace(line)...)
		if stem, ok := bytes.CutSuffix(joined, []byte(`\`)); ok {
			joined = stem
			continue
		}
		if len(bytes.TrimSpace(joined)) > 0 {
			out = append(out, string(joined))
		}
		joined = joined[:0]
	}
	if len(bytes.TrimSpace(joined)) > 0 {
		out = append(out, string(joined))
	}
	return out
}

// manifest returns the files that include-package-data takes, by package: those that would be part of a source
// distribution, as far as they are below a package. Version control is not asked.
func (s *setuptools) manifest() map[string][]string {
	if !s.includeData || s.err != nil {
		return nil
	}
	var rules []manifestRule
	if s.tree.isFile("MANIFEST.in") {
		pos := diag.Position{File: s.beside("MANIFEST.in"), Line: 1}
		var err error
		rules, err = parseManifest(s.readText("MANIFEST.in", pos))
		s.fail(pos, err)
	}
	files := s.packageFiles()
	listed := s.sourceList(files)
	with := s.applyManifest(files, rules, listed)
	if listed == nil || s.tree.isFile("PKG-INFO") { // a source distribution, whose own list belongs to it
		return with
	}
	without := s.applyManifest(files, rules, nil)
	for _, p := range sortedKeys(with) {
		if len(with[p]) != len(without[p]) {
			s.problems.Add(&diag.Error{Pos: diag.Position{File: s.file, Line: 1}, Code: "unsupported-egg-info",
				What: "the package " + p + " has files only because an .egg-info of an earlier build lists them",
				Hint: "remove the .egg-info directory, or name the files in MANIFEST.in or package-data"})
		}
	}
	return with
}

// packageFiles returns all files below packages, once each, sorted.
func (s *setuptools) packageFiles() []string {
	seen := map[string]bool{}
	walked := map[string]bool{}
	for _, p := range s.packages {
		dir := s.dirOf(p)
		if within(walked, dir) {
			continue
		}
		walked[dir] = true
		nodes, err := s.tree.walk(dir, func(n node) bool { return n.dir && path.Base(n.path) == "__pycache__" })
		s.fail(diag.Position{File: s.file}, err)
		for _, n := range nodes {
			if !n.dir {
				seen[n.path] = true
			}
		}
	}
	return sortedKeys(seen)
}

// within reports that a path, or a directory that it is in, is in a set.
func within(set map[string]bool, p string) bool {
	for ; p != "." && p != "/"; p = path.Dir(p) {
		if set[p] {
			return true
		}
	}
	return false
}

// sourceList returns those of the files below packages, which are sorted, that the SOURCES.txt of an earlier build names.
func (s *setuptools) sourceList(files []string) []string {
	list := path.Join(s.packageDir[""], strings.ReplaceAll(s.project.name, "-", "_")+".egg-info", "SOURCES.txt")
	if !s.tree.isFile(list) {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(s.readText(list, diag.Position{File: list}), "\n") {
		line = path.Clean(strings.TrimSpace(line))
		if _, ok := slices.BinarySearch(files, line); ok {
			out = append(out, line)
		}
	}
	return out
}

// versionControl are directories that are never part of a source distribution.
var versionControl = []string{"RCS", "CVS", ".svn", ".hg", ".git", ".bzr", "_darcs"}

// applyManifest follows the rules, from what is in a source distribution without them.
func (s *setuptools) applyManifest(files []string, rules []manifestRule, listed []string) map[string][]string {
	in := map[string]bool{}
	for _, file := range listed {
		in[file] = true
	}
	for _, p := range s.packages {
		for _, file := range s.kept(p, s.patternFiles(p)) {
			in[file] = true
		}
	}
	for _, script := range s.scripts {
		in[script.s] = true
	}
	for _, rule := range rules {
		for _, file := range files {
			if s.spend(1+len(file)/cheap/4) && rule.glob.match(file) {
				in[file] = rule.include
			}
		}
	}
	for _, file := range slices.Concat(s.licenseFiles(), s.referenced) {
		in[file] = true
	}
	dirs := map[string]string{}
	for _, p := range s.packages {
		dirs[s.dirOf(p)] = p
	}
	out := map[string][]string{}
	for _, file := range files {
		parts := strings.Split(path.Dir(file), "/")
		if !in[file] || strings.HasPrefix(file, "build/") || slices.ContainsFunc(versionControl, func(v string) bool { return slices.Contains(parts, v) }) {
			continue
		}
		if p, ok := nearest(dirs, file); ok {
			out[p] = append(out[p], file)
		}
	}
	return out
}

// nearest returns the package that a file is data of. Modules right in a package are no data.
func nearest(dirs map[string]string, file string) (string, bool) {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if p, ok := dirs[dir]; ok {
			stem, isPy := strings.CutSuffix(path.Base(file), ".py")
			return p, dir != path.Dir(file) || !isPy || !identifier.MatchString(stem)
		}
	}
	return "", false
}
