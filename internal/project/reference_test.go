package project

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/toml"
)

// referenceHead is what stands above the keys in docs/reference/configuration.md.
const referenceHead = `<!-- Made from internal/project/keys.go by "go test ./internal/project -update". Change it there. -->
# Configuration

No configuration is needed. What lithe infers can be set in ` + "`[tool.lithe]`" + ` of pyproject.toml; a project without
pyproject.toml has the same keys at the top of lithe.toml. ` + "`lithe explain`" + ` names, for each decision, the key that
overrides it.

Keys are checked before anything is downloaded: an unknown key, a value of the wrong type and a key of a later release
are errors with file and line, all of them in one report. The [JSON schema](lithe.schema.json) says the same to an
editor.

A command is a list, the program first and each argument on its own, since the image has no shell. A glob is relative to
the project's folder: ` + "`*` stands for any part of a name, `**`" + ` for any number of directories.

What each suite of Debian has is in [the base](../concepts/base.md), what every image is given without being asked in
[layers](../concepts/layers.md), and which files of a project go into an image in
[from a Dockerfile](../guide/from-a-dockerfile.md).

`

// reference makes docs/reference/configuration.md of the tables of keys.
func reference() string {
	var c Config
	var t Target
	var b strings.Builder
	b.WriteString(referenceHead)
	only := targetKeys(&t)[len(configKeys(&c)):]
	sections := []struct {
		title string
		keys  []key
	}{
		{"What an image is made of", slices.Concat(baseKeys(&c), debianKeys(&c), fileKeys(&c), stepKeys(&c))},
		{"Where packages and code come from", lockKeys(&c)},
		{"How it runs", runKeys(&c)},
		{"Targets", append([]key{targetsKey(map[string]*toml.Table{})}, inTarget(only)...)},
	}
	b.WriteString("| key | type | by default |\n|---|---|---|\n")
	for _, s := range sections {
		for _, k := range flatten(s.keys) {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", k.name, anchor(k.name), typeName(k.value.schema(), false), k.fallback)
		}
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		for _, k := range flatten(s.keys) {
			writeKey(&b, k)
		}
	}
	b.WriteString("\n## Keys of later releases\n\nThese are part of the design and refused until what they do is there.\n\n")
	b.WriteString("| key | type | meaning | such as |\n|---|---|---|---|\n")
	for _, k := range append(laterKeys(), inTarget(only)...) {
		if k.later {
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", k.name, typeName(k.value.schema(), false), k.doc, k.example)
		}
	}
	return b.String()
}

// inTarget gives keys that only a target has the names by which they are found there.
func inTarget(keys []key) []key {
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].name = "targets.NAME." + keys[i].name
	}
	return keys
}

// flatten puts the keys of a table in its place, and leaves out those of later releases.
func flatten(keys []key) (flat []key) {
	for _, k := range keys {
		if k.later {
			continue
		}
		sub, ok := k.value.(table)
		if !ok {
			flat = append(flat, k)
			continue
		}
		for _, inner := range sub.keys {
			inner.name = k.name + "." + inner.name
			flat = append(flat, inner)
		}
	}
	return flat
}

// anchor is the name that GitHub gives a heading.
func anchor(heading string) string { return strings.ToLower(strings.ReplaceAll(heading, ".", "")) }

func writeKey(b *strings.Builder, k key) {
	fmt.Fprintf(b, "\n### %s\n%s\n", k.name, k.doc)
	if k.fallback != "" {
		fmt.Fprintf(b, "By default: %s.\n", k.fallback)
	}
	if fields := fieldsOf(k.value.schema()); len(fields) > 0 {
		b.WriteString("\n")
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			fmt.Fprintf(b, "- `%s`: %s\n", name, fields[name].Description)
		}
	}
	fmt.Fprintf(b, "\n```toml\n[tool.lithe]\n%s = %s\n```\n", strings.Replace(k.name, "NAME", "dev", 1), k.example)
}

// fieldsOf returns the keys of a table that may stand as the value, or in a list that is the value.
func fieldsOf(s schema) map[string]schema {
	if s.Items != nil {
		return fieldsOf(*s.Items)
	}
	for _, one := range s.AnyOf {
		if one.Properties != nil {
			return one.Properties
		}
	}
	return s.Properties
}

// typeName says in words what a schema allows.
func typeName(s schema, plural bool) string {
	if s.AnyOf != nil {
		var names []string
		for _, one := range s.AnyOf {
			names = append(names, typeName(one, plural))
		}
		return strings.Join(names, " or ")
	}
	name := map[string]string{"integer": "number", "object": "table", "array": "list", "string": "string", "boolean": "true or false"}[s.Type]
	if plural {
		name += "s"
	}
	switch {
	case s.Items != nil:
		return name + " of " + typeName(*s.Items, true)
	case s.AdditionalProperties != nil && !s.AdditionalProperties.never:
		return name + " of " + typeName(*s.AdditionalProperties, true)
	}
	return name
}

// The page on the configuration says what the decoder does, since both come from one table.
func TestReference(t *testing.T) {
	golden.Compare(t, filepath.Join("..", "..", "docs", "reference", "configuration.md"), []byte(reference()), *update)
}

// Every key says what it is for and shows how it is written.
func TestEveryKeyIsDocumented(t *testing.T) {
	var target Target
	for _, k := range append(flatten(targetKeys(&target)), laterKeys()...) {
		if !strings.HasSuffix(k.doc, ".") || k.example == "" || !k.later && k.fallback == "" {
			t.Errorf("%s: doc %q, example %q, by default %q", k.name, k.doc, k.example, k.fallback)
		}
	}
}
