package base

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
	"github.com/lithe-build/lithe/internal/diag"
)

// Want is a Debian package that a project asks for beside the base's.
type Want struct {
	Name    string
	Version string        // exact; "" means the newest
	Pos     diag.Position // where it is asked for
	Or      string        // the name to take in suites without the first; only of wants that lithe has itself

	local *stanza // of a .deb of the project, nil for what the indexes have
}

// ParseWant reads "libpq5" or "libpq5=17.6-0+deb13u1", as `apt-get install` takes them.
func ParseWant(s string, pos diag.Position) (Want, error) {
	name, ver, pinned := strings.Cut(s, "=")
	w := Want{Name: name, Version: ver, Pos: pos}
	err := control.CheckName(name)
	if err == nil && pinned {
		err = version.Check(ver)
	}
	if err != nil {
		return w, &diag.Error{Pos: pos, Code: "system-package", What: fmt.Sprintf("%q names no Debian package: %v", s, err),
			Hint: `write a name such as "libpq5", or name and version such as "libpq5=17.6-0+deb13u1"`}
	}
	return w, nil
}

// String returns what ParseWant reads, of a file its path, and of two names both as Debian writes alternatives.
func (w Want) String() string {
	if w.Or != "" {
		return w.Name + " | " + w.Or
	}
	if w.local != nil {
		return "./" + w.local.Path
	}
	if w.Version == "" {
		return w.Name
	}
	return w.Name + "=" + w.Version
}

// WantStrings lists wants as lithe.lock does: sorted, each once.
func WantStrings(wants []Want) []string {
	var all []string
	for _, w := range wants {
		all = append(all, w.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sortedWants returns each name once, sorted; a want with a version stands for one without. Two versions of one package
// are a problem.
func sortedWants(wants []Want) ([]Want, diag.List) {
	var problems diag.List
	all := slices.Clone(wants)
	slices.SortStableFunc(all, func(a, b Want) int { return cmp.Or(cmp.Compare(a.Name, b.Name), -cmp.Compare(a.Version, b.Version)) })
	all = slices.CompactFunc(all, func(b, a Want) bool { // a stands before b
		if a.Name == b.Name && b.Version != "" && a.Version != b.Version {
			problems.Add(&diag.Error{Pos: b.Pos, Code: "two-versions",
				What: fmt.Sprintf("package %s is asked for in two versions, %s and %s", a.Name, a.Version, b.Version),
				Hint: "the targets of a project share lithe.lock, and with it one version of each package"})
		}
		return a.Name == b.Name
	})
	return all, problems
}

// SystemPins returns the packages that a target's wants bring beside the base, sorted by name.
func (s Selection) SystemPins(wants []Want) []Pin {
	var out []Pin
	for _, p := range s.Packages {
		needed := func(w Want) bool { return slices.Contains(p.For, w.Name) }
		if p.Part == KindSystem && slices.ContainsFunc(wants, needed) {
			out = append(out, p)
		}
	}
	return out
}

// Newest returns the latest date of the indexes that were read.
func (p *Pins) Newest() time.Time { return newest(p.Releases) }
