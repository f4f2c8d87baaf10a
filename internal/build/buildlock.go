package build

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/resolver"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// resolve asks the source and its backend what they need, and chooses the files.
func (f *frontend) resolve(ctx context.Context, src source, above []string) (*lithelock.Build, error) {
	f.builder.opt.on(Event{Stage: "resolve", Item: "build requirements of " + src.pkg.Name})
	above = append(slices.Clone(above), src.pkg.Name)
	out := &lithelock.Build{Name: src.pkg.Name, Version: src.pkg.Version, Source: src.id, For: []string{f.target}}
	r := &recipe{source: src, frontend: f}
	err := f.inTree(ctx, r, func(tree *pep517.Tree, _ *os.File) error {
		asked := slices.Concat(tree.System.Requires, f.decision.extraRequires(src.pkg.Name))
		pins, err := f.choose(ctx, src, asked, above)
		if err != nil {
			return err
		}
		if err := f.installPins(ctx, tree, pins, above); err != nil {
			return err
		}
		more, err := tree.Requires(ctx, f.decision.config.ConfigSettings[src.pkg.Name])
		if err != nil {
			return err
		}
		extra, err := parseRequires(src.pkg, more)
		if err != nil {
			return err
		}
		if err := f.checkTools(src, extra); err != nil {
			return err
		}
		asked = append(asked, extra...)
		if len(f.unsatisfied(requirements(pins), extra)) > 0 {
			if pins, err = f.choose(ctx, src, asked, above); err != nil {
				return err
			}
		}
		for _, r := range asked {
			out.Asked = append(out.Asked, r.String())
		}
		out.Requires = requirements(pins)
		return nil
	})
	slices.Sort(out.Asked)
	out.Asked = slices.Compact(out.Asked)
	return out, err
}

// parseRequires reads what a backend returned.
func parseRequires(pkg plan.Package, texts []string) ([]requirement.Requirement, error) {
	var out []requirement.Requirement
	for _, text := range texts {
		r, err := requirement.Parse(text)
		if err != nil {
			return nil, &diag.Error{Pos: pkg.Pos, Code: "build-requires", Err: err,
				What: fmt.Sprintf("%s %s: its build backend asks for what is no requirement: %v", pkg.Name, pkg.Version, err)}
		}
		out = append(out, r)
	}
	return out, nil
}

// choose resolves requirements.
func (f *frontend) choose(ctx context.Context, src source, asked []requirement.Requirement, above []string) ([]resolver.Pin, error) {
	python, err := version.Parse(f.variant.target.Python)
	if err != nil {
		return nil, err
	}
	available := *f.available
	available.Sdist = func(ctx context.Context, project string, c resolver.Candidate) ([]requirement.Requirement, error) {
		return f.requiresOf(ctx, resolver.Pin{Name: project, Candidate: c}, above)
	}
	pins, err := resolver.Resolve(ctx, &available, resolver.Input{Requirements: asked, Constraints: f.decision.buildConstraints(),
		Environment: f.variant.target.Environment(), Python: python})
	if err == nil || ctx.Err() != nil {
		return pins, err
	}
	if problem, ok := errors.AsType[*diag.Error](err); ok && problem.Pos.File == "" {
		placed := *problem
		placed.Pos = src.pkg.Pos
		return nil, &placed
	}
	if none, ok := errors.AsType[*resolver.NoSolution](err); ok {
		return nil, &diag.Error{Pos: src.pkg.Pos, Code: "build-requires", Err: err, Hint: "lock another version of it, or one that has a wheel",
			What: fmt.Sprintf("%s %s cannot be built: %v", src.pkg.Name, src.pkg.Version, none)}
	}
	return nil, fmt.Errorf("build requirements of %s: %w", src.pkg.Name, err)
}

// requiresOf builds a source distribution, since nothing else tells for sure what it requires.
func (f *frontend) requiresOf(ctx context.Context, pin resolver.Pin, above []string) ([]requirement.Requirement, error) {
	pkg, err := f.required(ctx, asRequirement(pin), above)
	if err != nil {
		return nil, err
	}
	w, err := f.builder.open(ctx, pkg)
	if err != nil {
		return nil, err
	}
	return artifact.Requirements(w.Metadata)
}

// installPins installs what was chosen, so that the backend can be asked.
func (f *frontend) installPins(ctx context.Context, tree *pep517.Tree, pins []resolver.Pin, above []string) error {
	var packages []plan.Package
	for _, q := range requirements(pins) {
		pkg, err := f.required(ctx, q, above)
		if err != nil {
			return err
		}
		packages = append(packages, pkg)
	}
	wheels, err := f.builder.openAll(ctx, packages)
	if err != nil {
		return err
	}
	return tree.Install(wheels)
}

