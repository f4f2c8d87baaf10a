package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
)

// libraries completes the pins by the packages of Debian that Python distributions need: those that lithe.lock has, as long
// as their distribution is locked and some target does not do without them, and those of the table of what is opened at run
// time. What ELF files need is found when there are layers (complete), and is in lithe.lock from then on.
func (b *builder) libraries(ctx context.Context, d *decision) error {
	old, known, projects := pinsOf(d.litheLock), d.lockedNames(), d.allProjects()
	for i := range d.pins.Platforms {
		s := &d.pins.Platforms[i]
		if before, ok := old.Selection(s.Platform); ok && old.Name == d.pins.Name {
			s.Libraries = slices.DeleteFunc(slices.Clone(before.Libraries), func(l base.Library) bool {
				wanted := slices.ContainsFunc(projects, func(p *project.Project) bool { return !p.MayLack(l.Library) })
				return !wanted || !known[l.Distribution] || d.lost(s.Platform, l.Part())
			})
		}
	}
	for _, v := range d.variants {
		if !d.follows(v.name()) {
			continue
		}
		needed, refused := base.Opened(d.suiteOf(v.name()), v.distributions(d), v.entry.Parts)
		needed = slices.DeleteFunc(needed, func(l base.Library) bool { return d.config.MayLack(l.Library) })
		d.addLibraries(v.name(), needed)
		b.warn(d.refused(v, refused))
	}
	return b.extendLibraries(ctx, d)
}

// lost reports a part of a distribution that was named by the project, and is not by what is built for a platform now.
func (d *decision) lost(platform, part string) bool {
	return part != "" && slices.ContainsFunc(d.variants, func(v *variant) bool { return v.name() == platform && !slices.Contains(v.entry.Parts, part) })
}

// follows reports whether packages of Debian follow from what distributions need on a platform: on bases of such packages,
// unless the configuration says no.
func (d *decision) follows(platform string) bool {
	return d.config.SystemLibraries && d.suiteOf(platform) != ""
}

// suiteOf names the base of Debian's packages that a platform stands on, as a base is named; "" for an image of another
// system, and for one that lithe.lock has from before its suite was written down.
func (d *decision) suiteOf(platform string) string {
	image := d.imageOf(platform)
	switch {
	case image == nil:
		return d.pins.Name
	case image.Suite == "":
		return ""
	}
	return "debian:" + image.Suite
}

// lockedNames are the distributions that any target may have, the project's own among them.
func (in *inputs) lockedNames() map[string]bool {
	names := map[string]bool{in.project.NormalizedName(): true}
	for _, p := range in.lock.Packages {
		names[name.Normalize(p.Name)] = true
	}
	return names
}

// distributions are those of an image, with the names of their files.
func (v *variant) distributions(d *decision) map[string]string {
	files := map[string]string{d.project.NormalizedName(): ""}
	for _, p := range slices.Concat(v.packages, v.code) {
		files[name.Normalize(p.Name)] = p.Filename
	}
	return files
}

// addLibraries adds to what a platform's distributions need, and keeps it sorted.
func (d *decision) addLibraries(platform string, more []base.Library) {
	i := slices.IndexFunc(d.pins.Platforms, func(s base.Selection) bool { return s.Platform == platform })
	s := &d.pins.Platforms[i]
	for _, l := range more {
		if !slices.Contains(s.Libraries, l) {
			s.Libraries = append(s.Libraries, l)
		}
	}
	slices.SortFunc(s.Libraries, base.Library.Compare)
}

// extendLibraries locks what libraries name and lithe.lock lacks, drops what none names any more, and gives each platform
// its system packages.
func (b *builder) extendLibraries(ctx context.Context, d *decision) error {
	differs := func(s base.Selection) bool { return s.Lacks() || s.Orphaned(d.system.all) }
	if slices.ContainsFunc(d.pins.Platforms, differs) {
		if b.opt.Locked {
			return outOfDate(d.inputs)
		}
		stop := b.time("index")
		opt := b.bases
		opt.System = d.system.all
		extended, err := base.Extend(ctx, b.client, d.pins, opt, b.onBase)
		stop()
		if err != nil {
			return err
		}
		d.pins = extended
	}
	for _, v := range d.variants {
		v.system = d.system
		if !d.follows(v.name()) {
			continue
		}
		s, _ := d.pins.Selection(v.name())
		present := v.distributions(d)
		v.libraries = slices.DeleteFunc(slices.Clone(s.Libraries), func(l base.Library) bool { return !has(present, l.Distribution) || d.config.MayLack(l.Library) })
		v.system.wants = slices.Clone(d.system.wants)
		for _, l := range v.libraries {
			if !slices.ContainsFunc(v.system.wants, func(w base.Want) bool { return w.Name == l.Package }) {
				v.system.wants = append(v.system.wants, base.Want{Name: l.Package})
			}
		}
	}
	return nil
}

