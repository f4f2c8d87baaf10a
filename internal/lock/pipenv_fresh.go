package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// checkFresh compares the hash that pipenv takes over its Pipfile. Newer Pipenvs take it with the names of packages in
// normal form, older ones as they are written. See get_hash in pipenv/vendor/plette/pipfiles.py.
func (r *pipenvReader) checkFresh(locked *toml.Table) {
	data, err := r.open(pipfile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.report(asProblem(problemOf(pipfile, err)))
		return
	}
	t, err := toml.Parse(pipfile, data)
	if err != nil {
		r.report(asProblem(err))
		return
	}
	want := locked.String("sha256")
	if want == pipfileHash(t, false) || want == pipfileHash(t, true) {
		return
	}
	r.lock.Stale.Add(r.changed(r.lock, pipfile, locked.KeyPos("sha256"), tableWishes(parseSpecifiers, t.Table("packages"), t.Table("dev-packages"))))
}

// noCategory are the tables of a Pipfile that hold no packages, and those that the hash has under other names.
var noCategory = []string{"source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", pipenvMain, pipenvDev}

// pipfileHash returns the hash, with the names of packages as they are written or in normal form.
func pipfileHash(t *toml.Table, normal bool) string {
	sources := t.Value("source").Any()
	if sources == nil {
		sources = []any{map[string]any{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}}
	}
	section := func(key string) map[string]any {
		section := t.Table(key).Any()
		if section == nil {
			return map[string]any{}
		}
		if !normal || key == "requires" {
			return section
		}
		out := map[string]any{}
		for project, value := range section {
			out[name.Normalize(project)] = value
		}
		return out
	}
	relevant := map[string]any{
		"_meta":    map[string]any{"sources": sources, "requires": section("requires")},
		pipenvMain: section("packages"), pipenvDev: section("dev-packages"),
	}
	for _, key := range t.Keys() {
		if _, ok := t.Value(key).AsTable(); ok && !slices.Contains(noCategory, key) {
			relevant[key] = section(key)
		}
	}
	sum := sha256.Sum256(appendCompactJSON(nil, relevant))
	return hex.EncodeToString(sum[:])
}
