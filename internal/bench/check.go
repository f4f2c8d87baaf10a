package bench

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Check finds mistakes in options before anything is built.
func (o Options) Check() error {
	var problems diag.List
	unknown := func(what, name string, known []string) {
		if !slices.Contains(known, name) {
			problems.Add(&diag.Error{Code: "unknown-" + what, What: "there is no " + what + " " + name, Hint: "there are " + strings.Join(known, ", ")})
		}
	}
	for _, name := range o.Only {
		unknown("scenario", name, ScenarioNames())
	}
	for _, name := range o.Ways {
		unknown("way", name, Ways())
	}
	for _, name := range slices.Sorted(maps.Keys(o.Changes)) {
		unknown("change", name, []string{mainChange, devChange})
		if info, err := os.Stat(o.Changes[name]); err != nil || !info.IsDir() {
			problems.Add(&diag.Error{Code: "no-folder", What: "there is no folder " + o.Changes[name],
				Hint: "name one with the changed pyproject.toml and lock file"})
		}
	}
	for _, file := range append(slices.Clone(o.Against), o.sourceFile()...) {
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			problems.Add(&diag.Error{Code: "no-file", What: "there is no file " + file})
		}
	}
	return problems.Err()
}

// sourceFile is the file that is changed, where it was named.
func (o Options) sourceFile() []string {
	if o.Source == "" {
		return nil
	}
	return []string{filepath.Join(o.Dir, filepath.FromSlash(o.Source))}
}
