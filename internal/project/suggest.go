package project

import (
	"math"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
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
	best, bestDistance := "", math.MaxInt
	for _, candidate := range names {
		for _, c := range []string{candidate, lastPart(candidate)} {
			d := min(diag.Distance(name, c), diag.Distance(strings.ToLower(name), strings.ToLower(c)))
			if d < bestDistance && 2*d <= max(len(name), len(c)) {
				best, bestDistance = candidate, d
			}
		}
	}
	return best
}

// quoted quotes a name for a message.
func quoted(s string) string { return strconv.Quote(s) }
