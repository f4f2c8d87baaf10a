package build

import (
	"context"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// completeKind names the records of images that lack nothing.
const completeKind = "complete"

// complete refuses images that lack what they run, a library or a symbol version: their programs would stop at the first import. What is
// known of the layers is enough for it, so that none is opened, and an image that was looked at before costs a record.
func (b *builder) complete(ctx context.Context, d *decision) error {
	defer b.time("closure")()
	if err := d.programs(); err != nil {
		return err
	}
	more := &moreLibraries{added: map[string][]base.Library{}, unneeded: map[string][]base.Library{}}
	var errs []error
	for _, v := range d.variants {
		if err := b.completeVariant(ctx, d, v, more); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 && len(more.added)+len(more.unneeded) > 0 {
		return more
	}
	return joinProblems(nil, errs...)
}

func (b *builder) completeVariant(ctx context.Context, d *decision, v *variant, more *moreLibraries) error {
	in := d.closureInput(v)
	key := closureKey{Format: closure.Format, Arch: in.Arch, Musl: in.Musl, Interpreter: in.Interpreter,
		LibraryPath: in.LibraryPath, Accept: in.Accept, Owner: in.Layers[len(in.Layers)-1].Owner}
	for _, l := range v.layers() {
		key.Layers = append(key.Layers, l.DiffID)
	}
	var known closure.Result
	if ok, err := b.store.Record(completeKind, store.Key(key), &known); ok || err != nil {
		return err
	}
	if err := b.seen(ctx, v.ground); err != nil {
		return err
	}
	result := closure.Check(d.closureInput(v))
	for _, a := range result.Accepted {
		b.opt.Log.Debug("a library that the loader does not find", "package", a.Package, "file", a.Object, "library", a.Library,
			"accepted", a.Reason)
	}
	if problems := b.incomplete(ctx, d, v, result, more); len(problems) > 0 {
		return problems.Err()
	}
	if unneeded := v.unneeded(); len(unneeded) > 0 {
		more.unneeded[v.name()] = unneeded
		more.problems.Add(staleLock(d.inputs))
	}
	if len(more.added[v.name()])+len(more.unneeded[v.name()]) > 0 {
		return nil
	}
	return b.store.PutRecord(completeKind, store.Key(key), result)
}

// closureInput is what the check must know about an image.
func (d *decision) closureInput(v *variant) closure.Input {
	in := closure.Input{Arch: v.target.Platform.Arch, Musl: v.facts.Libc.Family == "musl", Interpreter: v.plan.Interpreter,
		Accept: slices.Sorted(slices.Values(d.config.AcceptMissing))}
	for _, e := range v.plan.Config.Env {
		if path, ok := strings.CutPrefix(e, "LD_LIBRARY_PATH="); ok {
			in.LibraryPath = path
		}
	}
	for _, l := range v.layers() {
		one := closure.Layer{Loading: l.Loading, Foreign: l.Format == 0}
		if l.Kind == plan.ProjectLayer {
			one.Owner = d.project.Name
		}
		in.Layers = append(in.Layers, one)
	}
	return in
}