func has(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}

// decideLibraries tells which distribution brought which package.
func (d *decision) decideLibraries(v *variant) (all []project.Evidence) {
	for _, l := range v.libraries {
		verb := "needs"
		if base.IsOpened(l) {
			verb = "opens"
		}
		e := project.Evidence{Decision: "system package", Value: l.Package, Reason: fmt.Sprintf("%s %s %s", l.Distribution, verb, l.Library),
			Override: "system-libraries"}
		for _, p := range slices.Concat(v.packages, v.code) {
			if name.Normalize(p.Name) == l.Distribution {
				e.Pos = p.Pos
			}
		}
		all = append(all, e)
	}
	return all
}

// refused tells of packages that a distribution needs and that nobody has accepted.
func (d *decision) refused(v *variant, all []base.Refused) (warnings diag.List) {
	for _, r := range all {
		if d.config.MayLack(r.Library.Library) || slices.ContainsFunc(d.system.wants, func(w base.Want) bool { return w.Name == r.Package }) {
			continue
		}
		e := &diag.Error{Code: "opened-library",
			What: fmt.Sprintf("%s opens %s, and %s, which has it, is not added by itself: lithe does not understand all scripts of its packages",
				r.Distribution, r.Library.Library, r.Package),
			Hint: fmt.Sprintf("where the program needs it, set system-packages = [%q] and accept-unrun-scripts = [\"%s\"]", r.Package, strings.Join(r.Accept, `", "`))}
		for _, p := range v.packages {
			if p.Name == r.Distribution {
				e.Pos = p.Pos
			}
		}
		warnings.Add(e)
	}
	return warnings
}

// moreLibraries is what a look at the layers says of the packages that an image is to have: it is to be made again.
type moreLibraries struct {
	added, unneeded map[string][]base.Library // by platform
	problems        diag.List                 // what --locked says instead
}

// Error is for whoever makes nothing again.
func (m *moreLibraries) Error() string {
	return "lithe.lock does not have the system packages of the image"
}

// followLibraries takes over what the layers said. It reports false where err says something else.
func (b *builder) followLibraries(ctx context.Context, d *decision, err error) (again bool, _ error) {
	more, ok := errors.AsType[*moreLibraries](err)
	if !ok {
		return false, err
	}
	if b.opt.Locked {
		return false, joinProblems(more.problems)
	}
	for platform, libraries := range more.added {
		d.addLibraries(platform, libraries)
	}
	for i := range d.pins.Platforms {
		s := &d.pins.Platforms[i]
		s.Libraries = slices.DeleteFunc(s.Libraries, func(l base.Library) bool { return slices.Contains(more.unneeded[s.Platform], l) })
	}
	if err := b.extendLibraries(ctx, d); err != nil {
		return false, err
	}
	for _, v := range d.variants {
		b.plan(d, v)
		for _, l := range more.added[v.name()] {
			b.ended("system", "%s%s, since %s needs %s", d.mark(v), l.Package, l.Distribution, l.Library)
		}
	}
	changes, err := b.saveLitheLock(d)
	for _, change := range changes {
		b.ended("lock", "%s", change)
	}
	return err == nil, err
}

// addable returns what to add for a library that is missing, where a package of Debian has it and such packages follow. What
// was added already and does not help stays missing.
func (r *lackReport) addable(m closure.Missing) (base.Library, bool) {
	l := base.Library{Distribution: name.Normalize(m.User.Package), Library: m.Library, Package: r.providers[m.Library]}
	added := slices.Contains(r.variant.libraries, l)
	return l, l.Package != "" && l.Distribution != "" && m.Elsewhere == "" && !added && r.follows(r.variant.name())
}

// unneeded are the libraries of an image that no file of their distribution needs any more.
func (v *variant) unneeded() []base.Library {
	needed := map[base.Library]bool{}
	for _, l := range v.layers() {
		for _, o := range l.Loading.Objects {
			for _, soname := range o.Needed {
				needed[base.Library{Distribution: name.Normalize(o.Package), Library: soname}] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(v.libraries), func(l base.Library) bool {
		return base.IsOpened(l) || needed[base.Library{Distribution: l.Distribution, Library: l.Library}]
	})
}
