package backend

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheel"
)

const (
	maxEntries = 200_000  // files and directories that one walk looks at; a checkout with more is no Python package
	maxText    = 16 << 20 // bytes of a file whose contents go into METADATA or decide something
	maxDepth   = 100      // levels of directories; real trees have about ten
)

// Limits of a whole project, since the configuration may name one directory, one file or one pattern very often.
const (
	maxSeen    = 10_000_000 // files and directories that all walks look at: each pattern is one
	maxTexts   = 64 << 20   // bytes of all files whose contents go into METADATA or decide something
	maxMatches = 50_000_000 // comparisons of a path with a pattern
	maxPattern = 4096       // bytes of a pattern, the longest path of Linux
	maxItems   = 10_000     // elements of one list of the configuration; people write some hundred
	maxName    = 255        // bytes of the name of a project or of an extra, which stands in many lines and paths
)

// errTree marks what is wrong with the project's files, as opposed to the machine.
var errTree = errors.New("project files")

// treeErrorf makes an error that the user can fix; its place is added where the key is known.
func treeErrorf(format string, args ...any) error {
	return &treeError{fmt.Sprintf(format, args...)}
}

type treeError struct{ what string }

// Error returns the text.
func (e *treeError) Error() string { return e.what }

// Is makes every treeError an errTree.
func (e *treeError) Is(target error) bool { return target == errTree }

// tree is the directory of a project. Paths are slash-separated and relative to it; "" is the directory itself.
type tree struct {
	dir, real string
	sum       Sum

	seen, texts, matches int // of maxSeen, maxTexts, maxMatches
}

// look counts files and directories that are looked at.
func (t *tree) look(n int) error {
	if t.seen += n; t.seen > maxSeen {
		return treeErrorf("the patterns of the project look at more than %d files and directories", maxSeen)
	}
	return nil
}

// take counts bytes that are kept.
func (t *tree) take(n int) error {
	if t.texts += n; t.texts > maxTexts {
		return treeErrorf("the files whose text is used have more than %d bytes together", maxTexts)
	}
	return nil
}

// spend counts comparisons of paths with patterns.
func (t *tree) spend(n int) error {
	if t.matches += n; t.matches > maxMatches {
		return treeErrorf("there are too many patterns for so many files: more than %d comparisons", maxMatches)
	}
	return nil
}

// node is a file or a directory in a tree.
type node struct {
	path string
	dir  bool
}

// openTree resolves the directory once, so that links can be held against it.
func openTree(dir string) (*tree, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	return &tree{dir: dir, real: real, sum: hashFile}, nil
}

// host returns the path on this machine.
func (t *tree) host(p string) string { return filepath.Join(t.dir, filepath.FromSlash(p)) }

// isFile follows links, as the backends do; whether they leave the project is checked when a file is read.
func (t *tree) isFile(p string) bool {
	info, err := os.Stat(t.host(p))
	return err == nil && info.Mode().IsRegular()
}

// isDir follows links.
func (t *tree) isDir(p string) bool {
	info, err := os.Stat(t.host(p))
	return err == nil && info.IsDir()
}

// local cleans a path that the configuration names, and reports whether it stays inside the project.
func local(p string) (string, bool) {
	p = path.Clean(filepath.ToSlash(p))
	if p == "." {
		return "", true
	}
	return p, filepath.IsLocal(p)
}

