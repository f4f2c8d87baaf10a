package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/toml"
)

// include is a glob, or {path = GLOB, to = PATH}.
type include struct{ to *Include }

func (i include) keys() []key {
	return []key{
		{name: "path", value: text{&i.to.Path, glob}, doc: "The glob, relative to the project."},
		{name: "to", value: text{&i.to.To, imagePath}, doc: "Where the files go in the image: absolute, or relative to /app."},
	}
}

func (i include) decode(d *decoder, at string, v *toml.Value) {
	i.to.Pos = v.Pos
	if _, ok := v.Str(); ok {
		text{&i.to.Path, glob}.decode(d, at, v)
		return
	}
	in, ok := v.AsTable()
	if !ok {
		d.wrongType(at, v, "a glob or a table with path and to")
		return
	}
	nested := *d // what is set inside an element has no name of its own
	nested.positions = nil
	table{i.keys()}.decodeTable(&nested, at, in)
	d.list = nested.list
	if !in.Has("path") {
		d.problem(v.Pos, "config-value", at+" has no path", "say which files are meant: {path = \"…\", to = \"…\"}")
	}
	// A file there would stand above one of the base or of a wheel, whose record then lies.
	if first, _, _ := strings.Cut(strings.TrimPrefix(path.Clean("/"+destination(*i.to)), "/"), "/"); slices.Contains(reserved, first) {
		d.problem(v.Pos, "config-value", fmt.Sprintf("%s puts files into /%s, which is lithe's own", at, first),
			"choose another place, such as /app or /srv")
	}
}

// reserved are the directories at the root that the base and the dependencies fill, or that are no files at all.
var reserved = []string{"bin", "dev", "lib", "lib64", "proc", "sbin", "sys", "usr", "venv"}

// destination returns where an include goes, relative to the root of the image; "app" when it does not say.
func destination(i Include) string {
	if path.IsAbs(i.To) {
		return strings.TrimPrefix(path.Clean(i.To), "/")
	}
	return path.Join("app", i.To)
}

func (i include) schema() schema {
	in := table{include{new(Include)}.keys()}.schema()
	in.Required = []string{"path"}
	return schema{AnyOf: []schema{glob.schema(), in}}
}

// systemPackage is a name, name=version, or a .deb of the project.
type systemPackage struct{ to *SystemPackage }

func (s systemPackage) decode(d *decoder, at string, v *toml.Value) {
	s.to.Pos = v.Pos
	text{&s.to.Want, debianWant}.decode(d, at, v)
}

func (systemPackage) schema() schema { return debianWant.schema() }

// placed is a text of which is remembered where it stands.
type placed struct {
	to *Placed
	rule
}

func (p placed) decode(d *decoder, at string, v *toml.Value) {
	p.to.Pos = v.Pos
	text{&p.to.Text, p.rule}.decode(d, at, v)
}

// commands is a table of commands by name. What it decodes is added to what is there.
type commands struct{ to *map[string][]string }

func (c commands) decode(d *decoder, at string, v *toml.Value) {
	t, ok := v.AsTable()
	if !ok {
		d.wrongType(at, v, "a table")
		return
	}
	if *c.to == nil {
		*c.to = map[string][]string{}
	}
	for _, name := range t.Keys() {
		var one []string
		if processName.check(d, "the key in "+at, t.KeyPos(name), name) {
			command{&one}.decode(d, at+"."+name, t.Value(name))
		}
		if one != nil {
			(*c.to)[name] = one
		}
	}
}

func (c commands) schema() schema {
	one := command{new([]string)}.schema()
	return schema{Type: "object", AdditionalProperties: &one, PropertyNames: &schema{Pattern: processName.pattern.String()}}
}

// healthcheck is a command, a path, or a table with either and times.
type healthcheck struct{ to **Healthcheck }

func (healthcheck) keys(h *Healthcheck) []key {
	return []key{
		{name: "command", value: command{&h.Command}, doc: "The program and its arguments; 0 is well, 1 is not."},
		{name: "path", value: text{&h.Path, httpPath}, doc: "The path that the server answers by HTTP, in place of a command; a status below 400 is well."},
		{name: "interval", value: duration{&h.Interval}, doc: "Time between two checks."},
		{name: "timeout", value: duration{&h.Timeout}, doc: "Time after which a check has failed."},
		{name: "start-period", value: duration{&h.StartPeriod}, doc: "Time in which failures do not count."},
		{name: "retries", value: count{&h.Retries}, doc: "Failures in a row after which the program is not well."},
	}
}

func (c healthcheck) decode(d *decoder, at string, v *toml.Value) {
	h := new(Healthcheck)
	if in, ok := v.AsTable(); ok {
		table{c.keys(h)}.decodeTable(d, at, in)
		if in.Has("command") == in.Has("path") {
			d.problem(v.Pos, "config-value", at+" has no command and no path, or both", "say what to run, {command = [\"…\"]}, or what to ask for, {path = \"/health\"}")
		}
	} else if s, ok := v.Str(); ok && strings.HasPrefix(s, "/") {
		text{&h.Path, httpPath}.decode(d, at, v)
	} else {
		command{&h.Command}.decode(d, at, v)
	}
	*c.to = h
}

func (c healthcheck) schema() schema {
	one := func(has, not string) schema {
		in := table{c.keys(new(Healthcheck))}.schema()
		in.Required = []string{has}
		delete(in.Properties, not)
		return in
	}
	return schema{AnyOf: []schema{command{new([]string)}.schema(), httpPath.schema(), one("command", "path"), one("path", "command")}}
}

// tableOf is a table with free names and values of one type. Only keys of later releases have it, so nothing reads it.
type tableOf struct{ value }

func (tableOf) decode(*decoder, string, *toml.Value) {}

func (t tableOf) schema() schema {
	one := t.value.schema()
	return schema{Type: "object", AdditionalProperties: &one}
}

// targetsKey is the key under which targets differ from the rest of the configuration.
func targetsKey(to map[string]*toml.Table) key {
	return key{name: "targets", value: targetTables{to}, example: `{dev = {groups = ["test"]}}`,
		fallback: "prod with the main dependencies; dev with the default groups, too, and without bytecode of first-party code",
		doc:      "Targets by name: any key of the configuration, for this target only, and groups and extras. Tables add to those above."}
}
