// Package lithelock is the format of lithe.lock: what a build needs to know beyond the project's own lock file, so that
// it gives the same image on any day. See docs/reference/lithe-lock.md.
//
// Bytes go in and a Lock comes out, or all problems with their lines; a Lock goes in and bytes come out. The file is
// TOML with one package a line, sorted, so that a changed package is a changed line, two branches merge, and a bot
// finds name and version side by side. What Encode writes, Parse reads back to an equal Lock.
//
// Two numbers head the file. The version is that of the file's own form: a newer one cannot be read. The format is
// that of the images (layer split, layer bytes): a release of lithe makes some formats, and the lock says which.
package lithelock

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const (
	// Filename is the name of the file, beside the project's own lock file.
	Filename = "lithe.lock"
	// Version is the form of the file that Encode writes.
	Version = 1
	// Format is the newest format of images, which new locks get.
	Format = 1
	// OldestFormat is the oldest one that this release still makes.
	OldestFormat = 1
)

// Lock is the contents of lithe.lock.
type Lock struct {
	Version  int       // of the file's form; Encode writes the current one
	Format   int       // of the images
	Created  time.Time // the date of the images, in UTC and whole seconds
	Python   string    // full version of the interpreter, "3.13.5"; "" if not recorded
	Compiler string    // id of the bytecode compiler; "" if there is none

	Base      Base
	Platforms []Platform // sorted by name
	Sizes     []Size     // of Python distributions whose own lock does not tell; sorted by file name, then hash
	Builds    []Build    // of what is built from source; sorted by name, then what it is for
}

// Base says what the images stand on.
type Base struct {
	Name    string   // "debian:trixie", "standalone:3.12", or the reference of an image
	Digest  string   // "sha256:<hex>" of what the reference meant; "" for a base that is no image
	Indexes []Index  // the package indexes that were used, sorted by suite
	System  []string // the system packages that the project asked for, sorted
	Build   []string // the packages that it asked for to build with, sorted; only beside a builder
	Sources []Source // further repositories that the project names, in its order
}

// Source is a repository of Debian packages beside those of the base.
type Source struct {
	URL        string    // "https://apt.example.org/debian"
	Suite      string    // "trixie"
	Components []string  // in the project's order; none for a folder without any
	Key        string    // "sha256:<hex>" of the file with its keys; "" for Debian's keys
	Date       time.Time // that its index bears; zero while nothing was asked of it
	Expired    bool      // it was past its Valid-Until, and that was accepted
}

// Index is one package index of the base, at a date.
type Index struct {
	Suite   string    // "trixie-security"
	Date    time.Time // that the index itself bears
	Hash    string    // "sha256:<hex>" of its release file; "" if not recorded
	Expired bool      // it was past its Valid-Until, and that was accepted
}

// Platform is what the base of one platform is made of.
type Platform struct {
	Name     string    // "linux/amd64"
	Created  time.Time // date of its indexes, where it was locked later than the first ones; else zero
	Image    *Image    // nil for a base that is no image
	Packages []Package // sorted by name

	Standalone *Standalone // the interpreter, where that is no package; nil for other bases
	Builder    *Builder    // what source code is built in; nil where nothing is built

	Libraries []Library // sorted by distribution, library and package
}

// Library is a system package that is in the image because a Python distribution needs something of it.
type Library struct {
	Distribution string // normalized name
	Library      string // "libgomp.so.1", or the program that it runs
	Package      string // "libgomp1"
}

func (l Library) compare(o Library) int {
	return cmp.Or(strings.Compare(l.Distribution, o.Distribution), strings.Compare(l.Library, o.Library), strings.Compare(l.Package, o.Package))
}

// Builder is the root file system in which source code of one platform is built.
type Builder struct {
	Suite    string    // "trixie"
	Created  time.Time // date of its indexes
	Packages []Package // sorted by name; all of them have the part "builder"
}

// Package is one system package.
type Package struct {
	Name         string
	Version      string
	Architecture string // "amd64", "all"
	Hash         string // "sha256:<hex>"
	Size         int64  // bytes
	Archive      string // which mirror has it: "debian", "debian-security", the URL of a source; "" for a base with only one
	Path         string // below the mirror
	Part         string // the layer that it goes into: "base", "interpreter", "system", "builder"
	Reason       string // "root", or the package that needs it

	For []string // of a system package: the names that the project asked for and that need it, sorted

	InsteadOf string // of a package of a source: the version that Debian itself has; "" if it has none
}

