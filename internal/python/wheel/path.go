package wheel

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of Linux file systems. The prefix of the virtual environment comes on top of a path, hence the distance
// from PATH_MAX (4096).
const (
	maxComponent = 255
	maxPath      = 3072
)

// cleanPath refuses every name that two programs could read differently, or that leaves the directory it is put in.
// A clean name is its own only spelling, so that duplicates are equal strings.
func cleanPath(path string) error {
	switch {
	case path == "":
		return errors.New("empty name")
	case !utf8.ValidString(path):
		return errors.New("name is not UTF-8")
	case len(path) > maxPath:
		return fmt.Errorf("name has %d bytes, more than %d", len(path), maxPath)
	case strings.HasPrefix(path, "/"):
		return errors.New("absolute name")
	case len(path) > 1 && path[1] == ':' && isLetter(path[0]):
		return fmt.Errorf("name begins with the drive letter %s", path[:2])
	case strings.Contains(path, "\\"):
		return errors.New(`name holds a backslash (\)`)
	case strings.ContainsFunc(path, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return errors.New("name holds a control character")
	}
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return fmt.Errorf("name is not clean: component %q", part)
		case len(part) > maxComponent:
			return fmt.Errorf("name has a component of %d bytes, more than %d", len(part), maxComponent)
		}
	}
	return nil
}

// isLetter reports an ASCII letter.
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// checkPaths refuses unclean names, duplicates, and files that are also directories. Files are sorted.
func (w *Wheel) checkPaths() error {
	files := make(map[string]bool, len(w.Files))
	for _, f := range w.Files {
		if err := cleanPath(f.Path); err != nil {
			return w.errorf("%q: %w", f.Path, err)
		}
		if files[f.Path] {
			return w.errorf("duplicate name %s", f.Path)
		}
		files[f.Path] = true
	}
	dirs := map[string]bool{}
	for _, f := range w.Files {
		// What is above a directory that was seen was seen with it.
		for dir := parent(f.Path); dir != "" && !dirs[dir]; dir = parent(dir) {
			if files[dir] {
				return w.errorf("%s is a file and the directory of %s", dir, f.Path)
			}
			if dirs[dir] = true; len(dirs) > maxDirs {
				return w.errorf("more than %d directories", maxDirs)
			}
		}
	}
	return nil
}

// maxDirs is how many directories the files of a wheel may stand in; large ones have some thousand.
const maxDirs = maxMembers

// parent returns the directory of a clean path, "" for one at the top.
func parent(p string) string { return p[:max(0, strings.LastIndexByte(p, '/'))] }
