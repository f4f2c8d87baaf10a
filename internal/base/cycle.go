package base

import (
	"fmt"
	"time"
)

// OldestPython is the first minor version of CPython 3 that lithe builds for. Those before it ended before lithe began.
const OldestPython = 9

// newestPython is the last one that was known when the table was written.
const newestPython = 15

// cycle is when a minor version of CPython gets its last security fixes: in or before this month.
type cycle struct {
	minor int
	year  int
	month time.Month
}

// cycles are as of November 2026. See https://devguide.python.org/versions/.
var cycles = []cycle{
	{6, 2021, time.December},
	{7, 2023, time.June},
	{8, 2024, time.October},
	{9, 2025, time.October},
	{10, 2026, time.October},
	{11, 2027, time.October},
	{12, 2028, time.October},
	{13, 2029, time.October},
	{14, 2030, time.October},
	{15, 2031, time.October},
}

// EndOfLife returns the month in which a Python got its last security fixes, "October 2025", and whether it has passed.
// The month is empty for a Python that the table does not know.
func EndOfLife(python string, now time.Time) (month string, passed bool) {
	for _, c := range cycles {
		if MinorNumber(python) == c.minor {
			after := time.Date(c.year, c.month+1, 1, 0, 0, 0, 0, time.UTC)
			return fmt.Sprintf("%s %d", c.month, c.year), !now.Before(after)
		}
	}
	return "", false
}
