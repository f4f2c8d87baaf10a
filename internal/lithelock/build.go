package lithelock

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/toml"
)

// Build is what one source is built with, for some targets.
type Build struct {
	Name     string        // of the distribution, normalised
	Version  string        // "" where only building tells
	Source   string        // "sha256:<hex>" of a source distribution; else the path of a folder, or the address and commit of a repository
	For      []string      // the targets, "linux/amd64 3.13 glibc-2.41", sorted
	Asked    []string      // what pyproject.toml and the build backend ask for, as they write it, sorted
	Requires []Requirement // what was chosen, sorted by name
}

// Requirement is one file that a build backend needs.
type Requirement struct {
	Name    string // normalised
	Version string
	File    string
	Hash    string // "sha256:<hex>"
	Size    int64  // bytes; 0 if the index did not tell
	URL     string // without credentials
}

// Build returns what a source is built with for a target, nil if the lock does not tell.
func (l *Lock) Build(source, target string) *Build {
	if l == nil {
		return nil
	}
	for i := range l.Builds {
		if l.Builds[i].Source == source && slices.Contains(l.Builds[i].For, target) {
			return &l.Builds[i]
		}
	}
	return nil
}

// MergeBuilds makes one of those that differ in their targets alone.
func MergeBuilds(builds []Build) []Build {
	var out []Build
	first := map[string]int{}
	for _, b := range cloneBuilds(builds) {
		key := b.key()
		if i, ok := first[key]; ok {
			out[i].For = append(out[i].For, b.For...)
			continue
		}
		first[key] = len(out)
		out = append(out, b)
	}
	for i := range out {
		slices.Sort(out[i].For)
		out[i].For = slices.Compact(out[i].For)
	}
	normalizeBuilds(out)
	return out
}

// key is all of a build but its targets, as text.
func (b Build) key() string {
	parts := []string{quote(b.Name), quote(b.Version), quote(b.Source), quoted(b.Asked)}
	for _, q := range b.Requires {
		parts = append(parts, q.row().String())
	}
	return strings.Join(parts, "\n")
}

func normalizeBuilds(builds []Build) {
	for i := range builds {
		slices.Sort(builds[i].For)
		slices.Sort(builds[i].Asked)
		slices.SortStableFunc(builds[i].Requires, func(a, b Requirement) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortStableFunc(builds, func(a, b Build) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Source, b.Source), slices.Compare(a.For, b.For))
	})
}

func cloneBuilds(builds []Build) []Build {
	out := slices.Clone(builds)
	for i := range out {
		out[i].For, out[i].Asked, out[i].Requires = slices.Clone(out[i].For), slices.Clone(out[i].Asked), slices.Clone(out[i].Requires)
	}
	return out
}

// build writes one [[build]].
func (w writer) build(b Build) {
	w.WriteString("\n[[build]]\n")
	w.text("name", b.Name)
	w.optional("version", b.Version)
	w.text("source", b.Source)
	w.pair("for", quoted(b.For))
	w.pair("asked", quoted(b.Asked))
	w.list("requires", len(b.Requires), func(i int) row { return b.Requires[i].row() })
}

func (q Requirement) row() row {
	r := table("name", quote(q.Name), "version", quote(q.Version), "file", quote(q.File), "hash", quote(q.Hash))
	if q.Size > 0 {
		r = append(r, table("size", strconv.FormatInt(q.Size, 10))...)
	}
	if q.URL != "" {
		r = append(r, table("url", quote(q.URL))...)
	}
	return r
}

func quoted(texts []string) string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = quote(text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// builds reads all [[build]].
func (r *reader) builds(t *toml.Table) (all []Build) {
	seen := unique{}
	for _, e := range r.tables(t, "build", maxElements) {
		r.only(e, "name", "version", "source", "for", "asked", "requires")
		b := Build{Name: r.text(e, "name", plainText), Version: r.optional(e, "version", plainText), Source: r.text(e, "source", plainText),
			For: r.names(e, "for"), Asked: r.names(e, "asked")}
		if len(b.For) == 0 {
			r.bad(e.KeyPos("for"), "for names no target")
		}
		for _, target := range b.For {
			r.once(seen, e, "source", b.Source+" for "+target)
		}
		names := unique{}
		for _, q := range r.tables(e, "requires", maxPackages) {
			b.Requires = append(b.Requires, r.requirement(q, names))
		}
		all = append(all, b)
	}
	return all
}

func (r *reader) requirement(e *toml.Table, seen unique) Requirement {
	r.only(e, "name", "version", "file", "hash", "size", "url")
	q := Requirement{Name: r.text(e, "name", plainText), Version: r.text(e, "version", plainText), File: r.text(e, "file", fileName),
		Hash: r.hash(e, "hash"), URL: r.optional(e, "url", webAddress)}
	if e.Has("size") {
		q.Size = r.size(e, "size")
	}
	r.once(seen, e, "name", q.Name)
	return q
}

// fileName is no path.
func fileName(s string) bool {
	return plainText(s) && !strings.ContainsAny(s, `/\`) && s != "." && s != ".."
}

// webAddress is one that can be asked, with nobody's password in it.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && plainText(s) && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
