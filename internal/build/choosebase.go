package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/project"
)

// chooseBase decides on the base: the one that the option or the configuration names, else the first that has the Python
// which the project names, else the one whose Python suits the lock best. It comes after platforms and target.
func (in *inputs) chooseBase(option string) error {
	e := project.Evidence{Decision: "base", Reason: "it is the default", Override: "base"}
	named, wish := in.config.Base, in.project.Python
	pos, configured := in.config.Position("base")
	switch {
	case option != "":
		named, e.Reason = option, "--base says so"
	case configured:
		e.Reason, e.Pos = "the configuration says so", pos
	case wish.Version != "":
		p, err := in.wished(wish)
		if err != nil {
			return joinProblems(nil, append([]error{err}, in.without(wish)...)...)
		}
		in.minor, named, e.Reason, e.Pos = p.Version, p.Base, "it has Python "+p.Version, wish.Pos
	default:
		named = in.chooseFor(&e)
	}
	var err error
	if in.base, err = base.Parse(named); option == "" {
		err = in.atBase(err)
	}
	if base.IsStandalone(in.base) && err == nil {
		in.base, in.minor = in.standaloneFor(in.base), ""
	}
	e.Value = in.base
	in.decisions = append(in.decisions, e)
	if in.minor == "" {
		in.minor = in.minorOf(in.base)
	}
	return err
}

// wished returns the first base that has the Python which the project names.
func (in *inputs) wished(wish project.Wish) (base.Python, error) {
	minor := base.Minor(wish.Version)
	if i := slices.IndexFunc(base.Pythons(), func(p base.Python) bool { return p.Version == minor }); i >= 0 {
		return base.Pythons()[i], nil
	}
	return base.Python{}, &diag.Error{Pos: wish.Pos, Code: "python-unavailable",
		What: fmt.Sprintf("the project asks for Python %s, which no base has: %s", wish.Version, havingPythons()),
		Hint: "set `" + wish.Override + "` in " + in.config.Place() + " to one of these, if the project works with it"}
}

// without returns what else is wrong with the lock, for a Python that no base has: one run tells all.
func (in *inputs) without(wish project.Wish) (errs []error) {
	facts, err := base.Expected("", "")
	if err != nil {
		return []error{err}
	}
	facts.Python = wish.Version
	for _, platform := range in.platforms {
		target := in.target
		target.Platform, target.Python, target.Libc = platform, facts.Python, facts.Libc
		_, _, err := in.selectFrom(in.lock, target)
		if problems, ok := diag.Problems(err); ok && problems[0].Code == "python-excluded" {
			continue // that may be a matter of the patch release, which is not known
		}
		errs = append(errs, err)
	}
	return errs
}

// readWish takes the Python that the option or the target's configuration names, before what other files say.
func (in *inputs) readWish(option string) (err error) {
	pos, configured := in.config.Position("python")
	switch {
	case option != "":
		err = in.project.Wants(option, diag.Position{}, "--python says so")
	case configured && pos != in.project.Python.Pos:
		err = in.project.Wants(in.config.Python, pos, "the configuration says so")
	}
	if err != nil {
		return err
	}
	return in.checkAge(in.project.Python)
}

// checkAge refuses Pythons that ended long ago: no base has them, and their packages are as old.
func (in *inputs) checkAge(wish project.Wish) error {
	if wish.Version == "" || base.MinorNumber(wish.Version) >= base.OldestPython {
		return nil
	}
	return &diag.Error{Pos: wish.Pos, Code: "python-too-old",
		What: fmt.Sprintf("the project asks for Python %s, and lithe builds for 3.%d and later", wish.Version, base.OldestPython),
		Hint: fmt.Sprintf("those before get no security fixes: move the project, and set `%s` in %s", wish.Override, in.config.Place())}
}

// decidePython says which Python the base has, where the project names none.
func (in *inputs) decidePython(facts base.Facts) []project.Evidence {
	if in.project.Python.Version != "" {
		return in.decisions
	}
	return append(slices.Clone(in.decisions), project.Evidence{Decision: "python", Value: facts.Python,
		Reason: "it is the Python of " + in.base, Override: "python"})
}

// checkPython compares the base's Python with the one that the project names. Debian has one patch release of each, so
// that another one is told and taken.
func (b *builder) checkPython(in *inputs, python string) error {
	wish := in.project.Python
	switch {
	case wish.Version == "" || wish.Version == python || wish.Version == base.Minor(python):
		return nil
	case base.Minor(wish.Version) == base.Minor(python):
		b.warn(diag.List{{Pos: wish.Pos, Code: "python-patch",
			What: fmt.Sprintf("the image has Python %s, not %s: %s has no other", python, wish.Version, in.base)}})
		return nil
	}
	return &diag.Error{Pos: wish.Pos, Code: "python-mismatch",
		What: fmt.Sprintf("the project asks for Python %s, and base %s has %s", wish.Version, in.base, python),
		Hint: "change `base` or `python`: " + havingPythons()}
}

// havingPythons lists the bases with their Pythons.
func havingPythons() string {
	var have []string
	last := ""
	for _, p := range base.Pythons() {
		name := p.Base
		if base.IsStandalone(name) {
			name = "standalone"
		}
		if name == last {
			have[len(have)-1] += " and " + p.Version
			continue
		}
		have, last = append(have, name+" has "+p.Version), name
	}
	return strings.Join(have, ", ")
}

// withBases says, for a Python that the lock does not admit, which base has one that it does.
func (in *inputs) withBases(err error) error {
	problems, ok := diag.Problems(err)
	if !ok {
		return err
	}
	for _, problem := range problems {
		if problem.Code == "python-excluded" {
			problem.Hint = in.admittingBases()
		}
	}
	return err
}

func (in *inputs) admittingBases() string {
	for _, p := range base.Pythons() {
		if facts, err := base.Expected(p.Base, p.Version); err == nil && p.Base != in.base && in.admits(facts.Python) {
			return fmt.Sprintf("base %q has Python %s, which is admitted: set `base` in %s", p.Base, p.Version, in.config.Place())
		}
	}
	return "no base of lithe has a Python that is admitted: " + havingPythons()
}
