package lock

import (
	"slices"
	"strings"

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
			f, ok := byHash[hash]
			if !ok || unsafeName(f.Name) != "" {
				continue
			}
			f.Hash, f.Pos = hash, p.Pos
			if strings.HasSuffix(f.Name, ".whl") {
				var err error
				if f.Wheel, err = wheeltag.ParseFilename(f.Name); err != nil || p.NoWheels {
					continue
				}
			} else if sdistSuffix(f.Name) == "" || p.NoSdists {
				continue
			}
			p.Files = append(p.Files, f)
		}
	}
	return &out
}
