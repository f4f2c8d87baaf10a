package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/store"
)

// maxBuildDepth is how many sources may have to be built for the build of one, each for the one before.
const maxBuildDepth = 8

// source is what a wheel is built of.
type source struct {
	pkg        plan.Package
	id         string // in lithe.lock
	digest     string // of all that the build reads
	env        []string
	versioned  bool                                        // whoever asks version control has its answer
	unanswered string                                      // tells that version control has no version for it; "" where it was not asked, or has
	asked      []requirement.Requirement                   // build-system.requires, where that is known before anything is unpacked
	fill       func(ctx context.Context, dir string) error // writes the source tree
}

// recipe is how a wheel is made: a source with everything that it is built with.
type recipe struct {
	source
	key      string
	requires []plan.Package // files, some of which are built themselves
	settings map[string]string
	rust     bool // what it is built with says that it has code in Rust
	frontend *frontend
}

// what names what is built, for people.
func (r *recipe) what() string { return strings.TrimSpace(r.pkg.Name + " " + r.pkg.Version) }

// frontend makes the recipes of one platform.
type frontend struct {
	builder   *builder
	decision  *decision
	variant   *variant
	target    string // in lithe.lock
	upgrade   bool
	tags      wheeltag.Set
	available *artifact.Available
	bench     once[pep517.Options]
	known     map[string]*plan.Build // by id of the source
}

func (b *builder) newFrontend(d *decision, v *variant, upgrade bool) (*frontend, error) {
	tags, err := v.target.Tags()
	if err != nil {
		return nil, err
	}
	return &frontend{builder: b, decision: d, variant: v, target: choiceOf(v.target), upgrade: upgrade, tags: tags,
		known: map[string]*plan.Build{}, available: artifact.NewAvailable(b.client, b.opt.Index, tags)}, nil
}

// isSource tells packages that are built from a source distribution.
func isSource(p plan.Package) bool {
	return p.Kind == plan.KindSdist || p.Kind == plan.KindURL && !strings.HasSuffix(p.Filename, ".whl")
}

// lockBuilds decides how everything is built that has no wheel: with which requirements, as lithe.lock has them, else resolved
// now. That may mean to ask build backends, in the builder. A source may tell there that the builder lacks a compiler of Rust;
// then all is decided once more, with one that has it.
func (b *builder) lockBuilds(ctx context.Context, d *decision, upgrade bool) error {
	if err := b.lookForRust(ctx, d); err != nil {
		return err
	}
	err := b.lockBuildsWith(ctx, d, upgrade)
	need, ok := errors.AsType[*rustNeed](err)
	if !ok {
		return err
	}
	d.rust, d.builds = append(d.rust, *need), nil
	b.mu.Lock()
	clear(b.recipes) // they name the builder that lacks it
	b.mu.Unlock()
	return b.lockBuildsWith(ctx, d, upgrade)
}

