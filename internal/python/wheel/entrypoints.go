package wheel

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// EntryPoint is a command that a distribution asks its installer to make.
type EntryPoint struct {
	Name   string // the command
	Module string // dotted
	Attr   string // dotted
	GUI    bool   // gui_scripts; the same as console_scripts on Linux
}

var (
	// Command names become file names in bin; spaces are allowed by the specification, and a few have them.
	commandName = lazyregexp.New(`^[A-Za-z0-9_.][A-Za-z0-9_.+ -]*$`)
	// Object references. Names are Python identifiers: what \w matches, without a digit in front. Extras may follow.
	dotted          = `[\p{L}_][\p{L}\p{M}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{M}\p{N}_]*)*`
	objectReference = lazyregexp.New(`^(` + dotted + `)\s*(?::\s*(` + dotted + `)?)?\s*(?:\[[^\]]*\]\s*)?$`)
)

// parseEntryPoints reads entry_points.txt and returns its commands. Other groups are for the distribution's users,
// and are only checked for their form.
func parseEntryPoints(data []byte) ([]EntryPoint, error) {
	var out []EntryPoint
	seen := map[string]bool{}
	group := ""
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if text[0] == '[' {
			name, ok := strings.CutSuffix(text[1:], "]")
			if !ok || name == "" {
				return nil, fmt.Errorf("line %d: %q is not a group", i+1, text)
			}
			group = name
			continue
		}
		if group == "" {
			return nil, fmt.Errorf("line %d: %q stands before the first group", i+1, text)
		}
		if group != "console_scripts" && group != "gui_scripts" {
			continue
		}
		e, err := parseEntryPoint(line, group == "gui_scripts")
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("line %d: a second command %q", i+1, e.Name)
		}
		seen[e.Name] = true
		out = append(out, e)
	}
	return out, nil
}

// parseEntryPoint reads one command. It is strict, since name and reference become a file name and Python source.
func parseEntryPoint(line string, gui bool) (EntryPoint, error) {
	if line[0] == ' ' || line[0] == '\t' {
		// configparser would join it to the value above, which no tool writes and no reader expects.
		return EntryPoint{}, fmt.Errorf("%q continues the line above", strings.TrimSpace(line))
	}
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch m := objectReference.FindStringSubmatch(value); {
	case !ok:
		return EntryPoint{}, fmt.Errorf("%q is not name = module:attribute", strings.TrimSpace(line))
	case !commandName.MatchString(key) || key == "." || key == "..":
		return EntryPoint{}, fmt.Errorf("%q cannot be the name of a command", key)
	case m == nil || m[2] == "":
		return EntryPoint{}, fmt.Errorf("%s: %q is not module:attribute", key, value)
	default:
		return EntryPoint{Name: key, Module: m[1], Attr: m[2], GUI: gui}, nil
	}
}

// readEntryPoints parses entry_points.txt where there is one.
func (w *Wheel) readEntryPoints() error {
	path := w.distInfo + "/entry_points.txt"
	data, _, err := w.read(path, maxEntryPoints)
	if err != nil {
		return err
	}
	if w.Scripts, err = parseEntryPoints(data); err != nil {
		return w.errorf("entry_points.txt: %w", err)
	}
	for _, e := range w.Scripts {
		if reservedCommand(e.Name) {
			return w.errorf("entry_points.txt: the entry point %q would replace a file of the virtual environment", e.Name)
		}
	}
	return nil
}

// script returns the program for an entry point: what pip writes, less what only Windows needs.
func (e EntryPoint) script(interpreter string) []byte {
	first, _, _ := strings.Cut(e.Attr, ".")
	return fmt.Appendf(nil, "#!%s\nimport sys\nfrom %s import %s\nif __name__ == \"__main__\":\n    sys.exit(%s())\n",
		interpreter, e.Module, first, e.Attr)
}
