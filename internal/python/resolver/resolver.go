// Package resolver chooses versions of projects that fit together.
//
// Requirements go in, with the environment that markers are evaluated for; one file of each project that is needed comes
// out, sorted by name. What there is to choose from a Source tells, so that the package does no I/O of its own. The newest
// version is preferred that has a wheel for the target; one that has only a source distribution is taken where no other
// fits. The same answers of the source give the same result.
//
// It is meant for the few requirements of build backends: it backtracks, and gives up after a number of steps.
// See https://packaging.python.org/en/latest/specifications/dependency-specifiers/ and PEP 592 for yanked files.
package resolver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
)

// maxSteps is how many files are tried. Build requirements are settled in some ten steps.
const maxSteps = 5000

// maxDemands is how many requirements may hold together, and how many extras may be asked for; real builds have
// some ten. Each is looked at again in every step.
const maxDemands, maxExtras = 10_000, 1000

// Candidate is one file of a project that runs on the target, or that can be built there.
type Candidate struct {
	Version        version.Version
	File           string
	URL            string
	Hash           string // "sha256:<hex>"
	Size           int64  // bytes; 0 if not known
	Wheel          bool   // else a source distribution
	Metadata       string // "sha256:<hex>" of the metadata that the index serves beside the wheel; "" where it has none
	RequiresPython version.Specifiers
	Yanked         bool
}

// Source knows which files there are.
type Source interface {
	// Candidates returns the best file of each version of a project, in any order.
	Candidates(ctx context.Context, project string) ([]Candidate, error)
	// Requires returns what a file depends on, with the markers as they are written.
	Requires(ctx context.Context, project string, c Candidate) ([]requirement.Requirement, error)
}

// Input is what is asked for.
type Input struct {
	Requirements []requirement.Requirement
	Constraints  []requirement.Requirement // that hold for projects which are needed, and need none
	Environment  marker.Environment
	Python       version.Version
}

// Pin is a file that was chosen.
type Pin struct {
	Name string // normalised
	Candidate
}

// NoSolution says which project has no version that all who need it can do with.
type NoSolution struct {
	Project string
	Wanted  []string // "numpy>=2 (by scipy 1.15)", in the order in which they were met
	Have    string   // what there is, in words
}

// Error names the project, who wants it how, and what there is.
func (e *NoSolution) Error() string {
	return fmt.Sprintf("no version of %s fits: wanted is %s; %s", e.Project, strings.Join(e.Wanted, " and "), e.Have)
}

// Resolve returns the files to install. The error is a *NoSolution where the requirements contradict each other or what
// there is.
func Resolve(ctx context.Context, source Source, in Input) ([]Pin, error) {
	s := &solver{source: source, in: in, requires: map[string][]requirement.Requirement{}, candidates: map[string][]Candidate{},
		constraints: map[string][]requirement.Requirement{}}
	for _, c := range in.Constraints {
		n := name.Normalize(c.Name)
		s.constraints[n] = append(s.constraints[n], c)
	}
	first := &state{pins: map[string]Candidate{}, extras: map[string]bool{}, wanted: map[string][]demand{}}
	for _, r := range in.Requirements {
		if err := s.add(first, r, "", ""); err != nil {
			return nil, err
		}
	}
	done, err := s.solve(ctx, first)
	if err != nil {
		return nil, err
	}
	if done == nil {
		return nil, s.conflict
	}
	var pins []Pin
	for _, project := range slices.Sorted(maps.Keys(done.pins)) {
		pins = append(pins, Pin{project, done.pins[project]})
	}
	return pins, nil
}

// demand is a requirement, by somebody.
type demand struct {
	requirement.Requirement
	by string // "scipy 1.15", "" for the input
}

func (d demand) String() string {
	if d.by == "" {
		return d.Requirement.String()
	}
	return d.Requirement.String() + " (by " + d.by + ")"
}

// state is a set of choices, and what follows from them and is still to be looked at.
type state struct {
	pins    map[string]Candidate
	extras  map[string]bool     // "project[extra]" whose requirements were added
	wanted  map[string][]demand // that were looked at, by project
	pending []demand
	demands int // that were ever pending
}

func (st *state) clone() *state {
	c := &state{pins: maps.Clone(st.pins), extras: maps.Clone(st.extras), wanted: map[string][]demand{}, pending: slices.Clone(st.pending), demands: st.demands}
	for k, v := range st.wanted {
		c.wanted[k] = slices.Clone(v)
	}
	return c
}

type solver struct {
	source     Source
	in         Input
	steps      int
	requires   map[string][]requirement.Requirement // by file
	candidates map[string][]Candidate               // by project
	conflict   *NoSolution                          // the last one

	constraints map[string][]requirement.Requirement // by project
}

// add queues a requirement if its marker holds.
func (s *solver) add(st *state, r requirement.Requirement, extra, by string) error {
	env := s.in.Environment
	if extra != "" {
		env.Extras = []string{extra}
	}
	if !r.Marker.IsZero() && !r.Marker.Eval(env) {
		return nil
	}
	if r.URL != "" {
		return fmt.Errorf("%s: a requirement by its address cannot be locked; name a version that an index has", r)
	}
	r.Marker = marker.Marker{}
	st.pending = append(st.pending, demand{r, by})
	if st.demands++; st.demands > maxDemands {
		return fmt.Errorf("%s: more than %d requirements hold together", cmp.Or(by, "the project"), maxDemands)
	}
	return nil
}

