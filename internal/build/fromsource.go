package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/trace"
)

// buildFailed is the code of sources that do not build.
const buildFailed = "build-failed"

// builtKind names the records of wheels that were built.
const builtKind = "built"

// builtWheel is a wheel that was built.
type builtWheel struct {
	Filename string
	Digest   string // of the normalised wheel
}

// built returns the wheel of a source, which is built where the store has it not.
func (b *builder) built(ctx context.Context, pkg plan.Package) (*wheel.Wheel, error) {
	b.mu.Lock()
	r := b.recipes[pkg.Build.Key]
	b.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("%s %s: nothing says how it is built", pkg.Name, pkg.Version)
	}
	if w, err := b.builtBefore(r); w != nil || err != nil {
		return w, err
	}
	unlock, err := b.store.Lock(ctx, builtKind, r.key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if w, err := b.builtBefore(r); w != nil || err != nil { // by who held the lock
		return w, err
	}
	if err := r.frontend.make(ctx, r); err != nil {
		return nil, err
	}
	w, err := b.builtBefore(r)
	if w == nil && err == nil {
		err = fmt.Errorf("%s %s: the wheel that was built is not in the store", pkg.Name, pkg.Version)
	}
	return w, err
}

// builtBefore opens the wheel of a recipe that the store has, nil where it has none.
func (b *builder) builtBefore(r *recipe) (*wheel.Wheel, error) {
	var known builtWheel
	if ok, err := b.store.Record(builtKind, r.key, &known); !ok || err != nil {
		return nil, err
	}
	path, ok := b.store.Blob(known.Digest)
	if !ok {
		return nil, nil
	}
	b.store.HasDir(logKind, r.key) // its log is used with it, and so stays as long
	filename, err := wheeltag.ParseFilename(known.Filename)
	if err != nil {
		return nil, err
	}
	return wheel.OpenVerified(path, filename)
}

// openAll opens several wheels, one after another: each is small, or is built with all processors.
func (b *builder) openAll(ctx context.Context, packages []plan.Package) ([]*wheel.Wheel, error) {
	var wheels []*wheel.Wheel
	for _, pkg := range packages {
		w, err := b.open(ctx, pkg)
		if err != nil {
			return nil, err
		}
		wheels = append(wheels, w)
	}
	return wheels, nil
}

// make builds a wheel, and puts it into the store.
func (f *frontend) make(ctx context.Context, r *recipe) error {
	b := f.builder
	defer b.time("build")()
	wheels, err := b.openAll(ctx, r.requires) // before a slot is taken, since these may be built, too
	if err != nil {
		return err
	}
	select {
	case b.building <- struct{}{}:
		defer func() { <-b.building }()
	case <-ctx.Done():
		return ctx.Err()
	}
	what := r.what()
	b.opt.on(Event{Stage: "build", Item: what, Total: 1})
	defer b.opt.Trace.Begin(trace.Build, what+", log "+b.logOf(r)).End()
	err = f.inTree(ctx, r, func(tree *pep517.Tree, log *os.File) error {
		path, err := f.wheelOf(ctx, r, tree, wheels)
		if err != nil {
			return err
		}
		if err := b.keepLog(ctx, r, log); err != nil {
			return err
		}
		return f.keep(r, path)
	})
	if err != nil {
		return err
	}
	b.opt.on(Event{Stage: "build", Item: what, Done: 1, Total: 1})
	b.ended("build", "%s%s from source", marked(f.variant.name(), b.several), what)
	return nil
}

// wheelOf builds in a tree, and returns the path of a wheel that nobody has looked at.
func (f *frontend) wheelOf(ctx context.Context, r *recipe, tree *pep517.Tree, requires []*wheel.Wheel) (string, error) {
	if err := tree.Install(requires); err != nil {
		return "", err
	}
	if err := f.bringCrates(ctx, r, tree); err != nil {
		return "", err
	}
	return tree.Wheel(ctx, r.settings)
}

