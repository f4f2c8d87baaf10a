package build

import (
	"fmt"

	"github.com/lithe-build/lithe/internal/base"
)

// standaloneFor completes the name of a base that leaves the Python of a standalone one open: by what the project names,
// else by what suits its lock best.
func (in *inputs) standaloneFor(name string) string {
	name = base.WithPython(name, in.project.Python.Version)
	bare, _ := base.Parse("standalone")
	if name != bare {
		return name
	}
	var standalone []base.Python
	for _, p := range base.Pythons() {
		if base.IsStandalone(p.Base) {
			standalone = append(standalone, p)
		}
	}
	best, _, ok := in.best(standalone)
	if !ok {
		best.Python = standalone[0] // which is refused later, with what the lock admits
	}
	return best.Base
}

// movedStandalone tells which interpreter came in the place of which.
func movedStandalone(before, after *base.Pins, platform string) []string {
	old, _ := before.Selection(platform)
	now, _ := after.Selection(platform)
	if old.Standalone == nil || now.Standalone == nil || *old.Standalone == *now.Standalone {
		return nil
	}
	return []string{fmt.Sprintf("%scpython %s -> %s", marked(platform, len(after.Platforms) > 1), old.Standalone.Version(), now.Standalone.Version())}
}
