package build

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
)

// named are the files of packages whose lock has no file names: by hash, or where it has no hash either, by version.
type named struct {
	byHash map[string]lock.File
	byPin  map[lock.Pin][]lock.File
}

// in adds the files to a lock.
func (n named) in(l *lock.Lock) *lock.Lock { return l.WithFiles(n.byHash).WithPins(n.byPin) }

// pinOf is what a lock has of a package without hashes.
func pinOf(p plan.Package) lock.Pin { return lock.Pin{Name: p.Name, Version: p.Version} }

// nameFiles finds out which files the packages are whose lock lists hashes or versions only, and selects anew. A choice that
// lithe.lock has for the target stands; for others an index is asked. That keeps the digest where an index loses a file, or
// gets another one.
func (b *builder) nameFiles(ctx context.Context, d *decision, upgrade bool) error {
	recalled := map[*variant]named{}
	ask := map[string]plan.Package{}
	for _, v := range d.variants {
		var chosen map[string]lithelock.Size
		if !upgrade {
			chosen = d.litheLock.Choices(choiceOf(v.target))
		}
		known := named{map[string]lock.File{}, map[lock.Pin][]lock.File{}}
		recalled[v] = known
		for _, p := range unnamed(v.packages) {
			if !known.recall(p, chosen) {
				ask[p.Name+" "+p.Version+" "+fmt.Sprint(p.Hashes)] = p
			}
		}
	}
	if len(ask) > 0 && b.opt.Locked {
		return outOfDate(d.inputs)
	}
	listed, err := b.askFiles(ctx, slices.Collect(maps.Values(ask)))
	if err != nil {
		return err
	}
	var errs []error
	for i, v := range d.variants {
		if len(unnamed(v.packages)) == 0 {
			continue
		}
		// What lithe.lock has is the whole list for a package of this target, and that is not asked for.
		v.named = named{maps.Clone(listed.byHash), maps.Clone(listed.byPin)}
		maps.Copy(v.named.byHash, recalled[v].byHash)
		maps.Copy(v.named.byPin, recalled[v].byPin)
		d.variants[i].packages, d.variants[i].code, err = d.selectNamed(v)
		errs = append(errs, err)
	}
	return joinProblems(nil, errs...)
}

// recall takes the files of a package from what lithe.lock has for a target, and tells whether there are any.
func (n named) recall(p plan.Package, chosen map[string]lithelock.Size) (ok bool) {
	for _, hash := range p.Hashes {
		if s, found := chosen[hash]; found {
			n.byHash[hash], ok = lock.File{Name: s.File, Size: s.Size}, true
		}
	}
	if len(p.Hashes) > 0 {
		return ok
	}
	for _, s := range chosen {
		if pin := pinOf(p); pin.Names(s.File) {
			n.byPin[pin] = append(n.byPin[pin], lock.File{Name: s.File, Size: s.Size, Hash: s.Hash})
		}
	}
	return len(n.byPin[pinOf(p)]) > 0
}

// selectNamed selects again, now that files are known.
func (in *inputs) selectNamed(v *variant) (packages, code []plan.Package, err error) {
	packages, code, err = in.selectFrom(v.named.in(in.lock), v.target)
	if err != nil {
		return nil, nil, err
	}
	var problems diag.List
	for _, p := range unnamed(packages) {
		problems.Add(&diag.Error{Pos: p.Pos, Code: "no-files",
			What: fmt.Sprintf("%s %s has no file that it may be: --no-binary or --only-binary in %s leaves none", p.Name, p.Version, in.lock.Path),
			Hint: "remove the option for this package"})
	}
	return packages, code, problems.Err()
}

// unnamed are the packages whose file nobody knows yet.
func unnamed(packages []plan.Package) []plan.Package {
	return slices.DeleteFunc(slices.Clone(packages), func(p plan.Package) bool { return p.Kind != plan.KindUnknown })
}

// choiceOf names what the choice of a file depends on, beside the lock.
func choiceOf(t plan.Target) string {
	return fmt.Sprintf("%s %s %s", t.Platform, base.Minor(t.Python), t.Libc)
}

// askFiles asks the indexes which files packages are, and remembers where these and their metadata are.
func (b *builder) askFiles(ctx context.Context, packages []plan.Package) (named, error) {
	files := named{map[string]lock.File{}, map[lock.Pin][]lock.File{}}
	if len(packages) == 0 {
		return files, nil
	}
	defer b.time("resolve")()
	pins := slices.DeleteFunc(slices.Clone(packages), func(p plan.Package) bool { return len(p.Hashes) > 0 })
	hashed := slices.DeleteFunc(slices.Clone(packages), func(p plan.Package) bool { return len(p.Hashes) == 0 })
	listed, err := artifact.Files(ctx, b.client, b.opt.Index, hashed)
	pinned, pinErr := artifact.Pinned(ctx, b.client, b.opt.Index, pins)
	if err := joinProblems(nil, err, pinErr); err != nil {
		return files, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, f := range listed {
		files.byHash[hash] = lock.File{Name: f.Name, Size: f.Size}
		b.urls[hash], b.listed[hash] = f.URL, f
	}
	for pin, all := range pinned {
		for _, f := range all {
			files.byPin[pin] = append(files.byPin[pin], lock.File{Name: f.Name, Size: f.Size, Hash: f.Hash})
			b.urls[f.Hash], b.listed[f.Hash] = f.URL, f
		}
	}
	return files, nil
}

// choices returns the targets that got a file, by the file's hash, for files that the project's lock does not name. What
// lithe.lock had for this build's targets and packages no longer counts.
func (d *decision) choices() map[string][]string {
	out, groups := map[string][]string{}, newGroups(d.lock)
	replaced := map[string]bool{}
	for _, v := range d.variants {
		target := choiceOf(v.target)
		for _, p := range v.packages {
			if group := groups.of(p.Hash, p.Filename); group != "" {
				out[p.Hash] = append(out[p.Hash], target)
				replaced[group+target] = true
			}
		}
	}
	if d.litheLock == nil {
		return out
	}
	for _, s := range d.litheLock.Sizes {
		for _, target := range s.For {
			if group := groups.of(s.Hash, s.File); group != "" && !replaced[group+target] {
				out[s.Hash] = append(out[s.Hash], target)
			}
		}
	}
	return out
}

// groups tell which files stand in for each other: those of a package whose lock does not say which it is.
type groups struct {
	byHash map[string]string
	pins   map[string][]lock.Pin // by name
}

func newGroups(l *lock.Lock) groups {
	g := groups{map[string]string{}, map[string][]lock.Pin{}}
	for _, p := range l.Packages {
		for _, h := range p.Hashes {
			g.byHash[h] = p.Hashes[0]
		}
		if p.Unhashed {
			g.pins[p.Name] = append(g.pins[p.Name], lock.Pin{Name: p.Name, Version: p.Version})
		}
	}
	return g
}

// of returns the name of a file's group, "" for a file that the lock names itself or does not have.
func (g groups) of(hash, file string) string {
	if first, ok := g.byHash[hash]; ok {
		return first
	}
	for _, pin := range g.pins[projectOf(file)] {
		if pin.Names(file) {
			return pin.Name + " " + pin.Version
		}
	}
	return ""
}
