package build

import (
	"context"
	"sync"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
)

// early makes layers of wheels while other wheels are downloaded, each as soon as its own are there. That is done as if no two
// distributions brought a file of one path, which hardly any do: it is known only when all are there. What is made is for the store,
// and taken from there in its turn, which is also when errors are told; the layer of a distribution that turns out to lose a
// file has another key, and is made in its turn.
type early struct {
	make  func(plan.Layer)
	under sync.WaitGroup // layers under way

	mu      sync.Mutex
	missing map[string]*unready // by the name of a wheel's file
}

// unready is a layer whose wheels are not all there. One of which all were there before has its turn soon, or is there itself.
type unready struct {
	layer   plan.Layer
	missing int // wheels
	fresh   bool
}

// newEarly begins with no wheel. The layers are made until ctx ends, or wait returns. Where registries remember layers none is made early: one
// that is remembered needs no wheel. Neither is one with a wheel that is built.
func (b *builder) newEarly(ctx context.Context, p *plan.Plan, code compile) *early {
	e := &early{missing: map[string]*unready{}}
	e.make = func(l plan.Layer) {
		if err := b.earlyLayer(ctx, p, l, code.when(p.Bytecode)); err != nil && ctx.Err() == nil {
			b.opt.Log.Debug("a layer was not made early", "layer", layerName(l.Kind, l.Packages), "error", err)
		}
	}
	if b.memory != nil {
		return e
	}
	for _, l := range p.Layers {
		u := &unready{layer: l, missing: len(l.Members)}
		for _, i := range l.Members {
			if p.Packages[i].Build == nil {
				e.missing[p.Packages[i].Filename] = u
			} else {
				u.missing++ // never comes
			}
		}
	}
	return e
}

// arrived takes note of a wheel, and returns at once.
func (e *early) arrived(a artifact.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	u := e.missing[a.Filename]
	if u == nil || !a.Finished {
		return
	}
	delete(e.missing, a.Filename)
	u.fresh = u.fresh || !a.Cached
	if u.missing--; u.missing == 0 && u.fresh {
		e.under.Go(func() { e.make(u.layer) })
	}
}

// wait returns when no layer is under way. No wheel may arrive any more.
func (e *early) wait() { e.under.Wait() }

// earlyLayer makes one, unless the store has it.
func (b *builder) earlyLayer(ctx context.Context, p *plan.Plan, l plan.Layer, code compile) error {
	key, err := wheelLayerKey(p, l, nil)
	if err != nil {
		return err
	}
	if _, found := layer.Find(b.store, key); found {
		return nil
	}
	_, err = b.wheelLayer(ctx, p, l, nil, code)
	return err
}
