package build

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/project"
)

// programs refuses images whose commands name a program of /venv/bin or /app that is not there: they would not start. What else
// the image has is not known by name, since a base may be an image of somebody else's.
func (d *decision) programs() error {
	var problems diag.List
	for _, v := range d.variants {
		scripts := []string{"venv/bin/python", "venv/bin/python3", "venv/bin/" + v.plan.Scheme().Python}
		for _, l := range v.layers() {
			scripts = append(scripts, l.Scripts...)
		}
		start := slices.Concat(v.entry.Entrypoint, v.entry.Cmd)
		d.program(&problems, v, "entrypoint", start, scripts)
		for _, name := range slices.Sorted(maps.Keys(v.entry.Processes)) {
			if command := v.entry.Processes[name]; !slices.Equal(command, start) {
				d.program(&problems, v, "process "+name, command, scripts)
			}
		}
		if len(problems) > 0 {
			break // those of other platforms would say the same
		}
	}
	return problems.Err()
}

// program adds a problem if the program of a command is missing. decision is what the evidence for the command is called.
func (d *decision) program(problems *diag.List, v *variant, decision string, command, scripts []string) {
	if len(command) == 0 {
		return
	}
	name := strings.TrimPrefix(path.Clean(command[0]), "/")
	there := scripts
	switch {
	case !path.IsAbs(command[0]):
		return
	case strings.HasPrefix(name, "app/"):
		there = nil
		for _, e := range v.own.entries {
			if e.Type == entry.Symlink && strings.HasPrefix(name, e.Path+"/") {
				return // whatever is behind it
			}
			if e.Type != entry.Dir {
				there = append(there, e.Path)
			}
		}
	case !strings.HasPrefix(name, "venv/bin/"):
		return
	}
	if slices.Contains(there, name) || slices.ContainsFunc(v.own.entries, func(e entry.Entry) bool { return e.Path == name }) {
		return
	}
	why := project.Evidence{Override: "entrypoint"}
	if i := slices.IndexFunc(v.entry.Evidence, func(e project.Evidence) bool { return e.Decision == decision }); i >= 0 {
		why = v.entry.Evidence[i]
	}
	hint := fmt.Sprintf("lock a package that brings it, or name another program by `%s` in %s", why.Override, d.project.Config.Place())
	if near := nearestPath(name, there); near != "" {
		hint = fmt.Sprintf("did you mean `/%s`?", near)
	}
	problems.Add(&diag.Error{Pos: why.Pos, Code: "no-program", What: fmt.Sprintf("%s runs /%s, which is not in the image", decision, name), Hint: hint})
}

// nearestPath returns the path whose last part differs least, "" where all differ in more than a third.
func nearestPath(name string, all []string) (near string) {
	best := len(path.Base(name))/3 + 1
	for _, one := range slices.Sorted(slices.Values(all)) {
		if d := diag.Distance(path.Base(name), path.Base(one)); d < best {
			near, best = one, d
		}
	}
	return near
}
