package project

import (
	"strconv"
	"strings"
)

// suggestion is the hint for a name that is none of names: the nearest one, or all of them behind otherwise.
func suggestion(name string, names []string, otherwise string) string {
	if near := nearest(name, names); near != "" {
		return "did you mean `" + near + "`?"
	}
	return otherwise + strings.Join(names, ", ")
}

// nearest returns the name that differs least, "" where all differ in more than half. A dotted name may also be meant by
// its last part, so that "exclude" finds "files.exclude".
func nearest(name string, names []string) string {
	name = strings.ReplaceAll(name, "_", "-")
	best, bestDistance := "", len(name)+maxDistanceLength
	for _, candidate := range names {
		for _, c := range []string{candidate, lastPart(candidate)} {
			d := min(distance(name, c), distance(strings.ToLower(name), strings.ToLower(c)))
			if d < bestDistance && 2*d <= max(len(name), len(c)) {
				best, bestDistance = candidate, d
			}
		}
	}
	return best
}

// maxDistanceLength bounds the work on a name from outside; no key is nearly as long.
const maxDistanceLength = 64

// distance counts the letters to insert, drop, replace, or exchange with a neighbour, to make b of a.
func distance(a, b string) int {
	if len(a) > maxDistanceLength || len(b) > maxDistanceLength {
		return len(a) + len(b)
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ(a[i], b[j]))
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// quoted quotes a name for a message.
func quoted(s string) string { return strconv.Quote(s) }
