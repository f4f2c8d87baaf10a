package base

import (
	"cmp"
	"slices"
	"strings"
)

// maxNear is how many names a hint shows.
const maxNear = 5

// near returns the names that somebody who wrote this one may have meant: those that begin with it, as Debian adds
// versions to the names of libraries, and those that differ in a letter, or in two where they are long. The nearest come
// first.
func (c *catalogue) near(name string) []string {
	type found struct {
		name     string
		distance int
	}
	var all []found
	most := 1
	if len(name) > 7 {
		most = 2
	}
	for other := range c.newest {
		d := distance(name, other)
		if strings.HasPrefix(other, name) {
			d = min(d, 1)
		}
		if d <= most {
			all = append(all, found{other, d})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(a.distance-b.distance, len(a.name)-len(b.name), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, f := range all[:min(len(all), maxNear)] {
		names = append(names, f.name)
	}
	return names
}

// distance is the number of letters to insert, delete or replace on the way from a to b; 3 stands for all above 2.
func distance(a, b string) int {
	const far = 3
	if len(a)-len(b) >= far || len(b)-len(a) >= far {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
			least = min(least, row[j+1])
		}
		if least >= far {
			return far
		}
	}
	return min(row[len(b)], far)
}
