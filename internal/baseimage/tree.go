package baseimage

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// kind of a node.
type kind uint8

const (
	directory kind = iota
	file
	link
	other // a device or the like
)

// node is one name in the flattened image.
type node struct {
	kind     kind
	target   string // of a symbolic link
	size     int64
	source   int    // index of the layer that has the contents
	name     string // in that layer; of a hard link, the name that it stands for
	children map[string]*node
}

// tree is a flattened image.
type tree struct {
	root    *node
	layers  []*opened
	implied int // directories that only the paths in them tell of
}

func newDirectory() *node { return &node{kind: directory, children: map[string]*node{}} }

// maxLinks is how many links are followed before a loop is assumed, as the kernel does.
const maxLinks = 40

var errLinks = errors.New("too many links")

// lookup follows links, as a process in the image does, and returns the real path with what is there. It cannot leave
// the image: ".." of the root is the root.
func (t *tree) lookup(name string) (string, *node, error) {
	at, rest, links := "/", split(name), 0
	n, above := t.root, []*node{}
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			if len(above) > 0 {
				n, above = above[len(above)-1], above[:len(above)-1]
			}
			at = path.Dir(at)
			continue
		}
		next := n.children[part]
		if next == nil {
			return "", nil, fs.ErrNotExist
		}
		if next.kind != link {
			above, n, at = append(above, n), next, path.Join(at, part)
			continue
		}
		if links++; links > maxLinks {
			return "", nil, errLinks
		}
		if path.IsAbs(next.target) {
			n, above, at = t.root, nil, "/"
		}
		rest = append(split(next.target), rest...)
	}
	return at, n, nil
}

// split returns the parts of a path. It keeps "..", whose meaning depends on links.
func split(name string) []string {
	return slices.DeleteFunc(strings.Split(name, "/"), func(s string) bool { return s == "" || s == "." })
}

// list returns the names in a directory, sorted; none if it is not there.
func (t *tree) list(name string) []string {
	_, n, err := t.lookup(name)
	if err != nil || n.kind != directory {
		return nil
	}
	var names []string
	for child := range n.children {
		names = append(names, child)
	}
	slices.Sort(names)
	return names
}

// has reports whether there is a file at a path, or a link to one.
func (t *tree) has(name string) bool {
	_, n, err := t.lookup(name)
	return err == nil && n.kind == file
}

// put sets what is at a path. Parents that are missing are made; one that is no directory is replaced by one, as
// overlayfs shows it. A directory keeps what it has.
func (t *tree) put(name string, n *node) {
	parts := split(name)
	if len(parts) == 0 {
		return
	}
	dir := t.enter(parts[:len(parts)-1])
	last := parts[len(parts)-1]
	if old := dir.children[last]; n.kind == directory && old != nil && old.kind == directory {
		return
	}
	dir.children[last] = n
}

// enter returns a directory, made where it is missing.
func (t *tree) enter(parts []string) *node {
	at := t.root
	for _, part := range parts {
		next := at.children[part]
		if next == nil || next.kind != directory {
			next = newDirectory()
			at.children[part] = next
			t.implied++
		}
		at = next
	}
	return at
}

// remove takes a name away, and all below it. Links are not followed: a whiteout stands beside what it hides.
func (t *tree) remove(name string) {
	if dir := t.plain(path.Dir(name)); dir != nil {
		delete(dir.children, path.Base(name))
	}
}

// empty takes away all that is in a directory.
func (t *tree) empty(name string) {
	if dir := t.plain(name); dir != nil {
		clear(dir.children)
	}
}

// plain returns the directory of exactly this name, nil if there is none.
func (t *tree) plain(name string) *node {
	at := t.root
	for _, part := range split(name) {
		at = at.children[part]
		if at == nil || at.kind != directory {
			return nil
		}
	}
	return at
}
