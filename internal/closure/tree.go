package closure

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/layer"
)

// maxLinks is how many links one path may go through, as Linux has it.
const maxLinks = 40

// maxAliases is how many folders with links to a file are looked at; distributions have two or three.
const maxAliases = 100

// tree is the image as the loader sees it: objects and links, by path without a leading slash.
type tree struct {
	files  map[string]*file
	links  map[string]string // target as written
	search map[string]string // text of the loader's configuration
	dirs   map[string]string // folders that were followed already
}

// file is an object of the image.
type file struct {
	layer.Object
	foreign bool
	aliases []string // folders of links that lead to it: to the loader, it lies there as well
}

// newTree lays the layers over each other.
func newTree(layers []Layer) *tree {
	t := &tree{files: map[string]*file{}, links: map[string]string{}, search: map[string]string{}, dirs: map[string]string{}}
	for _, l := range layers {
		t.remove(l.Removed)
		for _, o := range l.Objects {
			o.Package = cmp.Or(o.Package, l.Owner)
			delete(t.links, o.Path)
			t.files[o.Path] = &file{Object: o, foreign: l.Foreign}
		}
		for _, s := range l.Links {
			delete(t.files, s.Path)
			t.links[s.Path] = s.Target
		}
		for _, s := range l.Search {
			t.search[s.Path] = s.Text
		}
	}
	t.settle()
	return t
}

// remove takes away paths and all below them; of a folder with a slash at its end, what is below. All are looked for at once: a
// layer may take away as much as another has.
func (t *tree) remove(names []string) {
	if len(names) == 0 {
		return
	}
	removed := map[string]bool{}
	for _, name := range names {
		removed[name] = true
	}
	gone := func(p string) bool {
		if removed["/"] || removed[p] {
			return true
		}
		for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if removed[dir] || removed[dir+"/"] {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(t.files, func(p string, _ *file) bool { return gone(p) })
	maps.DeleteFunc(t.links, func(p string, _ string) bool { return gone(p) })
	maps.DeleteFunc(t.search, func(p string, _ string) bool { return gone(p) })
}

// settle moves files to where they really are, since a layer may name a folder by a link of a lower one, and notes
// which links lead to them.
func (t *tree) settle() {
	for _, p := range slices.Sorted(maps.Keys(t.files)) {
		real := path.Join(t.folder(path.Dir(p)), path.Base(p))
		if f := t.files[p]; real != p {
			delete(t.files, p)
			f.Path = real
			t.files[real] = f
		}
	}
	for _, p := range slices.Sorted(maps.Keys(t.links)) {
		if f := t.object(p); f != nil {
			if dir := t.folder(path.Dir(p)); dir != path.Dir(f.Path) && len(f.aliases) < maxAliases && !slices.Contains(f.aliases, dir) {
				f.aliases = append(f.aliases, dir)
			}
		}
	}
}

// object returns the object at a path, nil if there is none.
func (t *tree) object(p string) *file {
	real, ok := t.follow(p, new(int))
	if !ok {
		return nil
	}
	return t.files[real]
}

// in returns the object of a name in a folder.
func (t *tree) in(dir, name string) *file {
	p := path.Join(t.folder(dir), name)
	if f, ok := t.files[p]; ok {
		return f
	}
	if _, ok := t.links[p]; ok {
		return t.object(p)
	}
	return nil
}

// folder returns where a folder really is.
func (t *tree) folder(dir string) string {
	dir = strings.TrimPrefix(path.Clean("/"+dir), "/")
	if real, ok := t.dirs[dir]; ok {
		return real
	}
	real, ok := t.follow(dir, new(int))
	if !ok {
		real = dir
	}
	t.dirs[dir] = real
	return real
}

// follow goes through the links of a path, as if the image were the root. It fails on a loop.
func (t *tree) follow(p string, links *int) (string, bool) {
	at := ""
	for part := range strings.SplitSeq(p, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			at = strings.TrimPrefix(path.Dir("/"+at), "/")
			continue
		}
		next := part
		if at != "" {
			next = at + "/" + part
		}
		target, ok := t.links[next]
		if !ok {
			at = next
			continue
		}
		if *links++; *links > maxLinks {
			return "", false
		}
		if !path.IsAbs(target) {
			target = at + "/" + target // not path.Join: what comes before ".." may be a link
		}
		if at, ok = t.follow(target, links); !ok {
			return "", false
		}
	}
	return at, true
}
