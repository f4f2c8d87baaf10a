package build

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/store"
)

// maxLitheLock is the largest lithe.lock in bytes; a project with thousands of packages has less than one megabyte.
const maxLitheLock = 16 << 20

// readLitheLock reads lithe.lock, nil when there is none. The bytes are returned too, to see whether it changes.
func readLitheLock(dir, name string) (*lithelock.Lock, []byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() { // a device would never end
		return nil, nil, badLitheLock(name, "is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLitheLock+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxLitheLock {
		return nil, nil, badLitheLock(name, fmt.Sprintf("more than %d bytes are too many for a lithe.lock", maxLitheLock))
	}
	l, err := lithelock.Parse(name, data)
	return l, data, err
}

func badLitheLock(name, what string) error {
	return &diag.Error{Pos: diag.Position{File: name}, Code: "lithe-lock", What: what,
		Hint: "delete it and run `lithe lock`, which writes it anew"}
}

// litheLock is what this build would write. The format stays that of the old one, and so do the sizes of files that the
// project's lock still has.
func litheLock(d *decision) (*lithelock.Lock, error) {
	out := &lithelock.Lock{
		Version: lithelock.Version, Format: lithelock.Format, Created: d.pins.Created,
		Base: lockedBase(d.pins), Platforms: lockedPlatforms(d.pins), Sizes: lockedSizes(d),
		Builds: lockedBuilds(d),
	}
	if d.litheLock != nil {
		out.Format = d.litheLock.Format
	}
	// Of the first platform by name, whichever is built, so that builds for one and for another write the same file.
	first := slices.MinFunc(d.pins.Platforms, func(a, b base.Selection) int { return strings.Compare(a.Platform, b.Platform) })
	facts, err := d.pins.Facts(first.Platform)
	out.Python, out.Compiler = facts.Python, facts.Python
	return out, err
}

func lockedBase(pins *base.Pins) lithelock.Base {
	b := lithelock.Base{Name: pins.Name, Digest: pins.Image, System: pins.System, Build: pins.BuildPackages}
	for _, s := range pins.Sources {
		b.Sources = append(b.Sources, lithelock.Source(s))
	}
	for _, r := range pins.Releases {
		b.Indexes = append(b.Indexes, lithelock.Index{Suite: r.Suite, Date: r.Date, Expired: r.Expired})
	}
	return b
}

func lockedPlatforms(pins *base.Pins) []lithelock.Platform {
	var out []lithelock.Platform
	for _, s := range pins.Platforms {
		platform := lithelock.Platform{Name: s.Platform, Created: s.Created, Image: imageToLock(s.Image), Standalone: (*lithelock.Standalone)(s.Standalone),
			Builder: builderToLock(s.Builder)}
		for _, p := range s.Packages {
			platform.Packages = append(platform.Packages, lithelock.Package(p))
		}
		for _, l := range s.Libraries {
			platform.Libraries = append(platform.Libraries, lithelock.Library(l))
		}
		out = append(out, platform)
	}
	return out
}

// lockedSizes lists the files of the plans whose size the project's lock does not tell, and those of other targets.
func lockedSizes(d *decision) []lithelock.Size {
	unsized, choices := map[string]bool{}, d.choices()
	for _, pkg := range d.lock.Packages {
		for _, f := range pkg.Files {
			if f.Size == 0 {
				unsized[f.Hash] = true
			}
		}
	}
	for hash := range choices {
		unsized[hash] = true
	}
	var sizes []lithelock.Size
	known := map[string]bool{}
	add := func(s lithelock.Size) {
		if unsized[s.Hash] && !known[s.Hash] {
			known[s.Hash] = true
			s.For = choices[s.Hash]
			sizes = append(sizes, s)
		}
	}
	for _, v := range d.variants {
		for _, pkg := range v.packages {
			add(lithelock.Size{File: pkg.Filename, Hash: pkg.Hash, Size: pkg.Size})
		}
	}
	if d.litheLock != nil {
		for _, s := range d.litheLock.Sizes {
			add(s)
		}
	}
	return sizes
}

// saveLitheLock writes lithe.lock if it changes, and returns what changed in a sentence each. With --locked a change is
// an error.
func (b *builder) saveLitheLock(d *decision) ([]string, error) {
	l, err := litheLock(d)
	if err != nil {
		return nil, err
	}
	b.tellReplaced(d)
	data := l.Encode()
	if bytes.Equal(data, d.litheLockData) {
		return nil, nil
	}
	what := "wrote " + b.opt.litheLock() + ": commit it, so that every build has the same base"
	if d.litheLock != nil {
		what = "updated " + b.opt.litheLock()
	}
	if b.opt.Locked {
		return nil, outOfDate(d.inputs)
	}
	// Until it is whole the file has a name that package project keeps out of images.
	if err := store.Replace(filepath.Join(b.opt.Dir, b.opt.litheLock()), bytes.NewReader(data)); err != nil {
		return nil, &diag.Error{Pos: diag.Position{File: b.opt.litheLock()}, Code: "lithe-lock", Err: err,
			What: fmt.Sprintf("lithe.lock cannot be written: %v", err),
			Hint: "run `lithe lock` where the project may be written to, and commit the result"}
	}
	return []string{what}, nil
}

// hintStale is what brings lithe.lock up to date.
const hintStale = "run `lithe lock`, and commit the result"

func outOfDate(in *inputs) error { return staleLock(in) }

func staleLock(in *inputs) *diag.Error {
	e := &diag.Error{Pos: diag.Position{File: in.litheLockFile}, Code: "lithe-lock", What: "lithe.lock does not fit the project",
		Hint: hintStale}
	if in.litheLock == nil {
		e.What = "there is no lithe.lock"
	}
	return e
}
