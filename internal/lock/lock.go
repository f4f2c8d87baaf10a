// Package lock reads the lock file of a Python project.
//
// A folder goes in; one graph comes out, whatever tool wrote the file: packages with their files, edges with markers
// and extras, and for the project and each member of its workspace the edges of its groups and extras. What is
// chosen from the graph for a target is plan's business; here nothing is evaluated. Problems of the file come
// together as a diag.List with file and line. What the lock says about files is checked as far as it can be without
// opening them: no file of another project, no URL or path that leads astray, no Git source without a commit.
// Whether the lock still fits pyproject.toml is told apart, in Stale, since looking at a stale lock is fine and
// building from it is not. A format is one file and one line in formats.go.
package lock

import (
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Lock is a lock file with what selection needs of pyproject.toml.
type Lock struct {
	Format string // "poetry", "uv", "pdm", "pipenv", "pylock", "requirements"
	Path   string // of the file, relative to the project's folder where it is inside
	Digest string // "sha256:<hex>" of the file

	RequiresPython    Constraint
	RequiresPythonPos diag.Position

	Packages []Package // in the order of the file; for formats that do not list the project it is the last one
	Script   string    // the script that the lock is of, "" for one of projects; it has Requirements, and no Root
	Root     int       // the project of the lock's folder, an index into Packages; -1 in a workspace without one
	Members  []int     // the projects of the workspace, with Root; indexes into Packages

	// Top is the outermost folder that files and folders of the lock may stand in, from the folder of the lock: "../..". It is
	// "" for that folder itself; who reads the lock widens it.
	Top string

	// Requirements and Groups belong to a workspace whose folder holds no project, Requirements also to a script.
	Requirements []Dependency
	Groups       []Group

	Environments []marker.Marker  // the lock is for these; nil means any
	Conflicts    [][]ConflictItem // of each set at most one may be chosen
	Strict       bool             // a package whose requires-python does not admit the target is an error
	Flat         bool             // the project's edges list every package, so edges between packages only explain
	Unhashed     bool             // packages without a hash are among them, so that nothing vouches for the list being whole

	// Indexes are those that the file or the project names. Their addresses may hold credentials and variables such as
	// "${TOKEN}", and so are for package artifact and nobody else; Source.URL of packages has no credentials.
	Indexes      []Index
	ExtraIndexes []string // as Source.URL; asked for what the index of a package lacks, in formats that list them

	Stale    diag.List // how the lock differs from pyproject.toml; empty for a fresh lock
	Warnings diag.List // what a user should know, though it stops nothing
}

// Package is one version of one project from one source.
type Package struct {
	Name    string // normalised
	Version string // "" where it is only known after a build
	Pos     diag.Position
	Source  Source
	Files   []File

	// Hashes are those of the files of a package whose format does not name its files: "sha256:<hex>", sorted. An index
	// tells which is which; then Files has those that the two lists keep.
	Hashes             []string
	NoWheels, NoSdists bool // of Hashes, for who turns them into Files

	// Unhashed is a package of which the file has the version alone, where that was allowed. Files are those that an index
	// has of it.
	Unhashed bool

	Dependencies []Dependency
	Extras       []Group // what an extra adds
	Groups       []Group // what a dependency group holds; only for the project and members

	RequiresPython Constraint      // admits the package, in formats where that decides between versions
	Markers        []marker.Marker // of the forks that have the package: one must hold; nil means all
}

// SourceKind says where a package comes from.
type SourceKind string

// The kinds of source.
const (
	Registry  SourceKind = "index"     // an index of packages, or a folder of files that serves as one
	URL       SourceKind = "url"       // one file by its address
	Git       SourceKind = "git"       // a commit of a repository
	Archive   SourceKind = "path"      // one file in the project's folder
	Directory SourceKind = "directory" // a folder with source code
	Editable  SourceKind = "editable"  // likewise; an image installs it as any other
	Virtual   SourceKind = "virtual"   // a project that is not installed
)

// Source is where a package comes from.
type Source struct {
	Kind         SourceKind
	URL          string // of the index (simple API), file or repository; "" means the default index
	Index        string // the name that the project gives the index
	Path         string // slash-separated, relative to the lock file; of a requirements file, to the project's folder
	Reference    string // branch, tag or revision asked for
	Commit       string // full
	Subdirectory string
	Pos          diag.Position
}

// Local tells whether the source is in the project's own file system.
func (s Source) Local() bool {
	return s.Kind == Archive || s.Kind == Directory || s.Kind == Editable || s.Kind == Virtual
}

// Index is an index of packages.
type Index struct {
	Name string // that the project gives it; "" for none
	URL  string // as written
	Pos  diag.Position
}

// File is one distribution file of a package.
type File struct {
	Name string // file name
	URL  string // "" when the lock has none
	Path string // of a file on disk, relative to the lock file; "" otherwise
	Hash string // "sha256:<hex>", as in the lock; "" when it has none
	Size int64  // 0 when unknown
	Pos  diag.Position

	Wheel wheeltag.Filename // what the name says; without tags for other files than wheels
}

// IsWheel tells a wheel from a source distribution.
func (f File) IsWheel() bool { return len(f.Wheel.Tags) > 0 }

// Group is a named list of dependencies: an extra or a dependency group.
type Group struct {
	Name         string // normalised
	Default      bool   // chosen by the tool when nobody says otherwise; for groups
	Always       bool   // part of every target, since what the tool installs to production stands there
	Dependencies []Dependency
}

// Dependency is an edge of the graph.
type Dependency struct {
	Name   string // normalised
	Extras []string
	Marker marker.Marker
	Python Constraint // beside the marker, as Poetry has it
	To     []int      // packages that satisfy it, best first
	Pos    diag.Position
}

// ConflictItem is a project, or an extra or group of it.
type ConflictItem struct{ Package, Extra, Group string }

// Extra returns what an extra adds, nil when the package has no such extra.
func (p *Package) Extra(name string) *Group { return named(p.Extras, name) }

// Group returns what a dependency group holds, nil when the package has no such group.
func (p *Package) Group(name string) *Group { return named(p.Groups, name) }

func named(groups []Group, name string) *Group {
	for i := range groups {
		if groups[i].Name == name {
			return &groups[i]
		}
	}
	return nil
}
