package build

import (
	"context"
	"fmt"

	"github.com/lithe-build/lithe/internal/destination"
)

// write puts the image where the options say, in their order.
func (b *builder) write(ctx context.Context, result *Result) error {
	defer b.time("write")()
	for _, output := range b.opt.Outputs {
		d, err := destination.Parse(output)
		if err != nil {
			return err
		}
		if err := b.writeTo(ctx, result, output, d); err != nil {
			return fmt.Errorf("%s: %w", output, err)
		}
	}
	if !b.opt.Load {
		return nil
	}
	engine, err := destination.FindEngine(ctx, b.opt.Engine)
	if err != nil {
		return err
	}
	result.Engine = engine
	return b.writeTo(ctx, result, engine.Name(), engine)
}

func (b *builder) writeTo(ctx context.Context, result *Result, name string, d destination.Destination) error {
	written, err := d.Write(ctx, result.written(), destination.Options{Tags: b.opt.Tags, On: func(e destination.Event) {
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
	return destination.CheckTags(o.Tags)
}
