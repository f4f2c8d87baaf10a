package cli

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "500000": 500000, "1B": 1, "10GB": 10e9, "1.5 GB": 1.5e9, "10 MB": 10e6, "3kB": 3000, "3KB": 3000, "2TB": 2e12,
		"1KiB": 1024, "1MiB": 1 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40,
		"": -1, "GB": -1, "-1GB": -1, "ten": -1, "10 elephants": -1, "NaN": -1, "Inf": -1, "1e30": -1, "9223372036854775808": -1,
	} {
		got, err := parseSize(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q is %d, error %v; want %d", text, got, err, want)
		}
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "2w": 14 * day, "12h": 12 * time.Hour, "90m": 90 * time.Minute, "0d": 0, "0": 0, "36500d": 36500 * day,
		"": -1, "d": -1, "-1d": -1, "1.5d": -1, "36501d": -1, "99999d": -1, "9999w": -1, "-1h": -1, "30": -1, "month": -1,
	} {
		got, err := parseAge(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q is %v, error %v; want %v", text, got, err, want)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1234567: "1.2 MB", 1e9: "1.0 GB", 2.5e12: "2.5 TB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestAgeText(t *testing.T) {
	now := time.Unix(1e9, 0)
	for ago, want := range map[time.Duration]string{-time.Hour: "in the last day", time.Hour: "in the last day", day: "1 day ago", 40 * day: "40 days ago"} {
		if got := ageText(now, now.Add(-ago)); got != want {
			t.Errorf("%v is %q, want %q", ago, got, want)
		}
	}
}
