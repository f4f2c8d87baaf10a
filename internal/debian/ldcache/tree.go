package ldcache

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// Caps on what a configuration may ask for.
const (
	maxLinks    = 40      // links followed on one path, as Linux has it
	maxIncludes = 8       // include lines inside of included files
	maxConf     = 1 << 20 // bytes of one configuration file
	maxConfs    = 200     // configuration files, each as often as it is included; a distribution has some ten
	maxPatterns = 200     // patterns of files to include
	maxFolders  = 1000    // that are named
)

// tree finds entries by path, through symbolic links, as if the image were the root.
type tree struct {
	entries  map[string]entry.Entry
	children map[string][]string // real folder → names in it, sorted
	paths    []string            // sorted

	confs, patterns int // that were looked at
}

func newTree(entries []entry.Entry) *tree {
	t := &tree{entries: map[string]entry.Entry{}, children: map[string][]string{}}
	for _, e := range entries {
		t.entries[e.Path] = e
	}
	hung := map[string]bool{} // paths that their folder knows, with the folders that no entry tells of
	for p := range t.entries {
		t.paths = append(t.paths, p)
		for ; p != "" && !hung[p]; p = parent(p) {
			hung[p] = true
			t.children[parent(p)] = append(t.children[parent(p)], path.Base(p))
		}
	}
	for _, names := range t.children {
		slices.Sort(names)
	}
	slices.Sort(t.paths)
	return t
}

// parent returns the folder, "" for the root.
func parent(p string) string { return path.Dir("/" + p)[1:] }

// resolve follows links to the real path. Climbing above the root stays at the root. A folder that only the paths in
// it tell of exists.
func (t *tree) resolve(p string) (real string, e entry.Entry, ok bool) {
	rest, links := strings.Split(p, "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			real = parent(real)
			continue
		}
		next := strings.TrimPrefix(real+"/"+part, "/")
		e, ok = t.entries[next]
		if !ok && len(t.children[next]) == 0 {
			return "", entry.Entry{}, false
		}
		if !ok || e.Type != entry.Symlink {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", entry.Entry{}, false
		}
		// Absolute targets start again at the image's root, not at the host's.
		if path.IsAbs(e.Link) {
			real = ""
		}
		rest = append(strings.Split(e.Link, "/"), rest...)
	}
	e, ok = t.entries[real]
	if !ok {
		e = entry.NewDir(real)
	}
	return real, e, true
}

// folder is a place where libraries are sought.
type folder struct {
	path string // absolute, as configured: this is what the cache says
	real string // where it is among the entries
}

// folders returns the folders that exist, in ldconfig's order: /etc/ld.so.conf, then those built in. One that is
// reached by two paths counts once, under the first.
func (t *tree) folders(triplet string) ([]folder, error) {
	listed, err := t.configured("etc/ld.so.conf", maxIncludes)
	if err != nil {
		return nil, err
	}
	if len(listed) > maxFolders {
		return nil, fmt.Errorf("etc/ld.so.conf: names more than %d folders", maxFolders)
	}
	var all []folder
	for _, p := range append(listed, "/lib/"+triplet, "/usr/lib/"+triplet, "/lib", "/usr/lib") {
		real, e, ok := t.resolve(p)
		if !ok || e.Type != entry.Dir || slices.ContainsFunc(all, func(f folder) bool { return f.real == real }) {
			continue
		}
		all = append(all, folder{p, real})
	}
	return all, nil
}

// configured reads a configuration file: one folder a line, or "include" and patterns.
func (t *tree) configured(file string, depth int) ([]string, error) {
	_, e, ok := t.resolve(file)
	if !ok || e.Type != entry.File {
		return nil, nil
	}
	if t.confs++; t.confs > maxConfs {
		return nil, fmt.Errorf("%s: more than %d configuration files", file, maxConfs)
	}
	if e.Size > maxConf {
		return nil, fmt.Errorf("%s: has more than %d bytes", file, maxConf)
	}
	data, err := e.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case words[0] == "include":
			for _, pattern := range words[1:] {
				more, err := t.included(path.Dir("/"+file), pattern, depth)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", file, err)
				}
				all = append(all, more...)
			}
		default:
			// "folder=type" is from the time of libc5.
			dir, _, _ := strings.Cut(strings.TrimSpace(line), "=")
			if dir = strings.TrimRight(dir, " \t/"); path.IsAbs(dir) {
				all = append(all, dir)
			}
		}
	}
	return all, nil
}

// included reads the files that a pattern matches, sorted by name.
func (t *tree) included(from, pattern string, depth int) ([]string, error) {
	if depth == 0 {
		return nil, errors.New("includes go too deep")
	}
	if t.patterns++; t.patterns > maxPatterns {
		return nil, fmt.Errorf("more than %d patterns of files to include", maxPatterns)
	}
	if !path.IsAbs(pattern) {
		pattern = path.Join(from, pattern)
	}
	var all []string
	for _, p := range t.paths {
		if ok, err := path.Match(pattern, "/"+p); err != nil {
			return nil, fmt.Errorf("include %q: %w", pattern, err)
		} else if !ok {
			continue
		}
		more, err := t.configured(p, depth-1)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}
