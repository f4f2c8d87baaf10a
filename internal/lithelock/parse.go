package lithelock

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

const (
	maxFile     = 16 << 20 // bytes; a base has some dozen packages of 300 bytes each, per platform
	maxPackages = 10_000   // of one platform
	maxElements = 100_000  // of any other list
	maxString   = 1024     // bytes
)

const (
	hintAgain  = "delete the file and run `lithe lock`, which writes it anew"
	hintUpdate = "update lithe, or delete the file and run `lithe lock`"
)

// Parse reads a lithe.lock. The error is a *diag.Error or a diag.List with all problems.
func Parse(file string, data []byte) (*Lock, error) {
	at := diag.Position{File: file}
	if len(data) > maxFile {
		return nil, &diag.Error{Pos: at, Code: "lithe-lock", Hint: hintAgain,
			What: fmt.Sprintf("has %d bytes, more than %d", len(data), maxFile)}
	}
	if line := conflict(data); line > 0 {
		at.Line = line
		return nil, &diag.Error{Pos: at, Code: "merge-conflict", What: "a merge conflict was left in the file",
			Hint: "keep either side, then run `lithe lock`"}
	}
	t, err := toml.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	if err := r.checkVersion(t); err != nil {
		return nil, err
	}
	l := r.lock(t)
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	l.normalize()
	return l, nil
}

// conflict returns the line of a conflict marker, 0 without one. Such a file is no TOML, which would say less.
func conflict(data []byte) int {
	if i := bytes.Index(append([]byte("\n"), data...), []byte("\n<<<<<<< ")); i >= 0 {
		return 1 + bytes.Count(data[:i], []byte("\n"))
	}
	return 0
}

// reader turns tables into a Lock and collects problems.
type reader struct{ problems diag.List }

// checkVersion comes before all else: nothing is known about the rest of a newer file.
func (r *reader) checkVersion(t *toml.Table) error {
	version, ok := t.Int("version")
	if !ok {
		return &diag.Error{Pos: t.KeyPos("version"), Code: "lithe-lock", What: "no number stands behind version", Hint: hintAgain}
	}
	if version != Version {
		return &diag.Error{Pos: t.KeyPos("version"), Code: "lithe-lock-version", Hint: hintUpdate,
			What: fmt.Sprintf("version %d of lithe.lock is unknown to this lithe, which reads version %d", version, Version)}
	}
	format, ok := t.Int("format")
	if !ok {
		return &diag.Error{Pos: t.KeyPos("format"), Code: "lithe-lock", What: "no number stands behind format", Hint: hintAgain}
	}
	if format > Format {
		return &diag.Error{Pos: t.KeyPos("format"), Code: "lithe-lock-format", Hint: "update lithe",
			What: fmt.Sprintf("images of format %d need a newer lithe; this one makes format %d", format, Format)}
	}
	if format < OldestFormat {
		return &diag.Error{Pos: t.KeyPos("format"), Code: "lithe-lock-format", Hint: "delete the file and run `lithe lock`, or use an older lithe",
			What: fmt.Sprintf("this lithe makes no images of format %d any more; the oldest is %d", format, OldestFormat)}
	}
	return nil
}

// lock reads the whole document. It goes on after a problem, so that all are reported at once.
func (r *reader) lock(t *toml.Table) *Lock {
	r.only(t, "version", "format", "created", "python", "compiler", "sizes", "base", "platform", "build")
	l := &Lock{Version: Version, Created: r.time(t, "created"), Python: r.optional(t, "python", plainVersion),
		Compiler: r.optional(t, "compiler", plainText)}
	format, _ := t.Int("format")
	l.Format = int(format)
	seen := unique{}
	for _, e := range r.tables(t, "sizes", maxElements) {
		r.only(e, "file", "hash", "size", "for")
		s := Size{File: r.text(e, "file", plainText), Hash: r.hash(e, "hash"), Size: r.size(e, "size")}
		if e.Has("for") {
			s.For = r.names(e, "for")
		}
		r.once(seen, e, "hash", s.Hash)
		l.Sizes = append(l.Sizes, s)
	}
	if base := r.table(t, "base"); base != nil {
		l.Base = r.base(base)
	}
	seen = unique{}
	for _, e := range r.tables(t, "platform", maxElements) {
		p := r.platform(e)
		r.once(seen, e, "name", p.Name)
		l.Platforms = append(l.Platforms, p)
	}
	l.Builds = r.builds(t)
	return l
}

