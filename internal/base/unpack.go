package base

import (
	"fmt"
	"os"
	"path"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/entry"
)

// maxUnpacked is the most bytes of one package's files. An interpreter's largest package has 8 MB; 1 GiB leaves room
// for machine learning and still fits a machine.
const maxUnpacked = 1 << 30

// unpacked is what the image takes of one package.
type unpacked struct {
	pin     Pin
	control string        // its control file
	entries []entry.Entry // usr-merged and pruned
	used    []entry.Entry // what other files are made of
	gone    []string      // paths that were pruned
	scripts []maintscript.Script
	pruned  []entry.Entry // files that the base does without, and a system package may need
}

// unpack reads a verified .deb, and refuses one that holds something else than its index said. With spare, what pruning
// takes of a base package is kept aside for system packages.
func unpack(file string, pin Pin, arch string, spare bool) (*unpacked, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := archive.Read(f, archive.Options{MaxSize: maxUnpacked})
	if err != nil {
		return nil, err
	}
	if err := p.CheckIs(pin.Name, pin.Version, arch); err != nil {
		return nil, err
	}
	u := &unpacked{pin: pin, control: p.Control.String()}
	if pin.Part == KindSystem {
		u.scripts = scripted(p)
	}
	return u, u.prune(p.Entries, spare)
}

// prune usr-merges the entries of a package and keeps what the table lets through.
func (u *unpacked) prune(entries []entry.Entry, spare bool) error {
	rows := prunings
	if u.pin.Part == KindSystem {
		rows = systemPrunings
	}
	seen := map[string]entry.Type{}
	for _, packaged := range entries {
		e, ok := merged(packaged)
		if !ok {
			continue
		}
		if before, twice := seen[e.Path]; twice && (before != entry.Dir || e.Type != entry.Dir) {
			return fmt.Errorf("%s stands in it twice after merging /usr", e.Path)
		} else if twice {
			continue
		}
		seen[e.Path] = e.Type
		switch fateOf(rows, e.Path) {
		case keep:
			u.entries = append(u.entries, e)
		case use:
			u.used = append(u.used, e)
			u.gone = append(u.gone, e.Path)
		case drop:
			u.gone = append(u.gone, e.Path)
			if spare && u.pin.Part != KindSystem && fateOf(systemPrunings, e.Path) == keep {
				u.pruned = append(u.pruned, e)
			}
		}
	}
	return nil
}

// checkPaths refuses packages that get in each other's way: two files at one path, or a path through what another
// package has as a file or link.
func checkPaths(all []*unpacked) error {
	type owned struct {
		entry.Entry
		by string
	}
	owner := map[string]owned{}
	for _, u := range all {
		for _, e := range u.entries {
			old, ok := owner[e.Path]
			if ok && (old.Type != entry.Dir || e.Type != entry.Dir) {
				return fmt.Errorf("packages %s and %s both have /%s", old.by, u.pin.Name, e.Path)
			}
			owner[e.Path] = owned{e, u.pin.Name}
		}
	}
	free := map[string]bool{} // folders that nothing is in the way of
	for _, u := range all {
		for _, e := range u.entries {
			for dir := path.Dir(e.Path); dir != "." && !free[dir]; dir = path.Dir(dir) {
				free[dir] = true
				if through, ok := owner[dir]; ok && through.Type != entry.Dir {
					return fmt.Errorf("package %s has /%s, but /%s of package %s is no directory", u.pin.Name, e.Path, dir, through.by)
				}
			}
		}
	}
	return nil
}
