package build

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/store"
)

// Whoever writes versions without hashes has mostly not resolved them either, so that a missing one would be found by the
// program at run time. The metadata of the wheels tells.

// prove checks the selections of all platforms, where the lock has packages without a hash.
func (b *builder) prove(ctx context.Context, d *decision) error {
	if !d.lock.Unhashed {
		return nil
	}
	var errs []error
	for _, v := range d.variants {
		known, err := b.requirements(ctx, v.packages)
		if err != nil {
			return err
		}
		if err := b.requirementsOfCode(ctx, d.inputs, v.code, known); err != nil {
			return err
		}
		all, err := plan.Prove(d.lock, v.target, append(append([]plan.Package{}, v.packages...), v.code...), known)
		v.packages, v.code = all[:len(v.packages)], all[len(v.packages):]
		errs = append(errs, err)
	}
	return joinProblems(nil, errs...)
}

// requirements returns what wheels require, by project. Each is asked once: what a file says does not change.
func (b *builder) requirements(ctx context.Context, packages []plan.Package) (map[string]plan.Requirements, error) {
	defer b.time("resolve")()
	if err := b.findMetadata(ctx, packages); err != nil {
		return nil, err
	}
	found := make([]plan.Requirements, len(packages))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxProofs)
	for i := range packages {
		g.Go(func() (err error) {
			found[i], err = b.requirementsOf(ctx, packages[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	known := map[string]plan.Requirements{}
	for i, p := range packages {
		known[p.Name] = found[i]
	}
	return known, nil
}

// maxProofs is how many files are asked for at once; the client bounds the requests.
const maxProofs = 32

// requirementsKey names what a wheel requires.
type requirementsKey struct{ Hash, Filename string }

func keyOfRequirements(p plan.Package) string {
	return store.Key(requirementsKey{Hash: p.Hash, Filename: p.Filename})
}

// findMetadata asks the indexes where the metadata of files is that nobody has looked at yet. That they say nothing is no
// problem: then the file itself tells.
func (b *builder) findMetadata(ctx context.Context, packages []plan.Package) error {
	var ask []plan.Package
	for _, p := range packages {
		_, listed := b.listed[p.Hash]
		_, here := b.store.Blob(p.Hash)
		var known plan.Requirements
		if recorded, err := b.store.Record("requires", keyOfRequirements(p), &known); err != nil || recorded || listed || here || p.Kind != plan.KindWheel {
			continue
		}
		p.Hashes = []string{p.Hash}
		ask = append(ask, p)
	}
	if b.opt.Offline {
		return nil
	}
	_, err := b.askFiles(ctx, ask)
	return err
}

// requirementsOf returns what one wheel requires: from the index if that has METADATA with its hash beside the file, else from
// the file.
func (b *builder) requirementsOf(ctx context.Context, p plan.Package) (plan.Requirements, error) {
	var known plan.Requirements
	key := keyOfRequirements(p)
	if ok, err := b.store.Record("requires", key, &known); err != nil || ok {
		return known, err
	}
	m, err := b.metadataOf(ctx, p)
	if err != nil {
		return known, err
	}
	known = plan.Requirements{RequiresPython: m.Get("Requires-Python"), RequiresDist: m.All("Requires-Dist")}
	return known, b.store.PutRecord("requires", key, known)
}

func (b *builder) metadataOf(ctx context.Context, p plan.Package) (wheel.Metadata, error) {
	if _, here := b.store.Blob(p.Hash); !here {
		b.mu.Lock()
		listed := b.listed[p.Hash]
		b.mu.Unlock()
		data, ok, err := artifact.Metadata(ctx, b.client, listed)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
		}
		if ok {
			m, err := wheel.ParseMetadata(data)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
			}
			return m, nil
		}
	}
	w, err := b.open(ctx, p)
	if err != nil {
		return nil, err
	}
	return w.Metadata, nil
}

// requirementsOfCode adds what source code requires: folders, whose wheels are made already, and commits.
func (b *builder) requirementsOfCode(ctx context.Context, in *inputs, code []plan.Package, known map[string]plan.Requirements) error {
	for _, p := range code {
		one := in.parts[p.Source]
		if one == nil {
			var err error
			if one, err = b.readCommit(ctx, p); err != nil {
				return err
			}
			in.parts[p.Source] = one
		}
		m := one.wheel.Metadata
		known[p.Name] = plan.Requirements{RequiresPython: m.Get("Requires-Python"), RequiresDist: m.All("Requires-Dist")}
	}
	return nil
}

// projectOf returns the project whose file a name is of, normalised.
func projectOf(file string) string {
	if f, err := wheeltag.ParseFilename(file); err == nil {
		return name.Normalize(f.Name)
	}
	if f, err := sdist.ParseFilename(file); err == nil {
		return name.Normalize(f.Name)
	}
	return ""
}
