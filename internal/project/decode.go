package project

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// decoder reads configuration and collects every problem in it.
type decoder struct {
	root      string // how the configuration is called in messages: "[tool.lithe]" or "lithe.toml"
	list      diag.List
	positions map[string]diag.Position // where to note what is set
	prefix    string                   // of the keys to note: "" or "targets.NAME."
}

func (d *decoder) problem(pos diag.Position, code, what, hint string) {
	d.list.Add(&diag.Error{Pos: pos, Code: code, What: what, Hint: hint})
}

func (d *decoder) wrongType(path string, v *toml.Value, want string) {
	d.problem(v.Pos, "config-type", fmt.Sprintf("%s is of type %s, not %s", path, v.Kind(), want), "")
}

// few reports a table that does not have too many keys.
func (d *decoder) few(path string, in *toml.Table) bool {
	n := len(in.Keys())
	if n > maxItems {
		d.problem(in.Pos, "config-value", fmt.Sprintf("%s has %d keys, more than %d", d.where(path), n, maxItems), "")
	}
	return n <= maxItems
}

// key is one key of the configuration.
type key struct {
	name     string
	doc      string
	fallback string // what holds without the key
	example  string // TOML; also what the published schema shows
	value    value
	later    bool // known and documented, but what it does comes with a later release
}

// table is a table with known keys.
type table struct{ keys []key }

func (t table) decode(d *decoder, path string, v *toml.Value) {
	if in, ok := v.AsTable(); ok {
		t.decodeTable(d, path, in)
		return
	}
	d.wrongType(path, v, "a table")
}

func (t table) decodeTable(d *decoder, path string, in *toml.Table) {
	if !d.few(path, in) {
		return
	}
	for _, name := range in.Keys() {
		full := join(path, name)
		i := slices.IndexFunc(t.keys, func(k key) bool { return k.name == name })
		switch {
		case i < 0:
			d.problem(in.KeyPos(name), "unknown-key", fmt.Sprintf("unknown key %q in %s", name, d.where(path)),
				suggestion(name, t.names(""), "the keys are "))
		case t.keys[i].later:
			d.problem(in.KeyPos(name), "not-supported-yet", fmt.Sprintf("%s is not supported yet", full),
				"remove the key; docs/limitations.md says what comes later")
		default:
			before := len(d.list) // a value with a problem counts as not set, so that nothing is inferred from half of it
			t.keys[i].value.decode(d, full, in.Value(name))
			if d.positions != nil && len(d.list) == before {
				d.positions[strings.TrimPrefix(full, d.prefix)] = in.KeyPos(name)
			}
		}
	}
}

// names returns the keys, and behind a dot those of the tables in them.
func (t table) names(prefix string) []string {
	var names []string
	for _, k := range t.keys {
		names = append(names, prefix+k.name)
		if sub, ok := k.value.(table); ok {
			names = append(names, sub.names(prefix+k.name+".")...)
		}
	}
	return names
}

func (t table) schema() schema {
	s := schema{Type: "object", Properties: map[string]schema{}, AdditionalProperties: &schema{never: true}}
	for _, k := range t.keys {
		one := k.value.schema()
		one.Description = k.doc
		if k.fallback != "" {
			one.Description += " By default: " + k.fallback + "."
		}
		if k.later {
			one.Description = "Not supported yet. " + k.doc
		}
		if k.example != "" {
			one.Examples = []any{exampleValue(k)}
		}
		s.Properties[k.name] = one
	}
	return s
}

// where names a table of the configuration as its header does.
func (d *decoder) where(path string) string {
	switch {
	case path == "":
		return d.root
	case strings.HasPrefix(d.root, "["):
		return strings.TrimSuffix(d.root, "]") + "." + path + "]"
	}
	return "[" + path + "] of " + d.root
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// decodeConfig reads the configuration and all its targets, and returns every problem in them.
func decodeConfig(root string, in *toml.Table) (Config, map[string]Target, diag.List) {
	c := defaults()
	c.place = root
	d := &decoder{root: root, positions: c.positions}
	targets := map[string]*toml.Table{}
	keys := append(configKeys(&c), targetsKey(targets))
	table{keys}.decodeTable(d, "", in)
	out := map[string]Target{}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		t := Target{Config: c.clone(), Name: name, Sources: name == devTarget}
		// A target starts from the whole configuration, and what it sets is noted under the key's plain name.
		d.positions, d.prefix = t.positions, "targets."+name+"."
		table{targetKeys(&t)}.decodeTable(d, "targets."+name, targets[name])
		t.finish()
		out[name] = t
	}
	return c, out, d.list
}

// maxTargets is how many targets there may be: each has a copy of the whole configuration. People have a handful.
const maxTargets = 100

// targetTables keeps the tables of targets until the configuration that they start from is read.
type targetTables struct{ to map[string]*toml.Table }

func (t targetTables) decode(d *decoder, path string, v *toml.Value) {
	in, ok := v.AsTable()
	if !ok {
		d.wrongType(path, v, "a table")
		return
	}
	if n := len(in.Keys()); n > maxTargets {
		d.problem(v.Pos, "config-value", fmt.Sprintf("%s has %d tables, more than %d", path, n, maxTargets), "")
		return
	}
	for _, name := range in.Keys() {
		if !targetName.check(d, "the name of a target", in.KeyPos(name), name) {
			continue
		}
		if one, ok := in.Value(name).AsTable(); ok {
			t.to[name] = one
		} else {
			d.wrongType(path+"."+name, in.Value(name), "a table")
		}
	}
}

func (targetTables) schema() schema {
	one := table{targetKeys(new(Target))}.schema()
	return schema{Type: "object", AdditionalProperties: &one, PropertyNames: &schema{Pattern: targetName.pattern.String()}}
}