// lockBuildsWith is lockBuilds with the tools that are known to be needed.
func (b *builder) lockBuildsWith(ctx context.Context, d *decision, upgrade bool) error {
	if err := b.readCommits(ctx, d); err != nil {
		return err
	}
	if err := b.lockWorkbenches(ctx, d, upgrade); err != nil {
		return err
	}
	defer b.time("resolve")()
	for _, v := range d.variants {
		f, err := b.newFrontend(d, v, upgrade)
		if err != nil {
			return err
		}
		v.packages, v.code = slices.Clone(v.packages), slices.Clone(v.code)
		if err := f.lockTrees(ctx); err != nil {
			return err
		}
		for i := range v.packages {
			pkg := &v.packages[i]
			if !isSource(*pkg) {
				continue
			}
			if pkg.Build, err = f.build(ctx, f.sdist(*pkg), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// sdist is a source distribution that is a file of an index, at a URL, or in the project.
func (f *frontend) sdist(pkg plan.Package) source {
	return source{pkg: pkg, id: pkg.Hash, digest: pkg.Hash, fill: func(ctx context.Context, dir string) error {
		path, ok := f.builder.store.Blob(pkg.Hash) // one in the project's folder is there already
		if !ok {
			files, err := f.builder.fetch(ctx, []plan.Package{pkg})
			if err != nil {
				return err
			}
			path = files[0].Path
		}
		if err := pep517.Unpack(path, pkg.Filename, dir); err != nil {
			return &diag.Error{Pos: pkg.Pos, Code: "bad-sdist", What: fmt.Sprintf("%s %s: %v", pkg.Name, pkg.Version, err), Err: err,
				Hint: "the archive is broken or hostile: find out why before you use it"}
		}
		return nil
	}}
}

// build decides how one source is built. Above are the names of what it is built for.
func (f *frontend) build(ctx context.Context, src source, above []string) (*plan.Build, error) {
	if known, ok := f.known[src.id]; ok {
		return known, nil
	}
	if slices.Contains(above, src.pkg.Name) || len(above) >= maxBuildDepth {
		return nil, &diag.Error{Pos: src.pkg.Pos, Code: "build-cycle",
			What: fmt.Sprintf("%s is needed to build itself: %s", src.pkg.Name, strings.Join(append(above, src.pkg.Name), " needs ")),
			Hint: "use an index that has a wheel of one of them"}
	}
	locked := f.locked(src)
	switch {
	case f.builder.opt.describe:
		return described(locked), nil
	case locked != nil:
	case f.builder.opt.Locked:
		return nil, outOfDate(f.decision.inputs)
	default:
		var err error
		if locked, err = f.resolve(ctx, src, above); err != nil {
			return nil, err
		}
	}
	f.decision.builds = append(f.decision.builds, *locked)
	r := &recipe{source: src, frontend: f, settings: f.decision.config.ConfigSettings[src.pkg.Name], rust: rustTool(parseable(locked.Asked)) != ""}
	for _, q := range locked.Requires {
		pkg, err := f.required(ctx, q, append(slices.Clone(above), src.pkg.Name))
		if err != nil {
			return nil, err
		}
		r.requires = append(r.requires, pkg)
	}
	return f.finish(r)
}

// described is what is known of a build before anything is asked or made; requirements that nobody has chosen are nil.
func described(locked *lithelock.Build) *plan.Build {
	out := &plan.Build{}
	if locked != nil {
		out.Requires = []string{}
		for _, q := range locked.Requires {
			out.Requires = append(out.Requires, q.Name+" "+q.Version)
		}
	}
	return out
}

// finish names a recipe, and remembers it for who builds.
func (f *frontend) finish(r *recipe) (*plan.Build, error) {
	root, err := f.builder.builderID(f.decision, f.variant)
	if err != nil {
		return nil, err
	}
	out := &plan.Build{Requires: []string{}}
	key := builtKey{Format: pep517.Format, Source: r.digest, Name: r.pkg.Name, Version: r.pkg.Version, Builder: root, Settings: r.settings,
		Target: f.target, Env: r.env}
	for _, pkg := range r.requires {
		out.Requires = append(out.Requires, pkg.Name+" "+pkg.Version)
		id := pkg.Hash
		if pkg.Build != nil {
			id = pkg.Build.Key
		}
		key.Requires = append(key.Requires, id)
	}
	slices.Sort(key.Requires)
	out.Key = store.Key(key)
	r.key = out.Key
	f.known[r.id] = out
	f.builder.mu.Lock()
	defer f.builder.mu.Unlock()
	f.builder.recipes[out.Key] = r
	return out, nil
}

// locked returns what lithe.lock says, nil where it does not fit.
func (f *frontend) locked(src source) *lithelock.Build {
	if f.upgrade {
		return nil
	}
	locked := f.decision.litheLock.Build(src.id, f.target)
	if locked == nil {
		return nil
	}
	for _, r := range src.asked {
		if !slices.Contains(locked.Asked, r.String()) {
			return nil
		}
	}
	return locked
}

// required is a build requirement as a package.
func (f *frontend) required(ctx context.Context, q lithelock.Requirement, above []string) (plan.Package, error) {
	pkg := plan.Package{Name: q.Name, Version: q.Version, Kind: plan.KindWheel, Filename: q.File, Hash: q.Hash, URL: q.URL, Size: q.Size,
		Source: "default index", Pos: diag.Position{File: lithelock.Filename}}
	if strings.HasSuffix(q.File, ".whl") {
		return pkg, nil
	}
	pkg.Kind = plan.KindSdist
	var err error
	pkg.Build, err = f.build(ctx, f.sdist(pkg), above)
	return pkg, err
}
