package base

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/fetch"
)

// maxHolding is how many packages may have a file before nothing is said: their names would be no help.
const maxHolding = 64

// Holding returns the Debian packages of the suite of a base that have a file, best first: those to build with, of them the
// shortest name. Which file is meant, rank says: of all paths those with the lowest number above 0 count. It reads the whole
// Contents index, some seconds, and is for when something went wrong.
func Holding(ctx context.Context, client *fetch.Client, opt Options, platform string, rank func(path string) int) ([]string, error) {
	su, err := suiteOf(opt.Name)
	if err != nil {
		return nil, err
	}
	arch, err := architecture(platform)
	if err != nil {
		return nil, err
	}
	archives, _, err := openArchives(ctx, client, su, opt, serialized(nil))
	if err != nil {
		return nil, err
	}
	s := archives[0]
	index, err := s.contents(arch)
	if err != nil {
		return nil, err
	}
	var best int
	var found []string
	want := func(path []byte) bool { n := rank(string(path)); return n > 0 && (best == 0 || n <= best) }
	err = s.readContents(ctx, index, want, func(path string, packages []string) error {
		if n := rank(path); n != best {
			best, found = n, nil
		}
		if len(found) < maxHolding {
			found = append(found, packages...)
		}
		return nil
	})
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(isVariant(b), isVariant(a)), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return slices.Compact(found), err
}
