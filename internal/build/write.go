package build

import (
	"context"
	"fmt"
	"sync"

	"github.com/lithe-build/lithe/internal/destination"
)

// checkFiles asks destinations on this machine whether they will take the image before it is made, which may take minutes.
func (b *builder) checkFiles(ctx context.Context) error {
	for _, output := range b.opt.Outputs {
		d, err := destination.Parse(output)
		if err != nil {
			return err
		}
		if c, ok := d.(destination.Checker); ok {
			if err := c.Check(ctx, b.opt.Tags); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlessRefused does work while registries are asked whether they will take the image: they answer in about the time that a
// small change of the source takes. A refusal ends the work, and says more than what came of it until then.
func (b *builder) unlessRefused(ctx context.Context, work func(context.Context) error) error {
	if !b.opt.Push {
		return work(ctx)
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	answer, registries := make(chan error, 1), b.registries()
	b.admitted = sync.OnceValue(func() error { return <-answer })
	go func() {
		err := registries.Check(ctx, b.opt.Tags)
		if err != nil {
			stop()
		}
		answer <- err
	}()
	err := work(working)
	if refused := b.admitted(); refused != nil && ctx.Err() == nil {
		return refused
	}
	return err
}

func (b *builder) registries() destination.Registry {
	return destination.Registry{Client: b.registry, Store: b.store, Known: b.memory.known()}
}

// write puts the image where the options say: files in the order of the options, then the engine, then registries. Nothing is
// written where a registry has refused.
func (b *builder) write(ctx context.Context, result *Result) error {
	defer b.time("write")()
	if b.admitted != nil {
		if err := b.admitted(); err != nil {
			return err
		}
	}
	for _, output := range b.opt.Outputs {
		d, err := destination.Parse(output)
		if err != nil {
			return err
		}
		if err := b.writeTo(ctx, result, output, d); err != nil {
			return fmt.Errorf("%s: %w", output, err)
		}
	}
	if b.opt.Load {
		engine, err := b.engine()
		if err != nil {
			return err
		}
		result.Engine = engine
		if err := b.writeTo(ctx, result, engine.Name(), engine); err != nil {
			return err
		}
	}
	if b.opt.Push {
		return b.push(ctx, result)
	}
	return nil
}

// lookForEngine asks for an engine while the image is made: it takes as long as a small change of the source to say what it
// is.
func (b *builder) lookForEngine(ctx context.Context) {
	if !b.opt.Load {
		return
	}
	b.engine = sync.OnceValues(func() (destination.Engine, error) { return destination.FindEngine(ctx, b.opt.Engine) })
	go func() { _, _ = b.engine() }()
}

// push is one output for each repository.
func (b *builder) push(ctx context.Context, result *Result) error {
	written, err := b.registries().Write(ctx, result.written(), destination.Options{Tags: b.opt.Tags, On: func(e destination.Event) {
		b.opt.on(Event{Stage: "push", Item: e.Item, Done: e.Done, Total: e.Total, Unit: "B"})
	}})
	// What the first repositories got, they have, even where a later one failed.
	var pushed []string
	for _, p := range written.Pushed {
		pushed = append(pushed, p.Repository)
		result.Outputs = append(result.Outputs, Output{Destination: p.Repository, Reference: p.Reference, Sent: p.Sent})
		b.ended("push", "%s, %s", p.Repository, movedText(p.Sent))
	}
	if err == nil {
		b.remember(ctx, result, pushed)
	}
	return err
}

func (b *builder) writeTo(ctx context.Context, result *Result, name string, d destination.Destination) error {
	written, err := d.Write(ctx, result.written(), destination.Options{Tags: b.opt.Tags, Store: b.store, On: func(e destination.Event) {
		b.opt.on(Event{Stage: "write", Item: name, Done: e.Done, Total: e.Total, Unit: "B"})
	}})
	if err != nil {
		return err
	}
	result.Outputs = append(result.Outputs, Output{Destination: name, Reference: written.Digest, Sent: written.Sent, ID: written.ID})
	if written.Platform != "" {
		name += " holds one platform, and got " + written.Platform
	}
	b.ended("write", "%s, %s", name, movedText(written.Sent))
	return nil
}

// CheckOutputs finds mistakes in destinations and names. Whoever asks the user for them does so before a build.
func (o Options) CheckOutputs() error {
	for _, output := range o.Outputs {
		if _, err := destination.Parse(output); err != nil {
			return err
		}
	}
	if o.Push {
		return destination.CheckPushTags(o.Tags)
	}
	return destination.CheckTags(o.Tags)
}
