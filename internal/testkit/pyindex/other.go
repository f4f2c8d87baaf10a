package pyindex

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PylockTOML returns the pylock.toml of a project, given its pyproject.toml, as a tool writes it that puts the project's
// own dependencies into a default group.
func PylockTOML(x *Index, data []byte) ([]byte, error) {
	packages, groups, err := locked(x, data)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "lock-version = \"1.0\"\ncreated-by = \"a test\"\ndependency-groups = %s\ndefault-groups = [\"main\"]\n", quoteAll(groups))
	for _, c := range packages {
		markers := make([]string, len(c.groups))
		for i, g := range c.groups {
			markers[i] = fmt.Sprintf("'%s' in dependency_groups", g)
		}
		fmt.Fprintf(&b, "\n[[packages]]\nname = %q\nversion = %q\nmarker = %q\nwheels = [\n", c.name, c.version, strings.Join(markers, " or "))
		for _, w := range c.wheels {
			digest := strings.TrimPrefix(w.Hash(), "sha256:")
			fmt.Fprintf(&b, "    {url = %q, size = %d, hashes = {sha256 = %q}},\n", x.FileURL(w), len(w.Bytes()), digest)
		}
		b.WriteString("]\n")
	}
	return []byte(b.String()), nil
}

// PDMLock returns the pdm.lock of a project, given its pyproject.toml, with inherited metadata and without a content hash.
func PDMLock(x *Index, data []byte) ([]byte, error) {
	packages, groups, err := locked(x, data)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[metadata]\ngroups = %s\nstrategy = [\"inherit_metadata\"]\nlock_version = \"4.5.0\"\n", pdmGroups(groups))
	for _, c := range packages {
		fmt.Fprintf(&b, "\n[[package]]\nname = %q\nversion = %q\ngroups = %s\nfiles = [\n", c.name, c.version, pdmGroups(c.groups))
		for _, w := range c.wheels {
			fmt.Fprintf(&b, "    {file = %q, hash = %q},\n", w.Filename(), w.Hash())
		}
		b.WriteString("]\n")
	}
	return []byte(b.String()), nil
}

// PipfileLock returns the Pipfile.lock of a project, given its pyproject.toml: its main dependencies, and those of the
// group dev.
func PipfileLock(x *Index, data []byte) ([]byte, error) {
	packages, _, err := locked(x, data)
	if err != nil {
		return nil, err
	}
	category := func(group string) map[string]any {
		out := map[string]any{}
		for _, c := range packages {
			if !slices.Contains(c.groups, group) {
				continue
			}
			hashes := make([]string, len(c.wheels))
			for i, w := range c.wheels {
				hashes[i] = w.Hash()
			}
			slices.Sort(hashes)
			out[c.name] = map[string]any{"version": "==" + c.version, "hashes": hashes}
		}
		return out
	}
	source := map[string]any{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}
	return json.MarshalIndent(map[string]any{
		"_meta":   map[string]any{"hash": map[string]any{"sha256": ""}, "pipfile-spec": 6, "requires": map[string]any{}, "sources": []any{source}},
		"default": category("main"), "develop": category("dev"),
	}, "", "    ")
}

// locked resolves a project, and returns the names of its groups with "main".
func locked(x *Index, data []byte) ([]*chosen, []string, error) {
	p, err := readProject(data)
	if err != nil {
		return nil, nil, err
	}
	packages, err := resolve(p, x.Wheels())
	return packages, slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(p.groups)), "main"))), err
}

// pdmGroups writes groups as PDM calls them.
func pdmGroups(groups []string) string {
	return strings.Replace(quoteAll(groups), `"main"`, `"default"`, 1)
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
