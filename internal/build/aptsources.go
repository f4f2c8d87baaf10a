package build

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/project"
)

// repository is a source of Debian packages that the project names, as it is written.
type repository struct {
	base.Source
	written string // its address, with credentials
}

// readRepositories reads the sources of all targets and members, and their keys: lithe.lock is the same whatever is built. A
// source that stands in several places is one.
func (in *inputs) readRepositories() error {
	var problems diag.List
	var errs []error
	for _, p := range in.allProjects() {
		for _, s := range p.Repositories() {
			r, err := readRepository(p, s)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			i := slices.IndexFunc(in.system.repositories, func(o repository) bool { return o.written == r.written && o.Suite == r.Suite })
			if i < 0 {
				in.system.repositories = append(in.system.repositories, r)
				continue
			}
			if o := in.system.repositories[i]; o.Key != r.Key || !slices.Equal(o.Components, r.Components) {
				problems.Add(&diag.Error{Pos: r.Pos, Code: "two-sources",
					What: fmt.Sprintf("suite %s of one repository is named twice, with other keys or components", r.Suite),
					Hint: "the targets of a project share lithe.lock: name it once, with all components"})
			}
		}
	}
	return joinProblems(problems, errs...)
}

// readRepository reads the key of a source.
func readRepository(p *project.Project, s project.AptSource) (repository, error) {
	r := repository{Source: base.Source{Suite: s.Suite, Components: s.Components, Pos: s.Pos}, written: s.URL}
	if s.SignedBy.Text == "" {
		return r, nil
	}
	data, err := p.ReadNamed(s.SignedBy, base.MaxKeyring)
	if err != nil {
		return r, err
	}
	r.Pos = s.SignedBy.Pos
	err = r.Sign(s.SignedBy.Text, data)
	r.Pos = s.Pos
	return r, err
}

// aptSources returns the sources, and the options of indexes with the credentials that the sources come with.
func (in *inputs) aptSources(opt artifact.IndexOptions) ([]base.Source, artifact.IndexOptions, error) {
	var sources []base.Source
	var problems diag.List
	for _, r := range in.system.repositories {
		var err error
		s := r.Source
		if opt, s.URL, err = opt.Login("its URL in "+s.Pos.File, r.written); err != nil {
			problem, ok := errors.AsType[*diag.Error](err)
			if !ok {
				return nil, opt, err
			}
			problem.Pos = s.Pos
			problems.Add(problem)
			continue
		}
		if slices.ContainsFunc(sources, func(o base.Source) bool { return o.URL == s.URL && o.Suite == s.Suite }) {
			problems.Add(&diag.Error{Pos: s.Pos, Code: "two-sources", What: fmt.Sprintf("suite %s of %s is named twice", s.Suite, s.URL),
				Hint: "name it once, with all components"})
			continue
		}
		sources = append(sources, s)
	}
	return sources, opt, problems.Err()
}

// tellReplaced warns of packages that stand in place of those of the suite, when they are locked: whoever signs a source
// decides on them. Who names the version knows.
func (b *builder) tellReplaced(d *decision) {
	before := pinsOf(d.litheLock)
	var warnings diag.List
	for _, s := range d.pins.Platforms {
		old, _ := before.Selection(s.Platform)
		known := withBuilder(old)
		for _, p := range withBuilder(s) {
			named := func(w base.Want) bool { return w.Name == p.Name && w.Version == p.Version }
			if p.InsteadOf == "" || slices.ContainsFunc(slices.Concat(d.system.all, d.system.build), named) || slices.ContainsFunc(known, func(o base.Pin) bool { return o.Hash == p.Hash }) {
				continue
			}
			e := &diag.Error{Code: "instead-of-debian", What: fmt.Sprintf("package %s comes from %s in version %s, in place of %s of the suite itself", p.Name,
				p.Archive, p.Version, p.InsteadOf), Hint: fmt.Sprintf("if it should not, write \"%s=%s\"", p.Name, p.InsteadOf)}
			if i := slices.IndexFunc(b.bases.Sources, func(s base.Source) bool { return s.URL == p.Archive }); i >= 0 {
				e.Pos = b.bases.Sources[i].Pos
			}
			warnings.Add(e)
		}
	}
	b.warn(warnings)
}

// withBuilder returns the packages of a platform with those of its builder.
func withBuilder(s base.Selection) []base.Pin {
	if s.Builder == nil {
		return s.Packages
	}
	return slices.Concat(s.Packages, s.Builder.Packages)
}
