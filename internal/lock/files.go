package lock

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// WithFiles returns the lock with the files of packages that list hashes only, as far as the map has their hashes. What
// the map says comes from an index or from lithe.lock; since a hash is of one file, it cannot add one that the lock file
// does not mean. Packages for which it has nothing stay as they are.
func (l *Lock) WithFiles(byHash map[string]File) *Lock {
	out := *l
	out.Packages = slices.Clone(l.Packages)
	for i := range out.Packages {
		p := &out.Packages[i]
		if len(p.Files) > 0 {
			continue
		}
		for _, hash := range p.Hashes {
			if f, ok := byHash[hash]; ok {
				f.Hash = hash
				p.take(f)
			}
		}
	}
	return &out
}

// Pin is a version of a project, without any word about its files.
type Pin struct{ Name, Version string }

// WithPins returns the lock with the files of packages of which it has the version alone. A file of another project or
// version is left out, whoever says that it is one. Packages for which the map has nothing stay as they are.
func (l *Lock) WithPins(files map[Pin][]File) *Lock {
	out := *l
	out.Packages = slices.Clone(l.Packages)
	for i := range out.Packages {
		p := &out.Packages[i]
		if !p.Unhashed || len(p.Files) > 0 {
			continue
		}
		for _, f := range files[Pin{p.Name, p.Version}] {
			if f.Hash != "" && (Pin{p.Name, p.Version}).Names(f.Name) {
				p.take(f)
			}
		}
	}
	return &out
}

// Names tells whether a file is one of the version, by its name. Unlike in a lock that has hashes, the local part of the
// version counts: "torch 2.1" and "torch 2.1+cpu" are two releases.
func (p Pin) Names(file string) bool {
	project, release := "", ""
	if f, err := wheeltag.ParseFilename(file); err == nil {
		project, release = name.Normalize(f.Name), f.Version.String()
	} else if suffix := sdistSuffix(file); suffix != "" {
		if rest, ok := sdistVersion(strings.TrimSuffix(file, suffix), p.Name); ok {
			project, release = p.Name, rest
		}
	}
	want, err := version.Parse(p.Version)
	if err != nil { // behind "===", where texts are compared
		return project == p.Name && release == p.Version
	}
	got, err := version.Parse(release)
	return project == p.Name && err == nil && got.Compare(want) == 0
}

// take adds a file that somebody else names, unless it is none or the options of the lock file keep its kind out.
func (p *Package) take(f File) {
	if unsafeName(f.Name) != "" {
		return
	}
	f.Pos = p.Pos
	if strings.HasSuffix(f.Name, ".whl") {
		var err error
		if f.Wheel, err = wheeltag.ParseFilename(f.Name); err != nil || p.NoWheels {
			return
		}
	} else if sdistSuffix(f.Name) == "" || p.NoSdists {
		return
	}
	p.Files = append(p.Files, f)
}
