package lithelock

import (
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// bad adds a problem. The file is written by lithe, so the remedy is always to have it written again.
func (r *reader) bad(pos diag.Position, format string, args ...any) {
	r.problems.Add(&diag.Error{Pos: pos, Code: "lithe-lock", What: fmt.Sprintf(format, args...), Hint: hintAgain})
}

// only reports keys that this version of the file does not have: to pass over one might change an image.
func (r *reader) only(t *toml.Table, known ...string) {
	for _, key := range t.Keys() {
		if !slices.Contains(known, key) {
			r.problems.Add(&diag.Error{Pos: t.KeyPos(key), Code: "lithe-lock", What: fmt.Sprintf("unknown key %q", clip(key)),
				Hint: hintUpdate})
		}
	}
}

// text reads a string that must be there and fit.
func (r *reader) text(t *toml.Table, key string, fits func(string) bool) string {
	v := t.Value(key)
	if v == nil {
		r.bad(t.KeyPos(key), "%s is missing", key)
		return ""
	}
	s, ok := v.Str()
	switch {
	case !ok:
		r.bad(v.Pos, "%s is of type %s, not a string", key, v.Kind())
	case len(s) > maxString || !utf8.ValidString(s) || !fits(s):
		r.bad(v.Pos, "%s cannot be %q", key, clip(s))
	default:
		return s
	}
	return ""
}

// optional reads a string that may be absent, but not empty: Encode writes no empty ones.
func (r *reader) optional(t *toml.Table, key string, fits func(string) bool) string {
	if !t.Has(key) {
		return ""
	}
	return r.text(t, key, fits)
}

// hash reads a digest in the one spelling that compares equal as a string.
func (r *reader) hash(t *toml.Table, key string) string { return r.text(t, key, sha256Digest) }

// size reads a number of bytes. No file that is locked is empty.
func (r *reader) size(t *toml.Table, key string) int64 {
	n, ok := t.Int(key)
	if !ok || n <= 0 {
		r.bad(t.KeyPos(key), "%s is no number of bytes", key)
		return 0
	}
	return n
}

// boolean reads true or false.
func (r *reader) boolean(t *toml.Table, key string) bool {
	b, ok := t.Bool(key)
	if !ok {
		r.bad(t.KeyPos(key), "%s is neither true nor false", key)
	}
	return b
}

// table reads a table that must be there.
func (r *reader) table(t *toml.Table, key string) *toml.Table {
	table := t.Table(key)
	if table == nil {
		r.bad(t.KeyPos(key), "the table [%s] is missing", key)
	}
	return table
}

// list reads an array, which may be absent.
func (r *reader) list(t *toml.Table, key string, limit int) []*toml.Value {
	v := t.Value(key)
	if v == nil {
		return nil
	}
	if v.Kind() != "array" {
		r.bad(v.Pos, "%s is of type %s, not an array", key, v.Kind())
		return nil
	}
	all := v.Array()
	if len(all) > limit {
		r.bad(v.Pos, "%s has %d elements, more than %d", key, len(all), limit)
		return nil
	}
	return all
}

// tables reads an array of tables, inline or under headers.
func (r *reader) tables(t *toml.Table, key string, limit int) []*toml.Table {
	var all []*toml.Table
	for _, v := range r.list(t, key, limit) {
		table, ok := v.AsTable()
		if !ok {
			r.bad(v.Pos, "%s holds a value of type %s, not a table", key, v.Kind())
			continue
		}
		all = append(all, table)
	}
	return all
}

// unique knows where each value was first.
type unique map[string]diag.Position

// once reports a second element with the same value, as a merge of two branches may leave it.
func (r *reader) once(seen unique, t *toml.Table, key, value string) {
	if value == "" {
		return // reported already
	}
	if first, ok := seen[value]; ok {
		r.bad(t.KeyPos(key), "%s %q stands here and in line %d", key, clip(value), first.Line)
		return
	}
	seen[value] = t.KeyPos(key)
}

// sha256Digest is the form of digests in OCI, which the store uses, too.
func sha256Digest(s string) bool {
	sum, ok := strings.CutPrefix(s, "sha256:")
	raw, err := hex.DecodeString(sum)
	return ok && err == nil && len(raw) == 32 && sum == strings.ToLower(sum)
}

// plainText is anything that fits into a message: not empty, one line.
func plainText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// packageName follows Debian policy §5.6.7, which architectures, archives and parts fit as well.
func packageName(s string) bool {
	return s != "" && consists(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.")
}

// packageVersion follows Debian policy §5.6.12.
func packageVersion(s string) bool {
	return s != "" && consists(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-~:")
}

// plainVersion is a full version of Python.
func plainVersion(s string) bool {
	return s != "" && consists(s, "abcdefghijklmnopqrstuvwxyz0123456789.+")
}

// platformName is os/architecture, with a variant behind it for some.
func platformName(s string) bool {
	return strings.Count(s, "/") >= 1 && cleanPath(s) && consists(s, "abcdefghijklmnopqrstuvwxyz0123456789/.-")
}

// cleanPath leads from a mirror to a file below it.
func cleanPath(s string) bool {
	return plainText(s) && path.Clean(s) == s && s[0] != '/' && s != "." && s != ".." && !strings.HasPrefix(s, "../") &&
		!strings.ContainsAny(s, "\\?#")
}

// consists tells whether s has no other characters; it trims from both ends until one is left that it may not have.
func consists(s, of string) bool { return strings.Trim(s, of) == "" }

// clip keeps a hostile value from filling the screen.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
