package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// checkFresh compares the content hash, which Poetry takes over what pyproject.toml says of dependencies. Poetry
// refuses to install on a mismatch, whatever the change was, and so the lock counts as stale. A lock without a
// pyproject.toml beside it cannot be compared. See _get_content_hash in poetry/packages/locker.py.
func (r *poetryReader) checkFresh(metadata *toml.Table) {
	if r.project == nil {
		return
	}
	locked := metadata.String("content-hash")
	if locked == contentHash(r.project, true) || r.beforeGroups() && locked == contentHash(r.project, false) {
		return
	}
	poetry := r.project.Table("tool", "poetry")
	tables := []*toml.Table{poetry.Table("dependencies"), poetry.Table("dev-dependencies")}
	for _, key := range poetry.Table("group").Keys() {
		tables = append(tables, poetry.Table("group", key, "dependencies"))
	}
	wishes := append(projectWishes(r.project), tableWishes(parseConstraint, tables...)...)
	r.lock.Stale.Add(r.changed(r.lock, projectFile, metadata.KeyPos("content-hash"), wishes))
}

// beforeGroups tells whether a Poetry wrote the file that left [dependency-groups] out of the hash.
func (r *poetryReader) beforeGroups() bool {
	line, _, _ := strings.Cut(string(r.data[:min(len(r.data), 200)]), "\n")
	_, after, ok := strings.Cut(line, "Poetry ")
	if !ok {
		return false
	}
	written, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	v, err := version.Parse(written)
	return err == nil && v.Compare(version.MustParse("2.3.0")) < 0
}

// contentHash returns the hash as the three generations of Poetry take it: over [tool.poetry] alone, with the keys
// of old as null where they are absent; since 2.0 with [project]; since 2.3 with [dependency-groups].
func contentHash(project *toml.Table, withGroups bool) string {
	standard := present(project.Table("project"), "requires-python", "dependencies", "optional-dependencies")
	var groups map[string]any
	if withGroups {
		groups = project.Table("dependency-groups").Any()
	}
	tool := project.Table("tool", "poetry")
	poetry := present(tool, "dependencies", "source", "extras", "dev-dependencies", "group")
	relevant := map[string]any{}
	if len(standard) > 0 {
		relevant["project"] = standard
	}
	if len(groups) > 0 {
		relevant["dependency-groups"] = groups
	}
	if len(relevant) > 0 {
		relevant["tool"] = map[string]any{"poetry": poetry}
	} else {
		for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies"} {
			if !tool.Has(key) {
				poetry[key] = nil
			}
		}
		relevant = poetry
	}
	sum := sha256.Sum256(appendJSON(nil, relevant))
	return hex.EncodeToString(sum[:])
}

// present returns the values of the keys that the table has.
func present(t *toml.Table, keys ...string) map[string]any {
	out := map[string]any{}
	for _, key := range keys {
		if v := t.Value(key); v != nil {
			out[key] = v.Any()
		}
	}
	return out
}
