package build

import (
	"context"
	"fmt"

	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/trace"
)

// cached returns the layer of a key, made when neither the store nor the memory of a registry has it. One that was made
// for another platform of this run counts as made.
func (b *builder) cached(ctx context.Context, key string, kind plan.LayerKind, make func() (layer.Contents, error)) (made, error) {
	return b.cachedAs(ctx, string(kind), key, kind, make)
}

// cachedAs is cached for a layer that a trace calls by a name.
func (b *builder) cachedAs(ctx context.Context, name, key string, kind plan.LayerKind, make func() (layer.Contents, error)) (made, error) {
	if b.memory != nil {
		if _, here := layer.Find(b.store, key); !here {
			if l, ok, err := b.recalled(ctx, name, key, kind, make); ok || err != nil {
				return l, err
			}
		}
	}
	rec, reused, err := b.makeLayer(ctx, name, key, kind, make)
	b.mu.Lock()
	defer b.mu.Unlock()
	return made{Record: rec, reused: reused && !b.made[key]}, err
}

// makeLayer returns the layer of a key from the store, or makes it. Those of wheels wait until few enough are under way.
func (b *builder) makeLayer(ctx context.Context, name, key string, kind plan.LayerKind, make func() (layer.Contents, error)) (layer.Record, bool, error) {
	if kind == plan.WheelLayer || kind == plan.WheelsLayer {
		select {
		case b.making <- struct{}{}:
			defer func() { <-b.making }()
		case <-ctx.Done():
			return layer.Record{}, false, ctx.Err()
		}
	}
	var span trace.Open
	rec, reused, err := layer.Cached(ctx, b.store, key, kind, func() (layer.Contents, error) {
		span = b.opt.Trace.Begin(trace.Layer, name)
		b.mu.Lock()
		b.made[key] = true // before another platform can find it in the store
		b.mu.Unlock()
		c, err := make()
		c.Unrecorded = b.borrowed.Load()
		return c, err
	})
	if err == nil && !reused {
		span.EndWith(rec.Size)
		b.opt.Trace.Add(trace.Layers, 1)
	}
	return rec, reused, err
}

// named is cached for a layer that the plan names. The name is no input of the bytes, so a record made for another
// project may bear another one; the image's history must not depend on which project came first.
func (b *builder) named(ctx context.Context, key string, kind plan.LayerKind, packages []string, make func() (layer.Contents, error)) (made, error) {
	l, err := b.cachedAs(ctx, layerName(kind, packages), key, kind, make)
	l.Kind, l.Packages = kind, packages
	return l, err
}

// layerName is what a trace calls a layer: the distribution, or the group with its first one.
func layerName(kind plan.LayerKind, packages []string) string {
	switch len(packages) {
	case 0:
		return string(kind)
	case 1:
		return packages[0]
	}
	return fmt.Sprintf("%s and %d more", packages[0], len(packages)-1)
}