// Size is the size of one Python distribution, a fact that the layer split depends on.
type Size struct {
	File string // its name
	Hash string // "sha256:<hex>"
	Size int64  // bytes

	// For are the targets that got this file, where the project's own lock lists hashes and no names: such a lock does not
	// tell which file is whose, and an index might change its mind. "linux/amd64 3.13 glibc-2.41", sorted.
	For []string
}

// Choices returns the files that a target got, by hash.
func (l *Lock) Choices(target string) map[string]Size {
	out := map[string]Size{}
	if l == nil {
		return out
	}
	for _, s := range l.Sizes {
		if slices.Contains(s.For, target) {
			out[s.Hash] = s
		}
	}
	return out
}

// AllowExpired tells whether an index past its Valid-Until was accepted.
func (b Base) AllowExpired() bool {
	return slices.ContainsFunc(b.Indexes, func(i Index) bool { return i.Expired }) ||
		slices.ContainsFunc(b.Sources, func(s Source) bool { return s.Expired })
}

// Platform returns the platform with this name, nil if the lock has none.
func (l *Lock) Platform(name string) *Platform {
	for i := range l.Platforms {
		if l.Platforms[i].Name == name {
			return &l.Platforms[i]
		}
	}
	return nil
}

// SizesByHash returns the sizes of distributions by their hashes, as far as the lock tells.
func (l *Lock) SizesByHash() map[string]int64 {
	out := map[string]int64{}
	if l == nil {
		return out
	}
	for _, s := range l.Sizes {
		out[s.Hash] = s.Size
	}
	return out
}

// normalize puts everything into the order of the file.
func (l *Lock) normalize() {
	l.Created = l.Created.UTC().Truncate(time.Second)
	for i := range l.Base.Indexes {
		l.Base.Indexes[i].Date = l.Base.Indexes[i].Date.UTC().Truncate(time.Second)
	}
	for i, s := range l.Base.Sources {
		l.Base.Sources[i].Date = s.Date.UTC().Truncate(time.Second)
	}
	slices.SortStableFunc(l.Base.Indexes, func(a, b Index) int { return strings.Compare(a.Suite, b.Suite) })
	slices.Sort(l.Base.System)
	slices.Sort(l.Base.Build)
	slices.SortStableFunc(l.Platforms, func(a, b Platform) int { return strings.Compare(a.Name, b.Name) })
	for i := range l.Platforms {
		l.Platforms[i].Created = l.Platforms[i].Created.UTC().Truncate(time.Second)
		slices.SortStableFunc(l.Platforms[i].Packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
		for _, p := range l.Platforms[i].Packages {
			slices.Sort(p.For)
		}
		slices.SortFunc(l.Platforms[i].Libraries, Library.compare)
		if b := l.Platforms[i].Builder; b != nil {
			b.Created = b.Created.UTC().Truncate(time.Second)
			slices.SortStableFunc(b.Packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	for i := range l.Sizes {
		slices.Sort(l.Sizes[i].For)
	}
	slices.SortStableFunc(l.Sizes, func(a, b Size) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Hash, b.Hash))
	})
	normalizeBuilds(l.Builds)
}

// clone copies a Lock as deep as normalize changes it.
func (l *Lock) clone() *Lock {
	c := *l
	c.Base.Indexes = slices.Clone(l.Base.Indexes)
	c.Base.System = slices.Clone(l.Base.System)
	c.Base.Build = slices.Clone(l.Base.Build)
	c.Base.Sources = slices.Clone(l.Base.Sources)
	c.Sizes = slices.Clone(l.Sizes)
	for i := range c.Sizes {
		c.Sizes[i].For = slices.Clone(c.Sizes[i].For)
	}
	c.Builds = cloneBuilds(l.Builds)
	c.Platforms = slices.Clone(l.Platforms)
	for i := range c.Platforms {
		c.Platforms[i].Libraries = slices.Clone(c.Platforms[i].Libraries)
		if b := c.Platforms[i].Builder; b != nil {
			c.Platforms[i].Builder = &Builder{Suite: b.Suite, Created: b.Created, Packages: slices.Clone(b.Packages)}
		}
		c.Platforms[i].Packages = slices.Clone(c.Platforms[i].Packages)
		for j := range c.Platforms[i].Packages {
			c.Platforms[i].Packages[j].For = slices.Clone(c.Platforms[i].Packages[j].For)
		}
	}
	return &c
}
