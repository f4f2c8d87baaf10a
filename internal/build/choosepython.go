package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// fit is how a Python of a base suits the project.
type fit struct {
	base.Python
	admitted bool          // by the lock
	misfits  []plan.Misfit // packages whose wheels are all for others, on any of the platforms
}

// stuck tells whether a package has nothing that could be installed, not even source code.
func (f fit) stuck() bool {
	return !f.admitted || slices.ContainsFunc(f.misfits, func(m plan.Misfit) bool { return !m.Sdist })
}

// fitOf looks at a Python with the versions that its base had when this release was made.
func (in *inputs) fitOf(p base.Python) fit {
	facts, err := base.Expected(p.Base, p.Version)
	if err != nil {
		return fit{Python: p} // a row of the table without a version
	}
	f := fit{Python: p, admitted: in.admits(facts.Python)}
	if f.admitted {
		f.misfits = in.misfits(facts.Python, facts.Libc)
	}
	return f
}

// admits reports a Python that the lock admits.
func (in *inputs) admits(python string) bool {
	v, err := version.Parse(python)
	return err == nil && in.lock.RequiresPython.Contains(v, true)
}

// misfits returns the packages that have wheels, but none for a Python and a platform. What else is wrong with the lock
// or the target is wrong with every Python, and told later.
func (in *inputs) misfits(python string, libc wheeltag.Libc) (all []plan.Misfit) {
	for _, platform := range in.platforms {
		target := in.target
		target.Platform, target.Python, target.Libc = platform, python, libc
		found, err := plan.Misfits(in.lock, target)
		if err != nil {
			return nil
		}
		all = append(all, found...)
	}
	return all
}

// best returns the Python that suits the project best: the first that the lock admits and for which all packages have
// wheels, else the admitted one that most have wheels for. One of a suite that Debian has not released must be needed: no
// other is admitted, or a package has neither a wheel for one nor source code. The rest are those before it that were
// looked at. ok is false where the lock admits none.
func (in *inputs) best(pythons []base.Python) (best fit, rest []fit, ok bool) {
	for _, p := range pythons {
		if ok && !p.Stable && best.Stable && !best.stuck() {
			continue
		}
		f := in.fitOf(p)
		if f.admitted && (!ok || len(f.misfits) < len(best.misfits)) {
			best, ok = f, true
		}
		if ok && len(best.misfits) == 0 {
			break
		}
		rest = append(rest, f)
	}
	return best, rest, ok
}

// chooseFor decides on base and Python by what the lock admits and has wheels for. Where it admits none, the default
// stays, which is refused later.
func (in *inputs) chooseFor(e *project.Evidence) (name string) {
	best, rest, ok := in.best(base.Pythons())
	if !ok {
		return ""
	}
	in.minor = best.Version
	first := base.Pythons()[0]
	if best.Base == first.Base && best.Version == first.Version {
		return best.Base
	}
	before := rest[0]
	if !before.admitted {
		e.Pos = in.lock.RequiresPythonPos
		e.Reason = fmt.Sprintf("it has Python %s, which requires-python admits, and not that of %s", best.Version, first.Base)
	} else {
		m := before.misfits[0]
		e.Pos = m.Pos
		e.Reason = fmt.Sprintf("it has Python %s, and %s %s has no wheel for that of %s", best.Version, m.Name, m.Version, first.Base)
	}
	if !best.Stable && !base.IsStandalone(best.Base) {
		in.notices.Add(&diag.Error{Pos: e.Pos, Code: "unreleased-base",
			What: fmt.Sprintf("the base is %s, a suite that Debian has not released: no stable one has a Python that the project admits "+
				"and for which its packages have wheels", best.Base),
			Hint: "to say that this is meant, set `base` in " + in.config.Place()})
	}
	return best.Base
}

// minorOf returns which of a base's Pythons to take: the one that the project names, else the one that suits it best, else
// the base's own choice. It is "" for a base with one alone, and where the base has none of these.
func (in *inputs) minorOf(name string) string {
	has := slices.DeleteFunc(base.Pythons(), func(p base.Python) bool { return p.Base != name })
	if len(has) < 2 {
		return ""
	}
	if wish := in.project.Python.Version; wish != "" {
		if slices.ContainsFunc(has, func(p base.Python) bool { return p.Version == base.Minor(wish) }) {
			return base.Minor(wish)
		}
		return ""
	}
	best, _, _ := in.best(has)
	return best.Version
}

// advise adds to problems of wheels which Python all packages have wheels for: nobody wants to work that out from a list.
func (in *inputs) advise(err error) error {
	problems, _ := diag.Problems(err)
	var last *diag.Error
	for _, p := range problems {
		if p.Code == "no-wheel" {
			last = p
		}
	}
	if last != nil {
		last.Hint += "; " + in.wouldFit()
	}
	return err
}

// isMisfit tells whether the package at a place of the lock has wheels, but none for any of the variants.
func (in *inputs) isMisfit(pos diag.Position, variants []*variant) bool {
	for _, v := range variants {
		if slices.ContainsFunc(in.misfits(v.target.Python, v.target.Libc), func(m plan.Misfit) bool { return m.Pos == pos }) {
			return true
		}
	}
	return false
}

// wouldFit names a Python for which every package has a wheel.
func (in *inputs) wouldFit() string {
	for _, p := range base.Pythons() {
		if f := in.fitOf(p); f.admitted && len(f.misfits) == 0 {
			return fmt.Sprintf("all packages have wheels for Python %s: set %s", p.Version, in.keysFor(p))
		}
	}
	return "there is no Python for which all packages have wheels for " + strings.Join(platformNames(in.platforms), " and ")
}

// keysFor says which keys make a build take a Python of a base.
func (in *inputs) keysFor(p base.Python) string {
	keys := fmt.Sprintf("`base = %q`", p.Base)
	if wish := in.project.Python.Version; wish != "" && base.Minor(wish) != p.Version {
		keys += fmt.Sprintf(" and `python = %q`", p.Version)
	}
	return keys + " in " + in.config.Place()
}

// warnEnd tells of Pythons past their end of life, which get no security fixes from Python's project.
func (b *builder) warnEnd(d *decision) {
	for _, v := range d.variants {
		month, passed := base.EndOfLife(v.facts.Python, b.opt.Now)
		if !passed || b.opt.Now.IsZero() {
			continue
		}
		b.warn(diag.List{{Pos: d.project.Python.Pos, Code: "python-end-of-life",
			What: fmt.Sprintf("Python %s is past its end of life: its last security fixes were in %s", base.Minor(v.facts.Python), month),
			Hint: "choose a newer one by `python`, if the project and its packages work with it"}})
	}
}
