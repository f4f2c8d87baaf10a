package project

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Wish is the Python that the project names, which is more than requires-python, the range that it allows.
type Wish struct {
	Version  string // "3.13" or "3.13.5"
	Pos      diag.Position
	Override string // what decides otherwise
}

// maxVersionFile bounds the files that hold nothing but a version.
const maxVersionFile = 64 << 10

// wishFiles are the files of other tools that name a Python, in the order in which they are asked.
var wishFiles = []struct {
	file string
	find func(line string) string
}{
	{".python-version", pythonVersionLine},
	{".tool-versions", toolVersionsLine},
	{"runtime.txt", func(line string) string { return strings.TrimPrefix(line, "python-") }},
}

// readPython finds the Python that the project names.
func (p *Project) readPython(list *diag.List) error {
	if pos, ok := p.Config.Position("python"); ok {
		p.setPython(Wish{p.Config.Python, pos, "python"}, "the configuration says so")
		return nil
	}
	for _, w := range wishFiles {
		if w.file == "runtime.txt" && p.RequiresPython != "" {
			continue // an old file of a platform's, which projects of today forget
		}
		data, err := p.readFile(w.file, maxVersionFile)
		if err != nil {
			return err
		}
		if found, pos := p.findVersion(w.file, data, w.find); found != "" {
			if !pythonRule.allows(found) {
				list.Add(&diag.Error{Pos: pos, Code: "python-version", What: fmt.Sprintf("%s names the Python %q", w.file, found),
					Hint: "write a version such as 3.13, or set `python` in [tool.lithe]"})
				return nil
			}
			p.setPython(Wish{found, pos, "python"}, w.file+" says so")
			return nil
		}
	}
	return nil
}

func (p *Project) setPython(w Wish, reason string) {
	p.Python = w
	p.Evidence = append(p.Evidence, Evidence{Decision: "python", Value: w.Version, Reason: reason, Pos: w.Pos, Override: w.Override})
}

// findVersion returns the version of the first line that has one.
func (p *Project) findVersion(file string, data []byte, find func(string) string) (string, diag.Position) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if found := find(strings.TrimSpace(line)); found != "" {
			return found, diag.Position{File: p.name(file), Line: n}
		}
	}
	return "", diag.Position{}
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
