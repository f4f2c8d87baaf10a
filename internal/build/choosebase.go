package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/version"
)

// chooseBase decides on the base: the one that the option or the configuration names, else the first that has the Python
// which the project names, else the default.
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
		in.minor = base.Minor(wish.Version)
		i := slices.IndexFunc(base.Pythons(), func(p base.Python) bool { return p.Version == in.minor })
		if i < 0 {
			return &diag.Error{Pos: wish.Pos, Code: "python-unavailable",
				What: fmt.Sprintf("the project asks for Python %s, which no base has: %s", wish.Version, havingPythons()),
				Hint: "set `" + wish.Override + "` in [tool.lithe] to one of these, if the project works with it"}
		}
		named, e.Reason, e.Pos = base.Pythons()[i].Base, "it has Python "+base.Minor(wish.Version), wish.Pos
	default:
		// A suite that Debian has not released is for those who ask for it.
		released := func(p base.Python) bool { return p.Stable && in.admits(p) }
		if i := slices.IndexFunc(base.Pythons(), released); i > 0 {
			p := base.Pythons()[i]
			named, e.Pos = p.Base, in.lock.RequiresPythonPos
			e.Reason = "it has Python " + p.Version + ", which requires-python admits, and not that of " + base.Pythons()[0].Base
		}
	}
	var err error
	if in.base, err = base.Parse(named); option == "" {
		err = in.atBase(err)
	}
	e.Value = in.base
	in.decisions = append(in.decisions, e)
	if in.minor == "" {
		in.minor = in.minorOf(in.base)
	}
	return err
}

// minorOf returns which of a base's Pythons to take: the one that the project names, else the first that the lock admits,
// else the base's own choice. It is "" for a base with one alone, and where the base has none of these.
func (in *inputs) minorOf(name string) string {
	has := slices.DeleteFunc(base.Pythons(), func(p base.Python) bool { return p.Base != name })
	if len(has) < 2 {
		return ""
	}
	if wish := in.project.Python.Version; wish != "" {
		has = slices.DeleteFunc(has, func(p base.Python) bool { return p.Version != base.Minor(wish) })
	} else {
		has = slices.DeleteFunc(has, func(p base.Python) bool { return !in.admits(p) })
	}
	if len(has) == 0 {
		return ""
	}
	return has[0].Version
}

// admits reports a base whose Python the lock admits.
func (in *inputs) admits(p base.Python) bool {
	facts, err := base.Expected(p.Base, p.Version)
	if err != nil {
		return false // a row of the table without a version
	}
	v, err := version.Parse(facts.Python)
	return err == nil && in.lock.RequiresPython.Contains(v, true)
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
		if p.Base == last {
			have[len(have)-1] += " and " + p.Version
			continue
		}
		have, last = append(have, p.Base+" has "+p.Version), p.Base
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
		if p.Base != in.base && in.admits(p) {
			return fmt.Sprintf("base %q has Python %s, which is admitted: set `base` in [tool.lithe]", p.Base, p.Version)
		}
	}
	return "no base of lithe has a Python that is admitted: " + havingPythons()
}