// inside refuses symbolic links that leave the project.
func (t *tree) inside(p string) error {
	real, err := filepath.EvalSymlinks(t.host(p))
	if err != nil {
		return err
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	if real != t.real && !strings.HasPrefix(real, t.real+string(filepath.Separator)) {
		return treeErrorf("%s is a symbolic link out of the project", p)
	}
	return nil
}

// read returns the contents of a small text file.
func (t *tree) read(p string) ([]byte, error) {
	clean, ok := local(p)
	if !ok {
		return nil, treeErrorf("%s is outside of the project", p)
	}
	if !t.isFile(clean) {
		return nil, treeErrorf("%s is not a file", p)
	}
	if err := t.inside(clean); err != nil {
		return nil, err
	}
	f, err := os.Open(t.host(clean))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxText {
		return nil, treeErrorf("%s is larger than %d bytes", p, maxText)
	}
	if !utf8.Valid(data) {
		return nil, treeErrorf("%s is not UTF-8", p)
	}
	return data, t.take(len(data))
}

// file hashes a file for the wheel. The contents stay where they are.
func (t *tree) file(p string) (wheel.File, error) {
	if err := t.inside(p); err != nil {
		return wheel.File{}, err
	}
	info, err := os.Stat(t.host(p))
	if err != nil {
		return wheel.File{}, err
	}
	if !info.Mode().IsRegular() {
		return wheel.File{}, treeErrorf("%s is not a regular file", p)
	}
	n, sum, err := t.sum(t.host(p))
	if err != nil {
		return wheel.File{}, err
	}
	return wheel.File{Executable: entry.Executable(t.host(p), info, 0o100), Size: n, Content: entry.Path(t.host(p)), SHA256: sum}, nil
}

// hashFile reads a file.
func hashFile(path string) (int64, [sha256.Size]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, [sha256.Size]byte{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return n, [sha256.Size]byte(sum.Sum(nil)), err
}

// walk returns what is below a directory, component by component in the order of names, without the directory
// itself. skip says which entries to leave out, a directory with all that is in it; nil leaves out nothing.
// A symbolic link to a file counts as the file; one to a directory is refused, since the backends differ on it.
func (t *tree) walk(root string, skip func(node) bool) ([]node, error) {
	var out []node
	err := t.walkInto(&out, root, skip, 0)
	return out, err
}

// walkInto appends a directory and what is below it, depth first.
func (t *tree) walkInto(out *[]node, dir string, skip func(node) bool, depth int) error {
	entries, err := os.ReadDir(t.host(dir))
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return treeErrorf("%s: more than %d levels of directories", dir, maxDepth)
	}
	if err := t.look(len(entries)); err != nil {
		return err
	}
	// ReadDir sorts by name, which is the order of components.
	for _, e := range entries {
		n := node{path: path.Join(dir, e.Name()), dir: e.IsDir()}
		if skip != nil && skip(n) {
			continue
		}
		if !utf8.ValidString(n.path) {
			return treeErrorf("%q is not UTF-8", n.path)
		}
		if e.Type()&fs.ModeSymlink != 0 && !t.isFile(n.path) {
			return treeErrorf("%s is a symbolic link, but not to a file", n.path)
		}
		if *out = append(*out, n); len(*out) > maxEntries {
			return treeErrorf("more than %d files and directories", maxEntries)
		}
		if n.dir {
			if err := t.walkInto(out, n.path, skip, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// glob returns what matches a pattern of Python's pathlib below base, sorted. Only directories that can hold a match
// are looked into, as far as the pattern begins with names.
func (t *tree) glob(base, pattern string) ([]node, error) {
	if err := t.look(1); err != nil {
		return nil, err
	}
	clean := path.Clean(pattern)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return nil, treeErrorf("%s leads out of the project", pattern)
	}
	root := base
	parts := strings.Split(clean, "/")
	for len(parts) > 0 && !strings.ContainsAny(parts[0], "*?[") {
		root, parts = path.Join(root, parts[0]), parts[1:]
	}
	if len(parts) == 0 {
		info, err := os.Stat(t.host(root))
		if err != nil {
			return nil, nil // a glob that matches nothing is no error
		}
		return []node{{root, info.IsDir()}}, nil
	}
	if !t.isDir(root) {
		return nil, nil
	}
	match, err := pathlibGlob(strings.Join(parts, "/"))
	if err != nil {
		return nil, err
	}
	all, err := t.walk(root, shallow(root, parts))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(n node) bool {
		return !match.MatchString(strings.TrimPrefix(strings.TrimPrefix(n.path, root), "/"))
	}), nil
}

// shallow keeps a walk from descending deeper than a pattern without ** can reach.
func shallow(root string, parts []string) func(node) bool {
	if slices.Contains(parts, "**") {
		return nil
	}
	deepest := len(parts)
	if root != "" {
		deepest += strings.Count(root, "/") + 1
	}
	return func(n node) bool { return strings.Count(n.path, "/")+1 > deepest }
}
