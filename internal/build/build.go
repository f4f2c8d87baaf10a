// Package build knows the order of the stages, and nothing else does: project, lock, base, plan, artifact, bytecode,
// layer, image, destination.
//
// A folder and options go in; an image in the store, copies of it at the destinations, and lithe.lock come out. What is
// built for several platforms shares the folder, the downloads, the bytecode and every layer that no platform is in. Each
// stage is keyed by a hash of its inputs, so that a build which changes nothing opens records and nothing else. It always
// holds that what a plan says does not depend on what the store has.
package build

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/plan"
)

// Run builds an image and writes it to its destinations.
func Run(ctx context.Context, opt Options) (result *Result, err error) {
	err = decided(ctx, opt, false, func(b *builder, d *decision) error {
		changes, err := b.saveLitheLock(d)
		if err != nil {
			return err
		}
		for _, change := range changes {
			b.ended("lock", "%s", change)
		}
		if err := b.checkFiles(ctx); err != nil {
			return err
		}
		b.lookForEngine(ctx)
		return b.unlessRefused(ctx, func(ctx context.Context) error {
			result, err = b.settle(ctx, d)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// settle produces until nothing turns out that decides anew: a layer that a registry has lost since it was asked for it is made
// after all, and a system package that turns out to be needed goes in.
func (b *builder) settle(ctx context.Context, d *decision) (result *Result, err error) {
	if b.memory, err = b.newMemory(d); err != nil {
		return nil, err
	}
	for {
		if result, err = b.produce(ctx, d); b.memory.forget(err) {
			continue
		}
		again, err := b.followLibraries(ctx, d, err)
		if !again {
			return result, err
		}
	}
}

// produce makes the layers and the images, and writes them.
func (b *builder) produce(ctx context.Context, d *decision) (*Result, error) {
	if err := b.layers(ctx, d); err != nil {
		return nil, err
	}
	b.tellLogs()
	if err := b.verifyBuilds(ctx); err != nil {
		return nil, err
	}
	result, err := b.images(ctx, d)
	if err != nil {
		return nil, err
	}
	err = b.write(ctx, result)
	result.Timings, result.Counts = b.timings(), b.opt.Trace.Counts()
	return result, err
}

// decided makes the plans, as every command does, and hands them to use. With upgrade the base is resolved anew.
func decided(ctx context.Context, opt Options, upgrade bool, use func(*builder, *decision) error) error {
	b, err := newBuilder(opt)
	if err != nil {
		return err
	}
	defer b.close()
	d, err := b.decide(ctx, upgrade)
	if err != nil {
		return err
	}
	return use(b, d)
}

// layers makes what the images consist of: the grounds and the wheels side by side, the first-party code last, since it
// is compiled on a ground.
func (b *builder) layers(ctx context.Context, d *decision) error {
	w, err := b.newWorkshop(d)
	if err != nil {
		return err
	}
	b.several, b.host = len(d.variants) > 1, w.host
	if err := b.takeParts(ctx, d); err != nil {
		return err
	}
	for _, v := range d.variants {
		own, err := b.ownWheel(ctx, d.inputs, v)
		if err != nil {
			return err
		}
		if v.own, err = b.ownCode(d.inputs, v.plan, own); err != nil {
			return err
		}
		if err = b.installParts(v); err != nil {
			return err
		}
	}
	if err := b.gather(ctx, d, w); err != nil {
		return err
	}
	for _, v := range d.variants {
		if err := errors.Join(v.own.without(v.plan, v.dropped), v.dropFromParts()); err != nil {
			return err
		}
		b.ended("base", "%s%s with Python %s, %s%s", d.mark(v), v.plan.Base, v.plan.Python, d.consists(v), reusedText(v.ground))
	}
	defer b.time("layers")()
	if err := b.wheelLayers(ctx, d.variants, w.code); err != nil {
		return err
	}
	for _, v := range d.variants {
		if err = b.partLayers(ctx, v, w.code); err != nil {
			return err
		}
	}
	if err := b.steps(ctx, d); err != nil {
		return err
	}
	for _, v := range d.variants {
		if v.top, err = b.ownLayer(ctx, v.plan, v.own, w.code.when(v.plan.OwnCode)); err != nil {
			return err
		}
	}
	if err := b.opt.sums.save(); err != nil {
		b.opt.Log.Warn("remembering the project's files", "error", err)
	}
	if n := b.compiled.Load(); n > 0 {
		b.ended("bytecode", "%s", count(int(n), "file"))
	}
	for _, v := range d.variants {
		b.ended("layers", "%s%d, %s%s", d.mark(v), len(v.layers()), sizeText(v.layers()), reusedText(v.layers()))
	}
	return b.complete(ctx, d)
}

// gather makes the grounds of all platforms, and meanwhile has the wheels looked at, which downloads those that nobody
// has seen yet, and makes their layers.
func (b *builder) gather(ctx context.Context, d *decision, w *workshop) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, v := range d.variants {
		g.Go(func() (err error) {
			defer b.time("base")()
			if v.ground, err = w.ground(ctx, v.plan); err == nil {
				v.ground, err = b.withCertificates(ctx, v.plan, v.ground, plan.Bundle(d.imageOf(v.name())), d.certificates)
			}
			return err
		})
		g.Go(func() (err error) {
			v.dropped, err = b.overlaps(ctx, v.plan, v.firstParty(), w.code)
			return err
		})
	}
	defer w.forget()
	return g.Wait()
}
