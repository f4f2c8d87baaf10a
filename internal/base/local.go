package base

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/store"
)

// archiveLocal is the archive of packages that are files of the project.
const archiveLocal = "local"

// ReadLocal reads a .deb of the project: a Want that stands for this one file. It is read once, and only its name, its relations and its
// hash are kept.
func ReadLocal(file io.Reader, name string, pos diag.Position) (Want, error) {
	sum := sha256.New()
	limited := &io.LimitedReader{R: file, N: maxPackage + 1}
	all := io.TeeReader(limited, sum)
	p, err := archive.Read(all, archive.Options{MaxSize: maxUnpacked, Content: func(_ entry.Entry, r io.Reader) (entry.Content, error) {
		_, err := io.Copy(io.Discard, r)
		return entry.Bytes(nil), err
	}})
	if err == nil {
		_, err = io.Copy(io.Discard, all)
	}
	if err == nil && limited.N <= 0 {
		err = fmt.Errorf("it has more than %d bytes", int64(maxPackage))
	}
	if err != nil {
		return Want{}, &diag.Error{Pos: pos, Code: "local-package", What: fmt.Sprintf("%s is no Debian package: %v", name, err), Err: err}
	}
	field := p.Control.Get
	s := newStanza(packages.Package{Name: p.Name, Version: p.Version, Architecture: p.Architecture, Filename: filepath.ToSlash(filepath.Clean(name)),
		Hash: "sha256:" + hex.EncodeToString(sum.Sum(nil)), Size: maxPackage + 1 - limited.N, Depends: field("Depends"), PreDepends: field("Pre-Depends"),
		Provides: field("Provides"), Conflicts: field("Conflicts"), Breaks: field("Breaks")})
	s.archive = archiveLocal
	return Want{Name: s.Name, Version: s.Version, Pos: pos, local: &s}, nil
}

// fits reports a want that a platform can have: packages by name, and files for its architecture.
func (w Want) fits(arch string) bool {
	return w.local == nil || w.local.Architecture == arch || w.local.Architecture == "all"
}

// withLocal adds the files among some wants to what the indexes offer, before them, and returns the wants of an architecture. A project
// for several architectures names a file for each.
func (c *catalogue) withLocal(wants []Want, arch string) ([]Want, error) {
	var problems diag.List
	var all []Want
	for _, w := range wants {
		if !w.fits(arch) {
			if !slices.ContainsFunc(wants, func(o Want) bool { return o.Name == w.Name && o.local != nil && o.fits(arch) }) {
				problems.Add(&diag.Error{Pos: w.Pos, Code: "local-architecture", What: fmt.Sprintf("%s is for %s, and no file of %s is for %s",
					w, w.local.Architecture, w.Name, arch), Hint: "name the file for it as well"})
			}
			continue
		}
		all = append(all, w)
		if w.local == nil {
			continue
		}
		old := c.newest[w.Name]
		if old != nil && old.archive == archiveLocal {
			if old.Hash != w.local.Hash {
				problems.Add(&diag.Error{Pos: w.Pos, Code: "two-versions", What: fmt.Sprintf("%s and ./%s are both package %s", w, old.Path, w.Name),
					Hint: "name one of them"})
			}
			continue
		}
		if old != nil {
			c.older[w.Name] = append(c.older[w.Name], old)
			slices.SortStableFunc(c.older[w.Name], newerStanza)
		}
		for name, list := range c.providers {
			c.providers[name] = slices.DeleteFunc(list, func(s *stanza) bool { return s == old })
		}
		c.newest[w.Name] = w.local
		for name := range providedNames(w.local.Provides) {
			c.providers[name] = append(c.providers[name], w.local)
			slices.SortFunc(c.providers[name], byName)
		}
	}
	return all, problems.Err()
}

// checkLocalBuild refuses files of the project that would stand in place of what every build has.
func (c *closure) checkLocalBuild(wants []Want) {
	for _, w := range wants {
		if w.local != nil && c.chosen[w.Name] != nil {
			c.problems.Add(&diag.Error{Pos: w.Pos, Code: "base-package", What: fmt.Sprintf("%s would replace %s, which everything is built with", w, w.Name),
				Hint: "leave it out"})
		}
	}
}

// checkLocal refuses a file of the project that would stand in place of a package of base or interpreter.
func (c *closure) checkLocal(w Want) bool {
	p := c.chosen[w.Name]
	if w.local == nil || p == nil || p.part == KindSystem || p.part == KindBuilder {
		return true
	}
	c.problems.Add(&diag.Error{Pos: w.Pos, Code: "base-package", What: fmt.Sprintf("%s would replace %s of the base", w, w.Name),
		Hint: "a base that has it is an image of your own"})
	return false
}

// HasLocal reports whether the pins have the files among some wants as they are now.
func (p *Pins) HasLocal(wants []Want) bool {
	return !slices.ContainsFunc(p.Platforms, func(s Selection) bool { return s.lacksLocal(s.Packages, wants) })
}

// HasLocalBuild reports likewise whether the builders have those among what building needs.
func (p *Pins) HasLocalBuild(wants []Want) bool {
	return !slices.ContainsFunc(p.Platforms, func(s Selection) bool { return s.Builder != nil && s.lacksLocal(s.Builder.Packages, wants) })
}

func (s Selection) lacksLocal(pins []Pin, wants []Want) bool {
	return slices.ContainsFunc(wants, func(w Want) bool {
		return w.local != nil && w.fits(strings.TrimPrefix(s.Platform, "linux/")) &&
			!slices.ContainsFunc(pins, func(pin Pin) bool { return pin.Hash == w.local.Hash && pin.Path == w.local.Path })
	})
}

// importLocal brings a .deb of the project into the store, and returns its file there.
func importLocal(st *store.Store, dir string, p Pin) (string, error) {
	if file, ok := st.Blob(p.Hash); ok {
		return file, nil
	}
	f, err := os.OpenInRoot(dir, filepath.FromSlash(p.Path))
	if err != nil {
		return "", err
	}
	defer f.Close()
	w, err := st.Create()
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err = io.Copy(w, io.LimitReader(f, p.Size+1)); err == nil {
		_, err = w.Commit(p.Hash)
	}
	if errors.Is(err, store.ErrMismatch) {
		return "", &diag.Error{Code: "hash-mismatch", What: fmt.Sprintf("%s changed while it was used", p.Path), Hint: "build again", Err: err}
	}
	file, _ := st.Blob(p.Hash)
	return file, err
}
