package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/pep517"
)

// maxGuesses is how many packages may have a header that is somewhere below /usr/include, for one of them to be named.
const maxGuesses = 3

// missingHint names the Debian package that has what a build did not find, as the line of configuration that adds it. Where
// nobody knows one, it says what to look for.
func (f *frontend) missingHint(ctx context.Context, m pep517.Missing) string {
	what := missingName(m)
	pkg := base.KnownHolder(what)
	if pkg == "" {
		pkg = f.holder(ctx, m)
	}
	if pkg == "" {
		return fmt.Sprintf("add the Debian package that has %s to `build-packages` in %s", what, f.decision.config.Place())
	}
	var names []string
	for _, p := range f.decision.config.BuildPackages {
		names = append(names, p.Want)
	}
	return fmt.Sprintf("Debian's %s has %s: set build-packages = [\"%s\"] in %s", pkg, what, strings.Join(append(names, pkg), `", "`), f.decision.config.Place())
}

// holder asks the suite's index of files for the package of what is missing. It is "" where the index cannot be asked, or knows
// too many: the build has failed in any case.
func (f *frontend) holder(ctx context.Context, m pep517.Missing) string {
	opt, platform := f.builder.bases, f.variant.name()
	opt.Name = f.decision.suiteOf(platform)
	packages, err := base.Holding(ctx, f.builder.client, opt, platform, func(path string) int { return missingRank(m, path) })
	if err != nil {
		f.builder.opt.Log.Info("no index of files", "error", err)
		return ""
	}
	if len(packages) == 0 || len(packages) > maxGuesses && m.Kind == pep517.Header {
		return ""
	}
	return packages[0]
}

// missingName is what is missing as a file.
func missingName(m pep517.Missing) string {
	switch m.Kind {
	case pep517.Library:
		return "lib" + m.Name + ".so"
	case pep517.Module:
		return m.Name + ".pc"
	default:
		return m.Name
	}
}

// missingRank is 1 for a path where compiler, linker, pkg-config or shell would find what is missing, 2 for a header that a
// package keeps in a folder of its own, and 0 for every other path.
func missingRank(m pep517.Missing, path string) int {
	name := missingName(m)
	if !strings.HasSuffix(path, name) {
		return 0
	}
	folder, ok := strings.CutSuffix(path, "/"+name)
	if !ok {
		return 0
	}
	modules, isModule := strings.CutSuffix(folder, "/pkgconfig")
	switch {
	case m.Kind == pep517.Program && (folder == "usr/bin" || folder == "bin"),
		m.Kind == pep517.Library && withoutTriplet(folder) == "usr/lib",
		m.Kind == pep517.Module && isModule && (withoutTriplet(modules) == "usr/lib" || modules == "usr/share"),
		m.Kind == pep517.Header && withoutTriplet(folder) == "usr/include":
		return 1
	case m.Kind == pep517.Header && strings.HasPrefix(folder, "usr/include/"):
		return 2
	}
	return 0
}

// withoutTriplet drops the folder of an architecture at the end of a path.
func withoutTriplet(folder string) string {
	if i := strings.LastIndexByte(folder, '/'); i >= 0 && strings.HasSuffix(folder, "-linux-gnu") {
		return folder[:i]
	}
	return folder
}