// keep checks a wheel, and puts it into the store in its normal form.
func (f *frontend) keep(r *recipe, path string) error {
	w, err := f.check(r, path)
	if err != nil {
		return err
	}
	blob, err := f.builder.store.Create()
	if err != nil {
		return err
	}
	defer blob.Abort() //nolint:errcheck // nothing is left to abort after a commit
	if err := pep517.Normalise(w, blob); err != nil {
		return err
	}
	digest, err := blob.Commit("")
	if err != nil {
		return err
	}
	return f.builder.store.PutRecord(builtKind, r.key, builtWheel{Filename: filepath.Base(path), Digest: digest})
}

// check opens a wheel that was made, if it is what was asked for.
func (f *frontend) check(r *recipe, path string) (*wheel.Wheel, error) {
	want := pep517.Wanted{Name: r.pkg.Name, Tags: f.tags}
	if r.pkg.Version != "" {
		v, err := version.Parse(r.pkg.Version)
		if err != nil {
			return nil, err
		}
		want.Version = &v
	}
	return pep517.Check(path, want)
}

// inTree calls use with the source tree of a recipe, in the builder of its platform, and the log. What goes wrong there is told
// with the place of the log.
func (f *frontend) inTree(ctx context.Context, r *recipe, use func(*pep517.Tree, *os.File) error) error {
	return f.unpacked(ctx, r, func(tree *pep517.Tree, log *os.File) error {
		opt, err := f.workbench(ctx)
		if err != nil {
			return err
		}
		tree.Use(opt)
		for _, v := range r.env {
			name, value, _ := strings.Cut(v, "=")
			tree.Setenv(name, value)
		}
		err = use(tree, log)
		if failure, ok := errors.AsType[*pep517.Failure](err); ok {
			return f.explain(ctx, r, failure, log)
		}
		return err
	})
}

// unpacked calls use with the source tree of a recipe and its log, before there is a builder, if all that the tree itself can
// tell of the builder is there.
func (f *frontend) unpacked(ctx context.Context, r *recipe, use func(*pep517.Tree, *os.File) error) error {
	dir, remove, err := f.builder.store.Temp()
	if err != nil {
		return err
	}
	defer remove()
	work := filepath.Join(dir, "build")
	if err := os.Mkdir(work, 0o755); err != nil { //nolint:gosec // its parent is private
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	tree, err := pep517.New(pep517.Options{}, work, log, func(sources string) error { return r.fill(ctx, sources) })
	if err != nil {
		return f.placed(r, err)
	}
	if err := f.checkRust(r, tree); err != nil {
		return err
	}
	return use(tree, log)
}

// placed gives problems of a source that was unpacked the place where the source is locked.
func (f *frontend) placed(r *recipe, err error) error {
	problems, ok := diag.Problems(err)
	if !ok {
		return err
	}
	var out diag.List
	for _, p := range problems {
		one := *p
		if one.Pos.File == "" || one.Pos != r.pkg.Pos {
			one.What = fmt.Sprintf("%s %s: %s: %s", r.pkg.Name, r.pkg.Version, p.Pos, p.What)
			one.Pos = r.pkg.Pos
		}
		out.Add(&one)
	}
	return out.Err()
}

// explain turns a failed build into a problem of its source, and keeps the log.
func (f *frontend) explain(ctx context.Context, r *recipe, failure *pep517.Failure, log *os.File) error {
	problem := &diag.Error{Pos: r.pkg.Pos, Code: buildFailed, What: fmt.Sprintf("%s cannot be built: %s", r.what(), failure.What), Err: failure,
		Detail: failure.Excerpt}
	var hints []string
	if failure.Missing.Name != "" {
		hints = append(hints, f.missingHint(ctx, failure.Missing))
	}
	if hint := cmp.Or(r.unanswered, versionHint(r.asked)); hint != "" && !r.versioned {
		hints = append(hints, hint)
	}
	if f.decision.isMisfit(r.pkg.Pos, f.decision.variants) {
		hints = append(hints, f.decision.wouldFit())
	}
	path, err := f.builder.keepFailed(ctx, r, log)
	if err != nil {
		return errors.Join(problem, err)
	}
	problem.Hint = strings.Join(append(hints, "the whole log is "+path), "; ")
	return problem
}
