package build

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// SelectOptions says for what packages are selected. Nothing of it comes from a base.
type SelectOptions struct {
	Dir           string
	Script        string // a script in it that is meant alone
	Lock          string // "" means the configuration's, else the one that is found
	AllowUnhashed bool   // take pins without hashes, as the configuration may say, too

	Stale  string      // "warn" goes on with a lock that does not fit pyproject.toml
	Target plan.Target // Python, Libc and Platform may be empty: then the default base's

	// Index says how an index is asked, for a lock that lists hashes without files. Nil asks none.
	Index func() (Options, error)
}

// Select returns the packages of a target, and its warnings. The error holds all problems. Packages that the lock lists by
// hashes alone are of an unknown kind where no index can be reached: it works without a network.
func Select(ctx context.Context, opt SelectOptions) (plan.Target, []plan.Package, diag.List, error) {
	t := opt.Target
	at := Options{Dir: opt.Dir, Script: opt.Script, Lock: opt.Lock}.atRoot()
	opt.Dir = at.Dir
	configured := configuredLock(opt.Dir, opt.Script)
	l, err := lock.Read(opt.Dir, lock.Options{Script: opt.Script, Path: cmp.Or(opt.Lock, configured.Lock), AllowUnhashed: opt.AllowUnhashed || configured.AllowUnhashed})
	if err != nil {
		return t, nil, nil, err
	}
	folder, _ := lockFolder(opt.Dir, l)
	widen(l, folder, opt.Dir, configured.SourceRoot)
	if at.inside != "" && t.Package == "" {
		t.Package = memberAt(l, at.inside)
	}
	expected, err := base.Expected("", "")
	if err != nil {
		return t, nil, nil, err
	}
	if t.Python == "" {
		t.Python = expected.Python
	}
	if t.Libc.Family == "" {
		t.Libc = expected.Libc
	}
	if t.Platform.OS == "" {
		if t.Platform, err = plan.ParsePlatform(supported[0]); err != nil {
			return t, nil, nil, err
		}
	}
	packages, err := plan.Select(l, t)
	if err == nil && len(unnamed(packages)) > 0 && opt.Index != nil {
		packages, err = selectByIndex(ctx, opt, l, t, packages)
	}
	if opt.Stale == "warn" {
		return t, packages, append(l.Warnings, l.Stale...), err
	}
	return t, packages, l.Warnings, joinProblems(l.Stale, err)
}

// selectByIndex selects again with what an index says of the hashes. The first package tells whether one answers.
func selectByIndex(ctx context.Context, opt SelectOptions, l *lock.Lock, t plan.Target, packages []plan.Package) ([]plan.Package, error) {
	options, err := opt.Index()
	if err != nil || options.Offline {
		return packages, err
	}
	if options.Index, err = options.Index.With(l); err != nil {
		return nil, err
	}
	options.Attempts, options.Timeout = cmp.Or(options.Attempts, selectAttempts), cmp.Or(options.Timeout, selectTimeout)
	b, err := newBuilder(options)
	if err != nil {
		return nil, err
	}
	defer b.close()
	ask := unnamed(packages)
	if _, err := b.askFiles(ctx, ask[:1]); err != nil {
		if _, ok := diag.Problems(err); !ok {
			l.Warnings.Add(&diag.Error{Pos: diag.Position{File: l.Path}, Code: "index-unreachable",
				What: fmt.Sprintf("which files are meant is not known: %v", err), Hint: "set LITHE_OFFLINE=1 to ask no index"})
			return packages, ctx.Err()
		}
	}
	files, err := b.askFiles(ctx, ask)
	if err != nil {
		return nil, err
	}
	if packages, err = plan.Select(files.in(l), t); err != nil || !l.Unhashed {
		return packages, err
	}
	wheels := slices.DeleteFunc(slices.Clone(packages), func(p plan.Package) bool { return p.Kind != plan.KindWheel })
	known, err := b.requirements(ctx, wheels)
	if err != nil {
		return nil, err
	}
	return plan.Prove(l, t, packages, known)
}

// selectAttempts and selectTimeout are how patient a selection is, which can do without an answer.
const (
	selectAttempts = 2
	selectTimeout  = 10 * time.Second
)

// joinProblems adds the problems of errors to others, each once. An error that is no problem of the user's comes first.
func joinProblems(problems diag.List, errs ...error) error {
	problems = slices.Clone(problems)
	known := map[string]bool{}
	for _, p := range problems {
		known[p.Error()] = true
	}
	for _, err := range errs {
		found, ok := diag.Problems(err)
		if err != nil && !ok {
			return err
		}
		for _, p := range found {
			if !known[p.Error()] {
				known[p.Error()] = true
				problems = append(problems, p)
			}
		}
	}
	return problems.Err()
}

// configuredLock returns what the configuration says. A project that cannot be read may still have a lock that can.
func configuredLock(dir, script string) project.Config {
	p, err := project.Read(dir, project.Options{Script: script})
	if err != nil {
		return project.Config{}
	}
	return p.Config
}

// Explain returns the plan of a project without building it: of several platforms, that of one. It reads the Debian
// indexes if lithe.lock has no base.
func Explain(ctx context.Context, opt Options) (p *plan.Plan, err error) {
	opt.One, opt.describe = true, true
	err = decided(ctx, opt, false, func(_ *builder, d *decision) error {
		p = d.variants[0].plan
		return nil
	})
	return p, err
}

// Lock writes lithe.lock and returns what changed, a sentence each. With upgrade the base moves to the newest packages.
func Lock(ctx context.Context, opt Options, upgrade bool) (changes []string, err error) {
	opt.lockOnly = true
	err = decided(ctx, opt, upgrade, func(b *builder, d *decision) error {
		var err error
		if changes, err = b.saveLitheLock(d); err != nil {
			return err
		}
		before := pinsOf(d.litheLock)
		for _, s := range d.pins.Platforms {
			if before.Has(s.Platform) {
				changes = append(changes, movedPackages(before, d.pins, s.Platform)...)
				changes = append(changes, movedImage(before, d.pins, s.Platform)...)
				changes = append(changes, movedStandalone(before, d.pins, s.Platform)...)
			} else if d.litheLock != nil {
				changes = append(changes, s.Platform+" is new")
			}
		}
		return nil
	})
	return changes, err
}

// movedPackages tells which Debian packages differ.
func movedPackages(before, after *base.Pins, platform string) []string {
	old, _ := before.Selection(platform)
	now, _ := after.Selection(platform)
	mark := ""
	if len(after.Platforms) > 1 {
		mark = platform + ": "
	}
	versions := map[string]string{}
	for _, p := range old.Packages {
		versions[p.Name] = p.Version
	}
	var out []string
	for _, p := range now.Packages {
		switch was, ok := versions[p.Name]; {
		case !ok:
			out = append(out, fmt.Sprintf("%s%s %s is new", mark, p.Name, p.Version))
		case was != p.Version:
			out = append(out, fmt.Sprintf("%s%s %s -> %s", mark, p.Name, was, p.Version))
		}
		delete(versions, p.Name)
	}
	for _, p := range old.Packages {
		if _, gone := versions[p.Name]; gone {
			out = append(out, fmt.Sprintf("%s%s %s is gone", mark, p.Name, p.Version))
		}
	}
	return out
}
