package lithelock

import (
	"strconv"

	"github.com/lithe-build/lithe/internal/toml"
)

// Standalone is an interpreter of python-build-standalone for one platform.
type Standalone struct {
	Python  string // full version, "3.12.15"
	Release string // the tag, "20261021"
	Hash    string // "sha256:<hex>"
	Size    int64  // bytes
	Path    string // below the mirror
}

// row begins with the version, for bots that search for it.
func (s *Standalone) row() row {
	return table("python", quote(s.Python), "release", quote(s.Release), "hash", quote(s.Hash), "size", strconv.FormatInt(s.Size, 10),
		"path", quote(s.Path))
}

// standalone reads a platform's interpreter, nil where it has none of this kind.
func (r *reader) standalone(t *toml.Table) *Standalone {
	if !t.Has("standalone") {
		return nil
	}
	e := r.table(t, "standalone")
	if e == nil {
		return nil
	}
	r.only(e, "python", "release", "hash", "size", "path")
	return &Standalone{Python: r.text(e, "python", plainVersion), Release: r.text(e, "release", releaseTag), Hash: r.hash(e, "hash"),
		Size: r.size(e, "size"), Path: r.text(e, "path", cleanPath)}
}

// releaseTag is the date of a release, without anything between its numbers.
func releaseTag(s string) bool { return len(s) == 8 && consists(s, "0123456789") }
