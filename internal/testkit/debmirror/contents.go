package debmirror

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// contents returns the Contents file of an architecture: every path with the packages that have it.
func (s Suite) contents(arch string) []byte {
	owners := map[string][]string{}
	for _, p := range s.Packages {
		if p.arch() != arch {
			continue // files of the architecture "all" have an index of their own
		}
		for _, f := range p.Files {
			if name := strings.TrimPrefix(f.Path, "/"); !f.Dir && !slices.Contains(owners[name], "libs/"+p.Name) {
				owners[name] = append(owners[name], "libs/"+p.Name)
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		fmt.Fprintf(&b, "%-55s %s\n", name, strings.Join(owners[name], ","))
	}
	return []byte(b.String())
}
