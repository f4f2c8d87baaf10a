// Package closure tells whether an image has every library and symbol version that its ELF files need.
//
// What the dynamic loader would see of each layer goes in; what it would not find comes out. The package is pure and
// runs nothing: it looks in the loader's order, inside the image, through its links. A library that lies outside the
// loader's path counts as found when some file of the image bears its name, since Python packages load such libraries
// themselves before the modules that need them; one that lies nowhere is missing. Files for another machine or
// another C library are not loaded, and not looked at.
//
// See https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html,
// https://man7.org/linux/man-pages/man8/ld.so.8.html, and for musl
// https://wiki.musl-libc.org/functional-differences-from-glibc.html.
package closure

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/layer"
)

// Format is a part of the key under which a result is kept. It moves when the same layers would give another one.
const Format = 1

// Input is the image of one platform.
type Input struct {
	Layers      []Layer  // lowest first
	Arch        string   // of the platform: "amd64"
	Musl        bool     // the C library is musl, not glibc
	Interpreter string   // path of Python's program; what is on its search path its modules find, too
	LibraryPath string   // LD_LIBRARY_PATH of the image
	Accept      []string // globs of libraries that may be missing
}

// Layer is one layer.
type Layer struct {
	layer.Loading
	Foreign bool   // others made it: what its own files lack is theirs to decide
	Owner   string // of the files that name none
}

// Result is what the loader would say.
type Result struct {
	Missing  []Missing  `json:"missing,omitempty"`
	Versions []Versions `json:"versions,omitempty"`
	Accepted []Accepted `json:"accepted,omitempty"`
	// Unloadable are the distributions whose files are all for another machine or C library.
	Unloadable []Unloadable `json:"unloadable,omitempty"`
	Objects    int          `json:"objects"` // files that were looked at
}

// Complete reports an image that lacks nothing.
func (r Result) Complete() bool { return len(r.Missing)+len(r.Versions) == 0 }

// User is who needs something: the first file of a distribution, by path.
type User struct {
	Package string `json:"package,omitempty"` // "" for files of the base
	Object  string `json:"object"`            // "venv/lib/python3.13/site-packages/x.so"
	More    int    `json:"more,omitempty"`    // other files of the same distribution
}

// Missing is a library that is nowhere in the image, or the loader of a program.
type Missing struct {
	User
	Library string `json:"library"` // "libpq.so.5", or a path
	// Elsewhere is a file of that name in a folder where the loader does not look, "" if there is none.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// Versions are symbol versions that a library does not have.
type Versions struct {
	User
	Library string   `json:"library"`
	Needs   []string `json:"needs"`         // the highest of each kind, "GLIBC_2.38"
	Has     string   `json:"has,omitempty"` // the highest of the first kind that the library has
}

// Reason says why a library that the loader does not find is no problem.
type Reason string

// The reasons.
const (
	Configured Reason = "configured" // accept-missing-libraries says so
	Runtime    Reason = "runtime"    // the container's runtime brings it, with the driver of a GPU
	Preloaded  Reason = "preloaded"  // another file of the image has its name
	Spare      Reason = "spare"      // its distribution is known to do without the file
)

// Accepted is a library that the loader does not find, and why that is no problem.
type Accepted struct {
	User
	Library string `json:"library"`
	Reason  Reason `json:"reason"`
}

// Unloadable is a distribution none of whose files can be loaded.
type Unloadable struct {
	User
	For string `json:"for"` // "EM_AARCH64", or a C library: "musl"
}

// Check looks for what an image lacks. The lists are sorted by who needs something.
func Check(in Input) Result {
	m, ok := machines[in.Arch]
	if !ok {
		return Result{} // nothing is known of how its loader looks
	}
	c := &checker{in: in, machine: m, tree: newTree(in.Layers), parents: map[*file][]*file{}}
	c.system = c.systemFolders()
	c.library = splitFolders(in.LibraryPath)
	c.main = c.tree.object(in.Interpreter)
	c.choose()
	c.resolve()
	for _, n := range c.pending {
		c.judge(n)
	}
	if !in.Musl { // whose loader does not know versions
		for _, f := range c.loaded {
			c.versions(f)
		}
	}
	return c.result()
}

// checker is one check under way.
type checker struct {
	in      Input
	machine machine
	tree    *tree
	main    *file    // Python's program, nil if it is not among the files
	system  []string // folders where every file's libraries are looked for, in order
	library []string // LD_LIBRARY_PATH

	loaded  []*file            // what can be loaded on this platform, by path
	names   map[string][]*file // the same by soname
	parents map[*file][]*file  // who needs a file
	pending []need             // what the loader did not find
	outside map[string]bool    // names of libraries that are not of the base alone, once that was asked
	asked   *file              // whose folders are known
	folder  []string           // where the loader looks for what it needs
	steps   int                // that were taken from files to those that need them
	globs   int                // of configuration files

	missing, lacking, accepted findings
	unloadable                 []Unloadable
}

// need is a library that a file asks for.
type need struct {
	file *file
	name string
}

// judge decides about a library that the loader does not find.
func (c *checker) judge(n need) {
	if n.file.foreign {
		return
	}
	providers := c.names[n.name]
	near := len(providers) > 0 && (isSystem(n.file) || c.isOutside(n.name))
	switch {
	case matches(injected, n.name):
		c.accepted.add(n).reason = Runtime
	case near:
		c.accepted.add(n).reason = Preloaded
	case isSpare(n.file):
		c.accepted.add(n).reason = Spare
	case matches(c.in.Accept, n.name):
		c.accepted.add(n).reason = Configured
	case len(providers) > 0:
		c.missing.add(n).elsewhere = providers[0].Path
	default:
		c.missing.add(n)
	}
}

// isOutside reports a library of which a file is not of the base.
func (c *checker) isOutside(name string) bool {
	outside, known := c.outside[name]
	if !known {
		outside = slices.ContainsFunc(c.names[name], func(g *file) bool { return !isSystem(g) })
		if c.outside == nil {
			c.outside = map[string]bool{}
		}
		c.outside[name] = outside
	}
	return outside
}

// isSystem reports files of the base. No Python package loads a library out of a private folder there.
func isSystem(f *file) bool {
	return strings.HasPrefix(f.Path, "usr/") || strings.HasPrefix(f.Path, "lib")
}

// matches reports a name that one of some globs means. One that cannot be read means nothing.
func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

// result sorts what was found.
func (c *checker) result() Result {
	r := Result{Unloadable: c.unloadable}
	for _, f := range c.loaded {
		if !f.foreign {
			r.Objects++
		}
	}
	for _, f := range c.missing.sorted() {
		r.Missing = append(r.Missing, Missing{User: f.User, Library: f.library, Elsewhere: f.elsewhere})
	}
	for _, f := range c.lacking.sorted() {
		needs := highestOfEach(f.lacks)
		r.Versions = append(r.Versions, Versions{User: f.User, Library: f.library, Needs: needs,
			Has: highestOf(f.has, kind(needs[0]))})
	}
	for _, f := range c.accepted.sorted() {
		r.Accepted = append(r.Accepted, Accepted{User: f.User, Library: f.library, Reason: f.reason})
	}
	return r
}
