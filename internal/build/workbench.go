package build

import (
	"context"
	"slices"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// workbench returns where the sources of a platform are built. Its root is assembled when something is built first.
func (f *frontend) workbench(ctx context.Context) (pep517.Options, error) {
	return f.bench.get(func() (pep517.Options, error) {
		if err := execute.CanRun(f.variant.target.Platform.Arch); err != nil && f.builder.opt.isolated == nil {
			return pep517.Options{}, &diag.Error{Code: "no-emulator", Err: err,
				What: "sources cannot be built for " + f.variant.name() + " here: " + err.Error(),
				Hint: "install qemu-user-static with binfmt support, build on a machine of that kind, or lock versions that have wheels"}
		}
		b := f.builder
		executor, err := b.sandbox(ctx)
		if err != nil {
			return pep517.Options{}, err
		}
		root, id, err := b.builderRoot(ctx, f.decision, f.variant)
		if err != nil {
			return pep517.Options{}, err
		}
		return pep517.Options{Executor: executor, Root: root, RootKey: id, Python: f.variant.facts.Interpreter,
			Minor: base.Minor(f.variant.facts.Python), Jobs: b.opt.jobs()}, nil
	})
}

// sandbox chooses what runs code that nobody trusts: the executor that the user names, if that isolates, else the best that
// works here.
func (b *builder) sandbox(ctx context.Context) (execute.Executor, error) {
	if e := b.opt.isolated; e != nil {
		return execute.Traced(e, b.opt.Trace), nil
	}
	need := execute.Need{Isolation: true, Docker: b.opt.Engine}
	if execute.Isolates(b.opt.Executor) {
		need.Name = b.opt.Executor
	}
	executor, err := execute.Choose(ctx, need)
	return execute.Traced(executor, b.opt.Trace), err
}

// needsBuilder tells steps that run where source code is built.
func needsBuilder(s project.Step) bool { return len(s.Packages) > 0 }

// lockWorkbenches locks the builders of the platforms on which something is built.
func (b *builder) lockWorkbenches(ctx context.Context, d *decision, upgrade bool) error {
	var platforms []string
	for _, v := range d.variants {
		compiled := func(p plan.Package) bool { part := d.parts[p.Source]; return part != nil && part.source != nil }
		if d.dynamic != nil || slices.ContainsFunc(v.packages, isSource) || slices.ContainsFunc(v.code, compiled) ||
			v == d.stepVariant() && slices.ContainsFunc(v.entry.Steps, needsBuilder) {
			platforms = append(platforms, v.name())
		}
	}
	if len(platforms) == 0 {
		return nil
	}
	d.followBuildNeeds()
	d.followRust()
	if b.opt.describe {
		return nil
	}
	return b.lockBuilders(ctx, d, platforms, upgrade)
}
