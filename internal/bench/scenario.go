package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// scenario is one thing that is timed: what is done before it, and what must come of it.
type scenario struct {
	Scenario
	push   bool   // the build pushes
	needs  string // change that must be given
	before func(s *state, ctx context.Context) error
	expect expectation
}

// expectation is what the image must be, compared with the one before.
type expectation int

const (
	anything    expectation = iota
	same                    // nothing changed
	other                   // something of it changed
	sameOfLithe             // nothing that belongs into it changed; a Dockerfile may not know that
)

// names of scenarios.
const (
	first, cold, unchangedName, source = "first", "cold", "unchanged", "source"
	sourcePush, mainChange, devChange  = "source-push", "main", "dev"
	fresh, packed, unpacked            = "fresh", "compressed", "unpacked"
)

// scenarios are all of them, in the order of a round.
var scenarios = []scenario{
	{Scenario: Scenario{first, "very first build", inSeconds}, before: (*state).nothing},
	{Scenario: Scenario{cold, "cold, base present", inSeconds}, before: (*state).base},
	{Scenario: Scenario{unchangedName, "unchanged", inSeconds}, before: (*state).asItIs, expect: same},
	{Scenario: Scenario{source, "source changed", inSeconds}, before: (*state).edit, expect: other},
	{Scenario: Scenario{sourcePush, "source changed, pushed", inSeconds}, push: true, before: (*state).pushedThenEdit, expect: other},
	{Scenario: Scenario{mainChange, "main dependency changed", inSeconds}, needs: mainChange, before: (*state).changeMain, expect: other},
	{Scenario: Scenario{devChange, "dev dependency changed", inSeconds}, needs: devChange, before: (*state).changeDev, expect: sameOfLithe},
	{Scenario: Scenario{fresh, "fresh runner, source changed, pushed", inSeconds}, push: true, before: (*state).lost, expect: other},
}

// ScenarioNames are the names of all scenarios, in order.
func ScenarioNames() (names []string) {
	for _, s := range scenarios {
		names = append(names, s.Name)
	}
	return names
}

// choose returns the scenarios that are wanted and possible, and those that are left out with the reason.
func (r *runner) choose() (chosen []scenario, left []Omission, err error) {
	for _, s := range scenarios {
		wanted := len(r.opt.Only) == 0 || slices.Contains(r.opt.Only, s.Name)
		switch {
		case !wanted:
		case s.Name == first && !r.opt.First:
			left = append(left, Omission{s.Name, "asked for by --first, since it downloads the whole base each time"})
		case s.needs != "" && r.opt.Changes[s.needs] == "":
			left = append(left, Omission{s.Name, "needs --change " + s.needs + "=FOLDER"})
		default:
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, nil, problem("no-scenario", "name others, or give what they need", "nothing is left to time")
	}
	return chosen, left, nil
}

// state is a contender in the middle of a round.
type state struct {
	runner    *runner
	contender contender
	dir       string // the contender's copy of the project
	run       int
	edits     int
	built     bool
	image     string // of the last build
}

// reset begins a round: the project as it is, and nothing built.
func (s *state) reset(ctx context.Context) error {
	if s.runner.emptied {
		s.runner.emptied = false
		if err := errors.Join(s.runner.engine.restore(ctx), s.runner.grounds(ctx)); err != nil {
			return err
		}
	}
	s.edits, s.built, s.image = 0, false, ""
	if err := s.contender.forget(ctx, false); err != nil {
		return err
	}
	return s.restore()
}

// restore brings the copy back to the project as it is, with the edits of this round.
func (s *state) restore(change ...string) error {
	if err := s.runner.project.copyTo(s.dir, s.contender.describe(), change...); err != nil {
		return err
	}
	return s.runner.project.edit(s.dir, s.run, s.edits)
}

// build is a build that nobody times.
func (s *state) build(ctx context.Context, push bool) error {
	out, err := s.contender.build(ctx, s.dir, push)
	s.image, s.built = out.image, true
	return err
}

// ready sees to it that there was a build: a scenario may be timed alone.
func (s *state) ready(ctx context.Context, push bool) error {
	if s.built && !push {
		return nil
	}
	return s.build(ctx, push)
}

func (s *state) nothing(ctx context.Context) error {
	s.runner.emptied = s.runner.engine != nil
	if err := s.contender.forget(ctx, true); err != nil {
		return err
	}
	return s.runner.project.withoutLitheLock(s.dir)
}

func (s *state) base(ctx context.Context) error { return s.reset(ctx) }

func (s *state) asItIs(ctx context.Context) error { return s.ready(ctx, false) }

func (s *state) edit(ctx context.Context) error {
	if err := s.ready(ctx, false); err != nil {
		return err
	}
	s.edits++
	return s.restore()
}

func (s *state) pushedThenEdit(ctx context.Context) error {
	if err := s.ready(ctx, true); err != nil {
		return err
	}
	s.edits++
	return s.restore()
}

func (s *state) changeMain(ctx context.Context) error {
	if err := s.ready(ctx, false); err != nil {
		return err
	}
	return s.restore(mainChange)
}

func (s *state) changeDev(ctx context.Context) error {
	if err := s.restore(); err != nil {
		return err
	}
	if err := s.build(ctx, false); err != nil {
		return err
	}
	return s.restore(devChange)
}

func (s *state) lost(ctx context.Context) error {
	if err := s.restore(); err != nil {
		return err
	}
	if err := s.build(ctx, true); err != nil {
		return err
	}
	if err := s.contender.loseRunner(ctx); err != nil {
		return err
	}
	s.edits++
	return s.restore()
}

// time does what comes before, builds, and keeps how long it took.
func (s *state) time(ctx context.Context, sc scenario) error {
	if err := sc.before(s, ctx); err != nil {
		return err
	}
	out, err := s.contender.build(ctx, s.dir, sc.push)
	if err != nil {
		return err
	}
	if err := s.check(sc, out); err != nil {
		return err
	}
	s.image, s.built = out.image, true
	name := s.contender.name()
	s.runner.note(sc.Name, name, out.took.Seconds())
	if out.cpu > 0 {
		s.runner.noteCPU(sc.Name, name, out.cpu)
	}
	if s.run == 0 && sc.Name == s.runner.sizedAfter() {
		return s.measure(ctx)
	}
	return nil
}

// check refuses the time of a build that did not do its work.
func (s *state) check(sc scenario, out outcome) error {
	peer := s.contender.describe().Peer
	switch {
	case s.image == "" || sc.expect == anything:
		return nil
	case sc.expect == same && out.image != s.image, sc.expect == sameOfLithe && !peer && out.image != s.image:
		return fmt.Errorf("the image is another one, although nothing of it changed: %s and %s", s.image, out.image)
	case sc.expect == other && out.image == s.image:
		return problem("no-change", "name a file that the image has by --source, or another --change",
			"%s: the image of %s is the same, although %s", sc.Name, s.contender.name(), sc.Title)
	}
	return nil
}

// measure keeps the sizes of the image.
func (s *state) measure(ctx context.Context) error {
	p, u, err := s.contender.size(ctx)
	if err != nil {
		return err
	}
	if p > 0 {
		s.runner.note(packed, s.contender.name(), float64(p))
	}
	s.runner.note(unpacked, s.contender.name(), float64(u))
	return nil
}

// sizedAfter is the first scenario of a round, after which the image is measured.
func (r *runner) sizedAfter() string { return r.scenarios[0].Name }
