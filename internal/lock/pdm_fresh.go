package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/toml"
)

// checkFresh compares the content hash, which PDM takes over what pyproject.toml says of dependencies. Files that have
// none (those of a PDM that records what it asked for instead) are compared requirement by requirement.
func (r *pdmReader) checkFresh(metadata *toml.Table) {
	if r.project == nil {
		return
	}
	locked := strings.TrimPrefix(metadata.String("content_hash"), "sha256:")
	if locked == "" || metadata.Has("lock_inputs") {
		groups := names(metadata.Strings("groups"))
		has := func(group string) bool { return slices.Contains(groups, group) }
		r.checkStatic(r.lock, staticParts{has, has})
		return
	}
	for _, generation := range []pdmGeneration{{"resolution", true}, {"resolution", false}, {"overrides", false}} {
		if locked == generation.hash(r.project) {
			return
		}
	}
	dev := r.project.Table("tool", "pdm", "dev-dependencies")
	wishes := projectWishes(r.project)
	for _, key := range dev.Keys() {
		wishes = append(wishes, standardWishes("", dev.Value(key))...)
	}
	r.lock.Stale.Add(r.changed(r.lock, projectFile, metadata.KeyPos("content_hash"), wishes))
}

// pdmGeneration is one way in which PDM has taken its hash: what it calls the settings of the resolver, and whether names
// of groups are in normal form.
type pdmGeneration struct {
	settings string
	normal   bool
}

// hash returns the hash. See content_hash in pdm/project/project_file.py.
func (g pdmGeneration) hash(pyproject *toml.Table) string {
	project, pdm := pyproject.Table("project"), pyproject.Table("tool", "pdm")
	resolution := orEmpty(pdm.Table("resolution").Any())
	if g.settings == "overrides" {
		resolution = orEmpty(pdm.Table("resolution", "overrides").Any())
	}
	relevant := map[string]any{
		"sources": orList(pdm.Value("source")), "dependencies": orList(project.Value("dependencies")),
		"dev-dependencies":      g.groups(pyproject),
		"optional-dependencies": orEmpty(project.Table("optional-dependencies").Any()),
		"requires-python":       project.String("requires-python"),
		g.settings:              resolution,
	}
	sum := sha256.Sum256(appendJSON(nil, relevant))
	return hex.EncodeToString(sum[:])
}

// groups joins the groups of the standard with those of PDM's own table.
func (g pdmGeneration) groups(pyproject *toml.Table) map[string]any {
	out := map[string]any{}
	for _, t := range []*toml.Table{pyproject.Table("dependency-groups"), pyproject.Table("tool", "pdm", "dev-dependencies")} {
		for _, key := range t.Keys() {
			group := key
			if g.normal {
				group = name.Normalize(key)
			}
			before, _ := out[group].([]any)
			list, ok := t.Value(key).Any().([]any)
			if !ok {
				continue
			}
			out[group] = append(slices.Clip(before), list...)
		}
	}
	return out
}

// orList returns an array, empty for an absent one.
func orList(v *toml.Value) any {
	if v == nil {
		return []any{}
	}
	return v.Any()
}

// orEmpty returns a table, empty for an absent one.
func orEmpty(t map[string]any) map[string]any {
	if t == nil {
		return map[string]any{}
	}
	return t
}