// base reads the table [base].
func (r *reader) base(t *toml.Table) Base {
	r.only(t, "name", "digest", "system-packages", "build-packages", "sources", "indexes")
	b := Base{Name: r.text(t, "name", plainText), Digest: r.optional(t, "digest", sha256Digest)}
	if t.Has("system-packages") {
		b.System = r.names(t, "system-packages")
	}
	if t.Has("build-packages") {
		b.Build = r.names(t, "build-packages")
	}
	b.Sources = r.sources(t)
	seen := unique{}
	for _, e := range r.tables(t, "indexes", maxElements) {
		r.only(e, "suite", "date", "hash", "expired")
		i := Index{Suite: r.text(e, "suite", plainText), Date: r.time(e, "date")}
		if e.Has("hash") {
			i.Hash = r.hash(e, "hash")
		}
		if e.Has("expired") {
			i.Expired = r.boolean(e, "expired")
		}
		r.once(seen, e, "suite", i.Suite)
		b.Indexes = append(b.Indexes, i)
	}
	return b
}

// names reads a list of names of packages.
func (r *reader) names(t *toml.Table, key string) []string {
	var names []string
	for i, v := range r.list(t, key, maxElements) {
		s, ok := v.Str()
		if !ok || !plainText(s) {
			r.bad(v.Pos, "%s[%d] is no name of a package", key, i)
		}
		names = append(names, s)
	}
	return names
}

// platform reads one [[platform]].
func (r *reader) platform(t *toml.Table) Platform {
	r.only(t, append([]string{"name", "created", "packages", "standalone", "builder", "libraries"}, imageKeys...)...)
	p := Platform{Name: r.text(t, "name", platformName), Image: r.image(t), Standalone: r.standalone(t)}
	if t.Has("created") {
		p.Created = r.time(t, "created")
	}
	p.Packages = r.packages(t)
	seen := unique{}
	for _, e := range r.tables(t, "libraries", maxElements) {
		r.only(e, "distribution", "library", "package")
		l := Library{Distribution: r.text(e, "distribution", plainText), Library: r.text(e, "library", plainText), Package: r.text(e, "package", packageName)}
		r.once(seen, e, "package", strings.Join([]string{l.Distribution, l.Library, l.Package}, " "))
		p.Libraries = append(p.Libraries, l)
	}
	if t.Has("builder") {
		p.Builder = r.builder(t)
	}
	return p
}

// builder reads the table of what source code is built in.
func (r *reader) builder(t *toml.Table) *Builder {
	table := r.table(t, "builder")
	if table == nil {
		return nil
	}
	r.only(table, "suite", "created", "packages")
	return &Builder{Suite: r.text(table, "suite", packageName), Created: r.time(table, "created"), Packages: r.packages(table)}
}

// packages reads a list of system packages.
func (r *reader) packages(t *toml.Table) (all []Package) {
	seen := unique{}
	for _, e := range r.tables(t, "packages", maxPackages) {
		r.only(e, "name", "version", "architecture", "hash", "size", "archive", "path", "part", "reason", "for", "instead-of")
		d := Package{Name: r.text(e, "name", packageName), Version: r.text(e, "version", packageVersion),
			Architecture: r.text(e, "architecture", packageName), Hash: r.hash(e, "hash"), Size: r.size(e, "size"),
			Archive: r.optional(e, "archive", archiveName), Path: r.optional(e, "path", cleanPath),
			Part: r.optional(e, "part", packageName), Reason: r.optional(e, "reason", plainText), InsteadOf: r.optional(e, "instead-of", packageVersion)}
		if e.Has("for") {
			d.For = r.names(e, "for")
		}
		r.once(seen, e, "name", d.Name)
		all = append(all, d)
	}
	return all
}

// time reads a date of this millennium with its offset; others cannot be written back.
func (r *reader) time(t *toml.Table, key string) time.Time {
	v := t.Value(key)
	if v == nil {
		r.bad(t.KeyPos(key), "%s is missing", key)
		return time.Time{}
	}
	text, _ := v.Data.(toml.Time)
	when, err := time.Parse(time.RFC3339, string(text))
	if err != nil || when.UTC().Year() < 1970 || when.UTC().Year() > 2999 {
		r.bad(v.Pos, "%s is no date and time such as 2026-01-31T12:00:00Z", key)
		return time.Time{}
	}
	return when
}
