package wheel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
)

// errTwoOwners is the cause of every overlap error.
var errTwoOwners = errors.New("two distributions at one path")

// Overlaps finds files of several distributions at one path. Equal files stay in all of them. For different ones the
// user must have named the winner: winners maps a path (relative to site-packages, or of the image, with a leading
// slash or without) to a distribution. It returns, by normalized name, the paths that the losers are to be installed
// without (InstallOptions.Drop), sorted; or all overlaps that nobody decided, as a diag.List.
func Overlaps(all []*Installed, winners map[string]string) (map[string][]string, error) {
	owners := map[string][]*Installed{}
	for _, in := range all {
		for p := range in.rows {
			owners[p] = append(owners[p], in)
		}
	}
	drops := map[string][]string{}
	var problems diag.List
	for p, list := range owners {
		if len(list) < 2 || sameFile(p, list) {
			continue
		}
		winner := name.Normalize(cmp.Or(winners["/"+p], winners[p], winners[list[0].recordPath(p)]))
		if !slices.ContainsFunc(list, func(in *Installed) bool { return name.Normalize(in.Name) == winner }) {
			problems.Add(overlapError(p, list))
			continue
		}
		for _, in := range list {
			if n := name.Normalize(in.Name); n != winner {
				drops[n] = append(drops[n], p)
			}
		}
	}
	checkTrees(owners, &problems)
	for _, list := range drops {
		slices.Sort(list)
	}
	slices.SortFunc(problems, func(a, b *diag.Error) int { return strings.Compare(a.What, b.What) })
	return drops, problems.Err()
}

// sameFile reports whether all have the same bytes at p. Bytecode of equal sources is equal, so rows without a hash
// are left to their sources.
func sameFile(p string, list []*Installed) bool {
	for _, in := range list[1:] {
		if !bytes.Equal(in.rows[p].hash, list[0].rows[p].hash) {
			return false
		}
	}
	return true
}

// overlapError names both distributions and the key that decides.
func overlapError(p string, list []*Installed) *diag.Error {
	a, b := list[0], list[1]
	key := "/" + p
	if rest, ok := strings.CutPrefix(p, a.site+"/"); ok {
		key = rest
	}
	return &diag.Error{Code: "overlap", Err: errTwoOwners,
		What: fmt.Sprintf("%s %s and %s %s both install /%s, with different contents", a.Name, a.Version, b.Name, b.Version, p),
		Hint: fmt.Sprintf("name the one to keep in [tool.lithe.overlaps]: `%q = %q`", key, a.Name)}
}

// checkTrees reports files of one distribution that are directories of another: no winner can settle that.
func checkTrees(owners map[string][]*Installed, problems *diag.List) {
	clean := map[string]bool{} // directories that no file stands above or in place of
	for p, list := range owners {
		before := len(*problems)
		var above []string
		for dir := parent(p); dir != "" && !clean[dir]; dir = parent(dir) {
			if other := owners[dir]; other != nil {
				problems.Add(&diag.Error{Code: "overlap", Err: errTwoOwners, What: fmt.Sprintf(
					"/%s is a file of %s and a directory of %s", dir, other[0].Name, list[0].Name)})
			}
			above = append(above, dir)
		}
		if len(*problems) == before {
			for _, dir := range above {
				clean[dir] = true
			}
		}
	}
}
