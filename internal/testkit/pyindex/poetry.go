package pyindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// PoetryLock returns the poetry.lock of a project, given its pyproject.toml: the newest wheels of the index, without
// addresses and sizes, as Poetry writes it.
func PoetryLock(x *Index, data []byte) ([]byte, error) {
	p, err := readProject(data)
	if err != nil {
		return nil, err
	}
	packages, err := resolve(p, x.Wheels())
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, c := range packages {
		b.WriteString(poetryPackage(c))
	}
	fmt.Fprintf(&b, "[metadata]\nlock-version = \"2.1\"\npython-versions = %q\ncontent-hash = %q\n", p.python, contentHash(p.all))
	return []byte(b.String()), nil
}

func poetryPackage(c *chosen) string {
	quoted := make([]string, len(c.groups))
	for i, g := range slices.Sorted(slices.Values(c.groups)) {
		quoted[i] = fmt.Sprintf("%q", g)
	}
	python := orElse(c.wheels[0].RequiresPython, "*")
	out := fmt.Sprintf("[[package]]\nname = %q\nversion = %q\ndescription = \"\"\noptional = false\npython-versions = %q\ngroups = [%s]\nfiles = [\n",
		c.name, c.version, python, strings.Join(quoted, ", "))
	for _, w := range c.wheels {
		out += fmt.Sprintf("    {file = %q, hash = %q},\n", w.Filename(), w.Hash())
	}
	out += "]\n"
	if len(c.requires) > 0 {
		out += "\n[package.dependencies]\n"
	}
	for _, r := range c.requires {
		out += fmt.Sprintf("%s = %q\n", r.Name, orElse(r.Specifiers.String(), "*"))
	}
	return out + "\n"
}

// contentHash is Locker._get_content_hash of Poetry 2.3: over what pyproject.toml says of dependencies, and nothing else
// of it.
func contentHash(pyproject map[string]any) string {
	tool, _ := table(pyproject, "tool")["poetry"].(map[string]any)
	relevant := map[string]any{}
	if standard := pick(table(pyproject, "project"), "requires-python", "dependencies", "optional-dependencies"); len(standard) > 0 {
		relevant["project"] = standard
	}
	if groups := table(pyproject, "dependency-groups"); len(groups) > 0 {
		relevant["dependency-groups"] = groups
	}
	legacy := pick(tool, "dependencies", "source", "extras", "dev-dependencies", "group")
	if len(relevant) > 0 {
		relevant["tool"] = map[string]any{"poetry": legacy}
	} else {
		relevant = legacy
		for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies"} {
			relevant[key] = tool[key] // null where it is absent
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(pythonJSON(relevant))))
}

func table(t map[string]any, key string) map[string]any {
	inner, _ := t[key].(map[string]any)
	return inner
}

func pick(t map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, key := range keys {
		if v, ok := t[key]; ok {
			out[key] = v
		}
	}
	return out
}

// pythonJSON writes a value as json.dumps(value, sort_keys=True) does, for ASCII texts.
func pythonJSON(v any) string {
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			parts = append(parts, pythonJSON(key)+": "+pythonJSON(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, item := range v {
			parts = append(parts, pythonJSON(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	must(enc.Encode(v))
	return strings.TrimSuffix(out.String(), "\n")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
