package base

import (
	"fmt"
	"slices"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
)

// CheckNotOlder refuses a base whose indexes are older than those of an earlier one of the same name: a mirror that is
// behind, or somebody who offers yesterday's packages with yesterday's good signatures, to keep a hole open. All suites
// are told together.
func (p *Pins) CheckNotOlder(earlier *Pins) error {
	if earlier == nil || earlier.Name != p.Name {
		return nil
	}
	dates := map[string]time.Time{}
	for _, r := range earlier.Releases {
		dates[r.Suite] = r.Date
	}
	var problems diag.List
	for _, r := range p.Releases {
		if before := dates[r.Suite]; r.Date.Before(before) {
			problems.Add(&diag.Error{Code: "older-index",
				What: fmt.Sprintf("Debian suite %s: the mirror's index is of %s, and lithe.lock has a newer one, of %s", r.Suite,
					r.Date.UTC().Format(time.RFC3339), before.UTC().Format(time.RFC3339)),
				Hint: "try again later, or name another mirror with --debian-mirror; to go back on purpose, delete lithe.lock first"})
		}
	}
	return append(problems, p.sourcesNotOlder(earlier)...).Err()
}

// sourcesNotOlder refuses older indexes of sources, as CheckNotOlder does.
func (p *Pins) sourcesNotOlder(earlier *Pins) (problems diag.List) {
	for _, s := range p.Sources {
		i := slices.IndexFunc(earlier.Sources, func(o SourcePin) bool { return o.URL == s.URL && o.Suite == s.Suite })
		if i >= 0 && !s.Date.IsZero() && s.Date.Before(earlier.Sources[i].Date) {
			problems.Add(&diag.Error{Code: "older-index",
				What: fmt.Sprintf("%s: the repository's index is of %s, and lithe.lock has a newer one, of %s", s,
					s.Date.UTC().Format(time.RFC3339), earlier.Sources[i].Date.UTC().Format(time.RFC3339)),
				Hint: "try again later; to go back on purpose, delete lithe.lock first"})
		}
	}
	return problems
}
