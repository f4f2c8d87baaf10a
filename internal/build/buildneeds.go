package build

import (
	"slices"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
)

// followBuildNeeds adds the Debian packages that sources are known to need to those that the configuration names, and says
// why.
func (d *decision) followBuildNeeds() {
	for _, p := range d.builtPackages() {
		needed, source := base.Building(name.Normalize(p.Name))
		for _, n := range needed {
			if slices.ContainsFunc(d.system.build, func(w base.Want) bool { return w.Name == n }) {
				continue
			}
			d.system.build = append(d.system.build, base.Want{Name: n, Pos: p.Pos})
			d.decisions = append(d.decisions, project.Evidence{Decision: "build package", Value: n, Pos: p.Pos, Override: "build-packages",
				Reason: p.Name + " is built from source, and needs it: " + source})
		}
	}
}

// builtPackages are the packages of the lock that some target may build from source. The target of this run decides as
// little as may be: a builder that changed with it would change what is built.
func (d *decision) builtPackages() []lock.Package {
	selected, known := map[string]bool{}, map[string]bool{}
	for _, v := range d.variants {
		for _, p := range v.packages {
			selected[p.Name] = selected[p.Name] || isSource(p)
		}
	}
	if d.litheLock != nil {
		for _, b := range d.litheLock.Builds {
			known[b.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(d.lock.Packages), func(p lock.Package) bool {
		n := name.Normalize(p.Name)
		noWheel := len(p.Files) > 0 && !slices.ContainsFunc(p.Files, lock.File.IsWheel)
		return !selected[n] && !known[n] && !noWheel
	})
}
