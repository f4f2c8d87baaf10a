package closure

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// choose picks the files that can be loaded here. A distribution that has others alone is noted.
func (c *checker) choose() {
	c.names = map[string][]*file{}
	loadable, other := map[string]bool{}, map[string]Unloadable{}
	for _, p := range slices.Sorted(maps.Keys(c.tree.files)) {
		f := c.tree.files[p]
		if kind := c.foreignTo(f); kind != "" {
			if u, ok := other[f.Package]; ok {
				u.More++
				other[f.Package] = u
			} else {
				other[f.Package] = Unloadable{User: User{Package: f.Package, Object: f.Path}, For: kind}
			}
			continue
		}
		loadable[f.Package] = true
		c.loaded = append(c.loaded, f)
		name := f.Soname
		if name == "" {
			name = path.Base(f.Path)
		}
		c.names[name] = append(c.names[name], f)
	}
	for _, name := range slices.Sorted(maps.Keys(other)) {
		if name != "" && !loadable[name] {
			c.unloadable = append(c.unloadable, other[name])
		}
	}
}

// foreignTo returns what a file is for, if not for this platform: many wheels bring files for several.
func (c *checker) foreignTo(f *file) string {
	if f.Machine != c.machine.elf || f.Class != c.machine.class {
		return f.Machine
	}
	if libc := libcOf(f); libc != "" && (libc == musl) != c.in.Musl {
		return libc
	}
	return ""
}

// The C libraries that a file may be made for.
const (
	glibc = "glibc"
	musl  = "musl"
)

// libcOf tells the C library of a file by what it asks for, "" where it asks for none.
func libcOf(f *file) string {
	for _, name := range append([]string{path.Base(f.Interp)}, f.Needed...) {
		switch {
		case name == "libc.so", strings.HasPrefix(name, "libc.musl-"), strings.HasPrefix(name, "ld-musl-"):
			return musl
		case name == "libc.so.6", strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld64.so."):
			return glibc
		}
	}
	return ""
}

// resolve finds what every file needs. A search path is inherited by what was found through it, so that it goes round
// until nothing more is found.
func (c *checker) resolve() {
	for _, f := range c.loaded {
		if f.Interp != "" && !isLibrary(f) && c.tree.object(f.Interp) == nil {
			c.pending = append(c.pending, need{f, f.Interp})
		}
		known := map[string]bool{}
		for _, name := range f.Needed {
			if known[name] {
				continue
			}
			known[name] = true
			if !c.find(f, f, name) {
				c.pending = append(c.pending, need{f, name})
			}
		}
	}
	for before := -1; before != len(c.pending); {
		before = len(c.pending)
		c.pending = slices.DeleteFunc(c.pending, c.inherits)
	}
}

// isLibrary reports a file that nobody starts: libraries built by unusual tools may name a loader, too.
func isLibrary(f *file) bool { return f.Soname != "" || strings.Contains(path.Base(f.Path), ".so") }

// find looks for a library that f needs by the search path of owner: f itself, or a file through which it was loaded.
func (c *checker) find(f, owner *file, name string) bool {
	if c.in.Musl && isReserved(name) {
		return true
	}
	g := c.lookup(f, owner, name)
	if g == nil {
		return false
	}
	c.parents[g] = append(c.parents[g], f)
	return true
}

// lookup returns the file that the loader takes for a name, nil if it finds none.
func (c *checker) lookup(f, owner *file, name string) *file {
	if strings.Contains(name, "/") {
		return c.usable(c.tree.object(strings.ReplaceAll(name, "$ORIGIN", "/"+path.Dir(f.Path))))
	}
	if c.main != nil && path.Base(c.main.Interp) == name { // the loader itself is there already
		return c.tree.object(c.main.Interp)
	}
	for _, dir := range c.folders(f, owner) {
		if g := c.usable(c.tree.in(dir, name)); g != nil {
			return g
		}
	}
	return nil
}

// usable returns g if the loader can take it: it passes over files for other machines.
func (c *checker) usable(g *file) *file {
	if g == nil || g.Machine != c.machine.elf || g.Class != c.machine.class {
		return nil
	}
	return g
}

// folders returns where the loader looks for what f needs, by the search path of owner.
func (c *checker) folders(f, owner *file) []string {
	if owner != f {
		return c.newFolders(f, owner)
	}
	if c.asked != f {
		c.asked, c.folder = f, c.newFolders(f, f)
	}
	return c.folder
}

func (c *checker) newFolders(f, owner *file) []string {
	own := c.expand(owner.Rpath, owner)
	if c.in.Musl { // knows one path, and inherits it whatever it is called
		return slices.Concat(c.library, own, c.expand(owner.Runpath, owner), c.mainPath(), c.system)
	}
	if len(f.Runpath) > 0 {
		own = nil
	} else if owner == f {
		own = append(own, c.mainPath()...)
	}
	return slices.Concat(own, c.expand(c.library, f), c.expand(f.Runpath, f), c.system)
}

// mainPath is the search path of Python itself, by which all modules that it loads are looked for.
func (c *checker) mainPath() []string {
	switch {
	case c.main == nil:
		return nil
	case c.in.Musl:
		return c.expand(append(slices.Clone(c.main.Rpath), c.main.Runpath...), c.main)
	}
	return c.expand(c.main.Rpath, c.main)
}

// maxSteps is how many steps are taken from files to those that need them, to find search paths that are inherited. An image with
// a thousand files takes some thousand.
const maxSteps = 50_000_000

// inherits reports a library that is found by the search path of a file through which n's was loaded.
func (c *checker) inherits(n need) bool {
	if n.name == n.file.Interp || !c.in.Musl && len(n.file.Runpath) > 0 {
		return false
	}
	seen := map[*file]bool{n.file: true}
	for todo := slices.Clone(c.parents[n.file]); len(todo) > 0 && c.steps < maxSteps; {
		p := todo[0]
		todo = todo[1:]
		c.steps++
		if seen[p] {
			continue
		}
		seen[p] = true
		if len(p.Rpath) > 0 || c.in.Musl && len(p.Runpath) > 0 {
			if c.find(n.file, p, n.name) {
				return true
			}
		}
		todo = append(todo, c.parents[p]...)
	}
	return false
}

// isReserved reports the names that musl's loader takes for itself.
func isReserved(name string) bool {
	base, ok := strings.CutPrefix(name, "lib")
	base, _, dot := strings.Cut(base, ".")
	return ok && dot && slices.Contains([]string{"c", "pthread", "rt", "m", "dl", "util", "xnet"}, base) ||
		strings.HasPrefix(name, "ld-musl-")
}
