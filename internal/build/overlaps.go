package build

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/store"
)

// overlapRecord is what is known about the files of a set of wheels, so that a warm build opens none of them.
type overlapRecord struct {
	Dropped  map[string][]string // by distribution: the paths that another one owns
	Tops     []string            // the names right below site-packages and the other folders, sorted
	Warnings diag.List           // about the wheels: what runs code at start deserves a word in every build
}

// overlaps finds files of two distributions at one path, among the wheels of the plan and what is installed of source code.
// The result depends on the wheels and the configuration alone. While wheels are downloaded, layers of others are made with code.
func (b *builder) overlaps(ctx context.Context, p *plan.Plan, own []*wheel.Installed, code compile) (map[string][]string, error) {
	key := store.Key(overlapKey{Checks: wheelChecks, Wheels: wheelHashes(p), Owners: p.Overlaps, Scheme: p.Scheme()})
	var known overlapRecord
	found, err := b.store.Record("overlaps", key, &known)
	if err != nil {
		return nil, err
	}
	if !found {
		found = b.memory.fact(ctx, overlapsRecord, key, &known)
	}
	b.warn(known.Warnings)
	if found {
		b.memory.note(overlapsRecord, key, known)
	}
	if found && !meets(own, known.Tops) {
		return known.Dropped, nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	e := b.newEarly(ctx, p, code)
	dropped, err := b.findOverlaps(ctx, key, p, own, e.arrived)
	if err != nil {
		stop()
	}
	e.wait()
	return dropped, err
}

// findOverlaps opens all wheels, and remembers what it finds.
func (b *builder) findOverlaps(ctx context.Context, key string, p *plan.Plan, own []*wheel.Installed, arrived func(artifact.Event)) (map[string][]string, error) {
	all, err := b.installAll(ctx, p, arrived)
	if err != nil {
		return nil, err
	}
	record := overlapRecord{Tops: tops(all...)}
	for _, in := range all {
		record.Warnings = append(record.Warnings, in.Warnings...)
	}
	if record.Dropped, err = wheel.Overlaps(all, p.Overlaps); err != nil {
		return nil, err
	}
	if err := b.store.PutRecord("overlaps", key, record); err != nil {
		return nil, err
	}
	b.memory.note(overlapsRecord, key, record)
	if !meets(own, record.Tops) {
		return record.Dropped, nil
	}
	return wheel.Overlaps(append(all, own...), p.Overlaps)
}

// meets reports whether one of some installed wheels has a name at the top that others have too, such as a namespace package.
func meets(own []*wheel.Installed, names []string) bool {
	if len(own) == 0 {
		return false
	}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	for _, in := range own {
		mine := tops(in)
		if slices.ContainsFunc(mine, func(name string) bool { return known[name] }) {
			return true
		}
		for _, name := range mine {
			known[name] = true
		}
	}
	return false
}

// tops returns the paths of entries down to the first name that a distribution chooses: below site-packages, and for
// everything else the whole path. Two distributions that share none of them share no file.
func tops(all ...*wheel.Installed) []string {
	seen := map[string]bool{}
	for _, in := range all {
		for _, e := range in.Entries {
			seen[top(e.Path)] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func top(path string) string {
	const site = "/site-packages/"
	i := strings.Index(path, site)
	if i < 0 {
		return path
	}
	name, _, _ := strings.Cut(path[i+len(site):], "/")
	return path[:i+len(site)] + name
}

// wheelHashes returns the hashes of the plan's wheels in order.
func wheelHashes(p *plan.Plan) []string {
	hashes := make([]string, len(p.Packages))
	for i, pkg := range p.Packages {
		hashes[i] = pkg.Hash
		if pkg.Build != nil {
			hashes[i] = pkg.Build.Key
		}
	}
	return hashes
}
