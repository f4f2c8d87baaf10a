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

// nameFiles finds out which files the packages are whose lock lists hashes only, and selects anew. A choice that lithe.lock has
// for the target stands; for others an index is asked. That keeps the digest where an index loses a file.
func (b *builder) nameFiles(ctx context.Context, d *decision, upgrade bool) error {
	files := map[*variant]map[string]lock.File{}
	ask := map[string]plan.Package{}
	for _, v := range d.variants {
		files[v] = map[string]lock.File{}
		var chosen map[string]lithelock.Size
		if !upgrade {
			chosen = d.litheLock.Choices(choiceOf(v.target))
		}
		for _, p := range unnamed(v.packages) {
			known := false
			for _, hash := range p.Hashes {
				if s, ok := chosen[hash]; ok {
					files[v][hash], known = lock.File{Name: s.File, Size: s.Size}, true
				}
			}
			if !known {
				ask[p.Hashes[0]] = p
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
		maps.Copy(listed, files[v]) // what lithe.lock has is the whole list for a package, and that is not asked for
		v.files = listed
		d.variants[i].packages, d.variants[i].code, err = d.selectNamed(v)
		errs = append(errs, err)
	}
	return joinProblems(nil, errs...)
}

// selectNamed selects again, now that files are known.
func (in *inputs) selectNamed(v *variant) (packages, code []plan.Package, err error) {
	packages, code, err = in.selectFrom(in.lock.WithFiles(v.files), v.target)
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

// askFiles asks the indexes which files hashes belong to, and remembers where they are.
func (b *builder) askFiles(ctx context.Context, packages []plan.Package) (map[string]lock.File, error) {
	files := map[string]lock.File{}
	if len(packages) == 0 {
		return files, nil
	}
	defer b.time("resolve")()
	listed, err := artifact.Files(ctx, b.client, b.opt.Index, packages)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, f := range listed {
		files[hash] = lock.File{Name: f.Name, Size: f.Size}
		b.urls[hash] = f.URL
	}
	return files, nil
}

// choices returns the targets that got a file, by the file's hash, for files that the project's lock lists by hash only.
// What lithe.lock had for this build's targets and packages no longer counts.
func (d *decision) choices() map[string][]string {
	out := map[string][]string{}
	hashes := map[string][]string{} // of the packages that list hashes only, by each of them
	for _, p := range d.lock.Packages {
		for _, h := range p.Hashes {
			hashes[h] = p.Hashes
		}
	}
	replaced := map[string]bool{}
	for _, v := range d.variants {
		target := choiceOf(v.target)
		for _, p := range v.packages {
			if all := hashes[p.Hash]; len(all) > 0 {
				out[p.Hash] = append(out[p.Hash], target)
				for _, h := range all {
					replaced[h+target] = true
				}
			}
		}
	}
	if d.litheLock == nil {
		return out
	}
	for _, s := range d.litheLock.Sizes {
		for _, target := range s.For {
			if hashes[s.Hash] != nil && !replaced[s.Hash+target] {
				out[s.Hash] = append(out[s.Hash], target)
			}
		}
	}
	return out
}
