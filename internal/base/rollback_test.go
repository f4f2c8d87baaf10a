package base

import (
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
)

func TestCheckNotOlder(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, time.August, n, 0, 0, 0, 0, time.UTC) }
	pins := func(name string, main, security int) *Pins {
		return &Pins{Name: name, Releases: []Release{{Suite: "trixie", Date: day(main)}, {Suite: "trixie-security", Date: day(security)}}}
	}
	for _, tt := range []struct {
		name     string
		earlier  *Pins
		problems int
	}{
		{"none before", nil, 0},
		{"the same", pins("debian:trixie", 5, 5), 0},
		{"older before", pins("debian:trixie", 1, 2), 0},
		{"one newer before", pins("debian:trixie", 5, 6), 1},
		{"both newer before", pins("debian:trixie", 7, 6), 2},
		{"another base", pins("debian:bookworm", 7, 6), 0},
		{"a suite that is new", &Pins{Name: "debian:trixie"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			problems, _ := diag.Problems(pins("debian:trixie", 5, 5).CheckNotOlder(tt.earlier))
			if len(problems) != tt.problems {
				t.Errorf("%d problems, want %d: %v", len(problems), tt.problems, problems)
			}
		})
	}
}
