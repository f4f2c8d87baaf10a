// Package name compares the names of Python projects, extras and dependency groups.
//
// A name goes in as somebody wrote it ("Flask_SQLAlchemy") and comes out in the one form that names are compared in
// ("flask-sqlalchemy"). A name that already has this form is returned as it is, without an allocation.
// See https://packaging.python.org/en/latest/specifications/name-normalization/.
package name

import "strings"

// Normalize returns the normalized form of s. It does not ask whether s is valid, as pip and uv do not either.
func Normalize(s string) string {
	if isFlat(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	separator := false
	for _, r := range strings.ToLower(s) {
		if r == '-' || r == '_' || r == '.' {
			if !separator {
				b.WriteByte('-')
			}
			separator = true
			continue
		}
		separator = false
		b.WriteRune(r)
	}
	return b.String()
}

// isFlat reports whether Normalize would change nothing in s. Unlike IsNormalized it accepts separators at the ends.
func isFlat(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		case c == '-':
			if i > 0 && s[i-1] == '-' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// IsNormalized reports whether s is a valid name in normalized form.
func IsNormalized(s string) bool {
	return s != "" && isFlat(s) && s[0] != '-' && s[len(s)-1] != '-'
}

// Valid reports whether s may name a project: ASCII letters, digits, and ".", "-", "_" but at neither end.
func Valid(s string) bool {
	if s == "" || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
