package base

import (
	"testing"
	"time"
)

func TestEndOfLife(t *testing.T) {
	for _, tt := range []struct {
		python string
		now    time.Time
		month  string
		passed bool
	}{
		{"3.10.19", time.Date(2026, time.October, 31, 23, 59, 59, 0, time.UTC), "October 2026", false},
		{"3.10.19", time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC), "October 2026", true},
		{"3.6", time.Date(2021, time.December, 31, 0, 0, 0, 0, time.UTC), "December 2021", false},
		{"3.6", time.Date(2022, time.January, 1, 0, 0, 0, 0, time.UTC), "December 2021", true},
		{"3.99", time.Date(2099, time.January, 1, 0, 0, 0, 0, time.UTC), "", false},
	} {
		if month, passed := EndOfLife(tt.python, tt.now); month != tt.month || passed != tt.passed {
			t.Errorf("EndOfLife(%s, %s) = %q, %t", tt.python, tt.now, month, passed)
		}
	}
}

// The table has every Python that a base may have.
func TestCycles(t *testing.T) {
	for _, p := range Pythons() {
		if month, _ := EndOfLife(p.Version, time.Time{}); month == "" {
			t.Errorf("Python %s has no end", p.Version)
		}
	}
}
