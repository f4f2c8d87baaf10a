package trace

import (
	"cmp"
	"slices"
	"time"
)

// CriticalPath returns the chain of work that decided how long a run took, in the order of time: the span that ended last,
// before it the one that ended last before that began, and so on. Nothing records who waited for whom, so a span is in the
// chain because nothing else ended later, not because the next one is known to have needed it. Stages are no work of their
// own, and waiting for a lock is.
func CriticalPath(spans []Span) (chain []Span) {
	work := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Kind == Stage || s.Duration() <= 0 })
	slices.SortStableFunc(work, func(a, b Span) int { return cmp.Compare(b.End, a.End) })
	until := time.Duration(1<<63 - 1)
	for _, s := range work {
		if s.End <= until {
			chain, until = append(chain, s), s.Start
		}
	}
	slices.Reverse(chain)
	return chain
}

// Longest returns the n longest spans of the kinds, longest first.
func Longest(spans []Span, n int, kinds ...Kind) []Span {
	of := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return !slices.Contains(kinds, s.Kind) })
	slices.SortStableFunc(of, func(a, b Span) int { return cmp.Compare(b.Duration(), a.Duration()) })
	return of[:min(n, len(of))]
}

// Busy returns how long spans of a kind were under way: added up, and with what was side by side counted once.
func Busy(spans []Span, kind Kind) (sum, wall time.Duration) {
	of := ofKind(spans, kind)
	slices.SortStableFunc(of, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	var end time.Duration
	for _, s := range of {
		sum += s.Duration()
		wall += max(s.End-max(s.Start, end), 0)
		end = max(end, s.End)
	}
	return sum, wall
}
