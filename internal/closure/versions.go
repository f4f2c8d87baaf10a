package closure

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// versions notes the symbol versions that a file's libraries do not have. A library without any versions satisfies the
// loader, with a warning.
func (c *checker) versions(f *file) {
	if f.foreign {
		return
	}
	wanted := map[string][]string{}
	var libraries []string
	for _, r := range f.Requires {
		library, version, _ := strings.Cut(r, " ")
		if wanted[library] == nil {
			libraries = append(libraries, library)
		}
		wanted[library] = append(wanted[library], version)
	}
	for _, library := range libraries {
		if lacks, has := c.lacks(f, library, wanted[library]); len(lacks) > 0 {
			one := c.lacking.add(need{f, library})
			one.lacks, one.has = append(one.lacks, lacks...), has
		}
	}
}

// maxCandidates is how many files of one name are looked at, which lie where no loader looks.
const maxCandidates = 1000

// lacks returns which of some versions a library does not have, and which it has. A library that is nowhere is told
// elsewhere; of several by one name, one will do.
func (c *checker) lacks(f *file, library string, wanted []string) (lacks, has []string) {
	candidates := c.names[library]
	if g := c.lookup(f, f, library); g != nil {
		candidates = []*file{g}
	}
	for i, g := range candidates[:min(len(candidates), maxCandidates)] {
		if len(g.Provides) == 0 {
			return nil, nil
		}
		missing := slices.DeleteFunc(slices.Clone(wanted), func(v string) bool {
			_, ok := slices.BinarySearch(g.Provides, v)
			return ok
		})
		if len(missing) == 0 {
			return nil, nil
		}
		if i == 0 {
			lacks, has = missing, g.Provides
		}
	}
	return lacks, has
}

// kind returns what stands before the number: "GLIBC" for GLIBC_2.38.
func kind(version string) string {
	if i := strings.LastIndexByte(version, '_'); i >= 0 {
		return version[:i]
	}
	return ""
}

// highestOfEach returns the highest version of each kind.
func highestOfEach(versions []string) []string {
	highest := map[string]string{}
	for _, v := range versions {
		if old, ok := highest[kind(v)]; !ok || Compare(v, old) > 0 {
			highest[kind(v)] = v
		}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(highest)) {
		out = append(out, highest[k])
	}
	return out
}

// highestOf returns the highest version of a kind, "" if there is none.
func highestOf(versions []string, of string) (highest string) {
	for _, v := range versions {
		if kind(v) == of && (highest == "" || Compare(v, highest) > 0) {
			highest = v
		}
	}
	return highest
}

// Compare orders versions of one kind by their numbers: GLIBC_2.4 before GLIBC_2.38. Words, as in GLIBC_PRIVATE, come
// before numbers.
func Compare(a, b string) int {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	split := func(s string) []string { return strings.Split(s[strings.LastIndexByte(s, '_')+1:], ".") }
	return cmp.Or(slices.CompareFunc(split(a), split(b), func(x, y string) int { return cmp.Compare(number(x), number(y)) }),
		strings.Compare(a, b))
}
