// Package version compares Debian package versions: [epoch:]upstream[-revision].
//
// Any two strings compare, valid or not, and the order is total, so that sorting never depends on the order of the
// input. What comes from an archive is checked with [Check] first.
// See https://www.debian.org/doc/debian-policy/ch-controlfields.html#version and deb-version(7).
package version

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxLength is the longest version we take; real ones stay under 100 bytes.
const maxLength = 1024

// Compare returns -1, 0 or 1 when a is before, equal to or after b.
func Compare(a, b string) int {
	epochA, upstreamA, revisionA := split(a)
	epochB, upstreamB, revisionB := split(b)
	return cmp.Or(compareDigits(epochA, epochB), compareParts(upstreamA, upstreamB), compareParts(revisionA, revisionB))
}

// Satisfies reports whether v stands in the relation op to w, as in "libc6 (>= 2.36)". An empty op admits anything,
// an unknown one nothing.
func Satisfies(v, op, w string) bool {
	if op == "" {
		return true
	}
	c := Compare(v, w)
	switch op {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	case ">>":
		return c > 0
	}
	return false
}

// Valid reports whether s is a version that dpkg takes.
func Valid(s string) bool { return Check(s) == nil }

// Check says what is wrong with s; nil when dpkg would take it.
func Check(s string) error {
	if err := check(s); err != nil {
		return fmt.Errorf("version %q: %w", s, err)
	}
	return nil
}

// check follows dpkg's parseversion, which is a little wider than policy: "1:0" and "0:0-0:0-0" are versions.
func check(s string) error {
	if s == "" || len(s) > maxLength {
		return errors.New("is empty or too long")
	}
	epoch, upstream, revision := split(s)
	if strings.Contains(s, ":") {
		// dpkg keeps the epoch in an int.
		if n, err := strconv.ParseUint(epoch, 10, 64); err != nil || n > math.MaxInt32 {
			return errors.New("the epoch is not a small number")
		}
	}
	// split cannot tell "1-" from "1".
	if strings.HasSuffix(s, "-") {
		return errors.New("the revision is empty")
	}
	if upstream == "" || !isDigit(upstream[0]) {
		return errors.New("does not start with a digit")
	}
	if i := strings.IndexFunc(upstream, func(r rune) bool { return !allowed(r) && r != '-' && r != ':' }); i >= 0 {
		return fmt.Errorf("character %q is not allowed", upstream[i])
	}
	if i := strings.IndexFunc(revision, func(r rune) bool { return !allowed(r) }); i >= 0 {
		return fmt.Errorf("character %q is not allowed in the revision", revision[i])
	}
	return nil
}

// split cuts at the first colon and the last hyphen.
func split(s string) (epoch, upstream, revision string) {
	upstream = s
	if before, after, ok := strings.Cut(s, ":"); ok {
		epoch, upstream = before, after
	}
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream, revision = upstream[:i], upstream[i+1:]
	}
	return epoch, upstream, revision
}

// compareParts is dpkg's verrevcmp: runs of non-digits and runs of digits in turn. A missing part equals "0".
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := cmp.Compare(order(a), order(b)); c != 0 {
				return c
			}
			a, b = a[min(1, len(a)):], b[min(1, len(b)):]
		}
		restA, restB := strings.TrimLeft(a, "0123456789"), strings.TrimLeft(b, "0123456789")
		if c := compareDigits(a[:len(a)-len(restA)], b[:len(b)-len(restB)]); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return 0
}

// compareDigits compares digit strings as numbers of any size, so that no overflow can make 2^64 equal 0.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// order weighs the first character: a tilde sorts before the end of the part, letters before everything else.
func order(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

// allowed is the alphabet of a revision; upstream versions also have hyphens and colons, since only the last hyphen
// and the first colon separate.
func allowed(r rune) bool {
	return r < 0x80 && (isDigit(byte(r)) || isLetter(byte(r)) || strings.ContainsRune(".+~", r))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return (c|0x20) >= 'a' && (c|0x20) <= 'z' }