// unsatisfied returns the requirements that hold for the target and that what is locked does not fulfil. Extras are not
// looked into: one counts as missing, and resolving tells.
func (f *frontend) unsatisfied(locked []lithelock.Requirement, asked []requirement.Requirement) (missing []string) {
	env := f.variant.target.Environment()
	for _, r := range asked {
		if !r.Marker.IsZero() && !r.Marker.Eval(env) {
			continue
		}
		i := slices.IndexFunc(locked, func(q lithelock.Requirement) bool { return q.Name == name.Normalize(r.Name) })
		if i >= 0 && len(r.Extras) == 0 && r.Specifiers.ContainsText(locked[i].Version, true) {
			continue
		}
		missing = append(missing, r.String())
	}
	return missing
}

func requirements(pins []resolver.Pin) []lithelock.Requirement {
	out := make([]lithelock.Requirement, len(pins))
	for i, p := range pins {
		out[i] = asRequirement(p)
	}
	return out
}

// asRequirement leaves out addresses that hold a login or a signature: they are nobody else's, and the index has the file.
func asRequirement(p resolver.Pin) lithelock.Requirement {
	q := lithelock.Requirement{Name: p.Name, Version: p.Version.String(), File: p.File, Hash: p.Hash, Size: p.Size}
	if u, err := url.Parse(p.URL); err == nil && u.User == nil && u.RawQuery == "" {
		q.URL = p.URL
	}
	return q
}

// lockedBuilds is what lithe.lock says of builds: those of this run, and of other targets as far as the project still has
// the sources.
func lockedBuilds(d *decision) []lithelock.Build {
	all := slices.Clone(d.builds)
	if d.litheLock == nil {
		return lithelock.MergeBuilds(all)
	}
	decided := map[string]bool{}
	for _, build := range all {
		decided[build.Source+" "+build.For[0]] = true
	}
	return lithelock.MergeBuilds(append(all, d.stillWanted(decided)...))
}

// stillWanted returns what lithe.lock says of sources that the project still has, or that are needed to build these: a build
// for each target, but for those that are decided.
func (d *decision) stillWanted(decided map[string]bool) (all []lithelock.Build) {
	wanted := sourcesOf(d.lock)
	bySource := map[string][]lithelock.Build{}
	var queue []string
	for _, build := range d.litheLock.Builds {
		bySource[build.Source] = append(bySource[build.Source], build)
		if wanted[build.Source] {
			queue = append(queue, build.Source)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] { // to which requirements of requirements come
		builds := bySource[queue[0]]
		delete(bySource, queue[0])
		for _, build := range builds {
			for _, target := range build.For {
				key := build.Source + " " + target
				if decided[key] {
					continue
				}
				decided[key] = true
				one := build
				one.For = []string{target}
				all = append(all, one)
				for _, q := range build.Requires {
					queue = append(queue, q.Hash)
				}
			}
		}
	}
	return all
}

// sourcesOf returns what lithe.lock may call the sources of the packages of a lock.
func sourcesOf(l *lock.Lock) map[string]bool {
	out := map[string]bool{}
	for _, pkg := range l.Packages {
		for _, file := range pkg.Files {
			out[file.Hash] = true
		}
		for _, hash := range pkg.Hashes {
			out[hash] = true
		}
		if text := plan.SourceText(pkg.Source); pkg.Source.Kind != lock.Registry {
			out[text] = true
		}
	}
	out["."] = true
	return out
}

// buildConstraints are uv's, for what it builds.
func (d *decision) buildConstraints() []requirement.Requirement {
	return parseable(d.uvSettings().Strings("build-constraint-dependencies"))
}

// extraRequires are uv's requirements for the build of one project beside its own.
func (d *decision) extraRequires(project string) []requirement.Requirement {
	extra := d.uvSettings().Table("extra-build-dependencies")
	for _, key := range extra.Keys() {
		if name.Normalize(key) == project {
			return parseable(extra.Strings(key))
		}
	}
	return nil
}

// uvSettings is the table [tool.uv] of a project that uv has locked, nil for others.
func (d *decision) uvSettings() *toml.Table {
	if d.lock.Format != "uv" {
		return nil
	}
	return d.place.root.Pyproject.Table("tool", "uv")
}

// parseable leaves out what uv itself would refuse.
func parseable(texts []string) (out []requirement.Requirement) {
	for _, text := range texts {
		if r, err := requirement.Parse(text); err == nil {
			out = append(out, r)
		}
	}
	return out
}
