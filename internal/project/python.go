package project

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// Wish is the Python that the project names, which is more than requires-python, the range that it allows.
type Wish struct {
	Version  string // "3.13" or "3.13.5"
	Pos      diag.Position
	Override string // what decides otherwise
}

// maxVersionFile bounds the files that name a version: most hold nothing else, and a Pipfile has a line for each package.
const maxVersionFile = 1 << 20

// maxPipfileLock is the largest Pipfile.lock that package lock reads.
const maxPipfileLock = 64 << 20

// wishFiles are the files of other tools that name a Python, in the order in which they are asked. Those that projects
// with requires-python forget about count only where there is none.
var wishFiles = []struct {
	file      string
	find      func(p *Project, file string, data []byte) (found string, pos diag.Position, err error)
	limit     int64
	forgotten bool
}{
	{".python-version", byLine(pythonVersionLine), maxVersionFile, false},
	{".tool-versions", byLine(toolVersionsLine), maxVersionFile, false},
	{"Pipfile", pipfilePython, maxVersionFile, true},
	{"Pipfile.lock", pipfileLockPython, maxPipfileLock, true}, // where it stands alone
	{"runtime.txt", byLine(func(line string) string { return strings.TrimPrefix(line, "python-") }), maxVersionFile, true},
}

// readPython finds the Python that the project names.
func (p *Project) readPython(list *diag.List) error {
	if pos, ok := p.Config.Position("python"); ok {
		p.setPython(Wish{p.Config.Python, pos, "python"}, "the configuration says so")
		return nil
	}
	for _, w := range wishFiles {
		if w.forgotten && (p.RequiresPython != "" || p.Script != "") {
			continue
		}
		data, err := p.readFile(w.file, w.limit)
		if err != nil {
			return err
		}
		found, pos, err := w.find(p, w.file, data)
		if err != nil {
			return err
		}
		if found == "" {
			continue
		}
		if !pythonRule.allows(found) {
			list.Add(&diag.Error{Pos: pos, Code: "python-version", What: fmt.Sprintf("%s names the Python %q", w.file, found),
				Hint: "write a version such as 3.13, or set `python` in " + p.Config.Place()})
			return nil
		}
		p.setPython(Wish{found, pos, "python"}, w.file+" says so")
		return nil
	}
	return nil
}

// Wants makes the project want another Python than its files say: who asks comes before them. What is no version is a
// problem.
func (p *Project) Wants(version string, pos diag.Position, reason string) error {
	if !pythonRule.allows(version) {
		return &diag.Error{Pos: pos, Code: "python-version", What: fmt.Sprintf("%q is no version of Python", version),
			Hint: "it must be " + pythonRule.want}
	}
	p.Evidence = slices.DeleteFunc(slices.Clone(p.Evidence), func(e Evidence) bool { return e.Decision == "python" })
	p.setPython(Wish{version, pos, "python"}, reason)
	return nil
}

func (p *Project) setPython(w Wish, reason string) {
	p.Python = w
	p.Evidence = append(p.Evidence, Evidence{Decision: "python", Value: w.Version, Reason: reason, Pos: w.Pos, Override: w.Override})
}

// byLine looks for the first line that has a version.
func byLine(find func(line string) string) func(*Project, string, []byte) (string, diag.Position, error) {
	return func(p *Project, file string, data []byte) (string, diag.Position, error) {
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			line, _, _ = strings.Cut(line, "#")
			if found := find(strings.TrimSpace(line)); found != "" {
				return found, diag.Position{File: p.name(file), Line: n}, nil
			}
		}
		return "", diag.Position{}, nil
	}
}

// pipfilePython reads [requires] of a Pipfile, where "3" and "*" mean any Python.
func pipfilePython(p *Project, file string, data []byte) (string, diag.Position, error) {
	t, err := toml.Parse(p.name(file), data)
	if err != nil {
		return "", diag.Position{}, err
	}
	requires := t.Table("requires")
	for _, key := range pipfileKeys {
		if v := requires.String(key); !anyPython(v) {
			return v, requires.KeyPos(key), nil
		}
	}
	return "", diag.Position{}, nil
}

// pipfileKeys name the Python of a Pipfile and of its lock, the exact one first.
var pipfileKeys = []string{"python_full_version", "python_version"}

func anyPython(version string) bool { return version == "" || version == "*" || version == "3" }

// pipfileLockPython reads _meta.requires, which Pipenv copies from the Pipfile. What is wrong with the file is said when it
// is read as a lock.
func pipfileLockPython(p *Project, file string, data []byte) (string, diag.Position, error) {
	var in struct {
		Meta struct {
			Requires map[string]any `json:"requires"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return "", diag.Position{}, nil
	}
	for _, key := range pipfileKeys {
		if v, _ := in.Meta.Requires[key].(string); !anyPython(v) {
			before, _, _ := strings.Cut(string(data), `"`+key+`"`)
			return v, diag.Position{File: p.name(file), Line: 1 + strings.Count(before, "\n")}, nil
		}
	}
	return "", diag.Position{}, nil
}

// pythonVersionLine reads a line as pyenv and uv write it: "3.13.5", "cpython-3.13", "cpython@3.13".
func pythonVersionLine(line string) string {
	line = strings.TrimPrefix(line, "cpython")
	return strings.TrimLeft(line, "-@")
}

// toolVersionsLine reads a line as asdf and mise write it: "python 3.13.5 system".
func toolVersionsLine(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "python" {
		return ""
	}
	return fields[1]
}
