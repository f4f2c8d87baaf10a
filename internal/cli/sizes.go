package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units of bytes, as people write them. MB is 10^6 everywhere in lithe.
var units = []struct {
	name  string
	bytes float64
}{
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3},
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// sizeText writes bytes with one digit after the point.
func sizeText(n int64) string {
	for _, u := range units[:4] {
		if float64(n) >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// parseSize reads what people write: "10GB", "1.5 GiB", "500000". 0 is a size.
func parseSize(s string) (int64, error) {
	number, scale := strings.TrimSpace(s), 1.0
	for _, u := range units {
		if before, ok := strings.CutSuffix(number, u.name); ok {
			number, scale = strings.TrimSpace(before), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n*scale >= math.MaxInt64 || math.IsNaN(n) {
		return 0, fmt.Errorf("%q is not a size such as 10GB", s)
	}
	return int64(n * scale), nil
}

// day is what people count the age of files in.
const day = 24 * time.Hour

// parseAge reads "30d", "2w", and what Go reads: "12h". Ages of centuries are mistakes.
func parseAge(s string) (time.Duration, error) {
	const most = 100 * 365 * day
	bad := fmt.Errorf("%q is not an age such as 30d", s)
	for unit, scale := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			if age := time.Duration(n) * scale; err == nil && age <= most {
				return age, nil
			}
			return 0, bad
		}
	}
	age, err := time.ParseDuration(s)
	if err != nil || age < 0 || age > most {
		return 0, bad
	}
	return age, nil
}

// ageText tells how long ago something was used, in words that stay true for a while.
func ageText(now, used time.Time) string {
	switch days := int(now.Sub(used) / day); {
	case days < 1:
		return "in the last day"
	case days == 1:
		return "1 day ago"
	default:
		return fmt.Sprintf("%d days ago", days)
	}
}
