package project

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// Sources lists the files that the project's build backend may see: all that git would not ignore, but no secrets, virtual
// environments, caches, nor lithe.lock. Paths are relative to the project. The error is a diag.List.
func (p *Project) Sources() ([]entry.Entry, error) {
	w := &walker{project: p, all: true, sources: true, from: map[string]string{}}
	if err := w.dir("", w.start()); err != nil {
		return nil, err
	}
	if err := w.list.Err(); err != nil {
		return nil, err
	}
	for i := range w.out.Entries {
		w.out.Entries[i].Path = strings.TrimPrefix(w.out.Entries[i].Path, "app/")
	}
	slices.SortFunc(w.out.Entries, entry.Compare)
	return w.out.Entries, nil
}

// keptFromBackends are the reasons of neverReason for which a build backend does not see a file either.
var keptFromBackends = []string{"may hold secrets", "virtual environment", "bytecode", "cache", "editor"}

// keptFromBackend says why a backend does not see a file, "" where it does.
func keptFromBackend(reason, name string, isDir bool) string {
	switch {
	case slices.Contains(keptFromBackends, reason), reason == "version control" && isDir, name == ".git", name == "lithe.lock":
		return reason
	}
	return ""
}