// solve looks at what is pending, and tries the candidates of each new project. It returns nil where nothing fits.
func (s *solver) solve(ctx context.Context, st *state) (*state, error) {
	for len(st.pending) > 0 {
		d := st.pending[0]
		st.pending = st.pending[1:]
		project := name.Normalize(d.Name)
		st.wanted[project] = append(st.wanted[project], d)
		pin, pinned := st.pins[project]
		if !pinned {
			return s.choose(ctx, st, project)
		}
		if !d.Specifiers.Contains(pin.Version, true) {
			s.conflict = &NoSolution{project, texts(st.wanted[project]), fmt.Sprintf("%s was chosen before", pin.Version)}
			return nil, nil
		}
		if err := s.addExtras(ctx, st, project, d.Extras); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// choose tries one version after another. What others who wait want of the project counts at once, which saves trying.
func (s *solver) choose(ctx context.Context, st *state, project string) (*state, error) {
	demands := slices.Clone(st.wanted[project])
	for _, d := range st.pending {
		if name.Normalize(d.Name) == project {
			demands = append(demands, d)
		}
	}
	for _, c := range s.constraints[project] {
		if c.Marker.IsZero() || c.Marker.Eval(s.in.Environment) {
			demands = append(demands, demand{c, "a constraint"})
		}
	}
	all, err := s.known(ctx, project)
	if err != nil {
		return nil, err
	}
	fitting := s.fitting(all, demands)
	if len(fitting) == 0 {
		s.conflict = &NoSolution{project, texts(demands), have(all)}
	}
	for _, c := range fitting {
		if s.steps++; s.steps > maxSteps {
			return nil, fmt.Errorf("the requirements of %s were not settled in %d steps", project, maxSteps)
		}
		next := st.clone()
		next.pins[project] = c
		extras := []string{""}
		for _, d := range st.wanted[project] {
			extras = append(extras, d.Extras...)
		}
		if err := s.addExtras(ctx, next, project, extras); err != nil {
			return nil, err
		}
		done, err := s.solve(ctx, next)
		if err != nil || done != nil {
			return done, err
		}
	}
	return nil, nil
}

// addExtras queues what a chosen file requires, for extras that were not asked for before; "" is what it always requires.
func (s *solver) addExtras(ctx context.Context, st *state, project string, extras []string) error {
	c := st.pins[project]
	for _, extra := range extras {
		extra = name.Normalize(extra)
		key := project + "[" + extra + "]"
		if st.extras[key] {
			continue
		}
		if st.extras[key] = true; len(st.extras) > maxExtras+len(st.pins) {
			return fmt.Errorf("more than %d extras are asked for, the last of %s", maxExtras, project)
		}
		requires, ok := s.requires[project+" "+c.File]
		if !ok {
			var err error
			if requires, err = s.source.Requires(ctx, project, c); err != nil {
				return err
			}
			s.requires[project+" "+c.File] = requires
		}
		for _, r := range requires {
			if err := s.add(st, r, extra, project+" "+c.Version.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// known returns the candidates of a project in the order in which they are tried.
func (s *solver) known(ctx context.Context, project string) ([]Candidate, error) {
	if all, ok := s.candidates[project]; ok {
		return all, nil
	}
	found, err := s.source.Candidates(ctx, project)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(found), func(c Candidate) bool {
		return !c.RequiresPython.Contains(s.in.Python, true)
	})
	slices.SortFunc(all, func(a, b Candidate) int {
		if a.Wheel != b.Wheel {
			if a.Wheel {
				return -1
			}
			return 1
		}
		if n := b.Version.Compare(a.Version); n != 0 {
			return n
		}
		return strings.Compare(a.File, b.File)
	})
	s.candidates[project] = all
	return all, nil
}

// fitting returns those that all demands admit. Pre-releases count where somebody names one, or where there is nothing
// else; yanked files where a version is named exactly.
func (s *solver) fitting(all []Candidate, demands []demand) []Candidate {
	var specifiers version.Specifiers
	exact := false
	for _, d := range demands {
		specifiers = append(specifiers, d.Specifiers...)
		for _, one := range d.Specifiers {
			exact = exact || one.Operator() == "===" || one.Operator() == "==" && !one.Wildcard()
		}
	}
	var usable []Candidate
	var versions []version.Version
	for _, c := range all {
		if !c.Yanked || exact {
			usable = append(usable, c)
			versions = append(versions, c.Version)
		}
	}
	admitted := map[string]bool{} // equal versions have one canonical form
	for _, v := range specifiers.Filter(versions, false) {
		admitted[v.Canonical()] = true
	}
	return slices.DeleteFunc(usable, func(c Candidate) bool { return !admitted[c.Version.Canonical()] })
}

// have says in words what there is.
func have(all []Candidate) string {
	if len(all) == 0 {
		return "the index has no file of it for this target"
	}
	newest := slices.MaxFunc(all, func(a, b Candidate) int { return a.Version.Compare(b.Version) })
	return fmt.Sprintf("of %d versions for this target the newest is %s", len(all), newest.Version)
}

func texts(demands []demand) []string {
	out := make([]string, len(demands))
	for i, d := range demands {
		out[i] = d.String()
	}
	return out
}
