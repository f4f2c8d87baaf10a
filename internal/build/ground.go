package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// ground is the base of one platform. Its layers are made when they are asked for, and once. A base that the store has
// costs two records; another is assembled once, and its standard library compiled.
type ground struct {
	builder  *builder
	pins     *base.Pins
	platform string
	facts    base.Facts
	system   system
	lent     string // names the layers of a registry that its interpreter runs in; "" for one that was put together here

	assembly *once[*base.Base]
	packaged once[[]made]
	finished once[[]made]
}

// made is a layer and whether it was there already.
type made struct {
	layer.Record
	reused   bool
	remote   bool         // it is of another image, and may be in its registry alone
	recalled bool         // a registry has it from an earlier build, and may be the only one
	origin   layer.Origin // of a remote or recalled one
}

func (b *builder) newGround(pins *base.Pins, platform string, facts base.Facts) *ground {
	return &ground{builder: b, pins: pins, platform: platform, facts: facts, assembly: &once[*base.Base]{}}
}

// forget frees the entries of the base, some 45 MB, when nothing under way needs them. They can be assembled again.
func (g *ground) forget() { g.assembly = &once[*base.Base]{} }

// bare returns the layers of the base and of the interpreter as they are packaged.
func (g *ground) bare(ctx context.Context) ([]made, error) {
	if g.pins.IsImage() {
		return g.onImage(ctx)
	}
	return g.packaged.get(func() ([]made, error) {
		lower, err := g.part(ctx, plan.BaseLayer)
		if err != nil {
			return nil, err
		}
		upper, err := g.part(ctx, plan.InterpreterLayer)
		return []made{lower, upper}, err
	})
}

// compiled returns the layers with the bytecode of the standard library.
func (g *ground) compiled(ctx context.Context, code compile) ([]made, error) {
	if g.pins.IsImage() {
		return g.onImage(ctx) // its files stay as they are
	}
	return g.finished.get(func() ([]made, error) {
		layers := make([]made, 2)
		side, ctx := errgroup.WithContext(ctx)
		side.Go(func() (err error) {
			layers[0], err = g.part(ctx, plan.BaseLayer)
			return err
		})
		side.Go(func() (err error) {
			key := g.key(plan.InterpreterLayer)
			key.Compiler = g.facts.Python
			layers[1], err = g.builder.cached(ctx, store.Key(key), plan.InterpreterLayer, func() (layer.Contents, error) {
				return g.compiledInterpreter(ctx, code)
			})
			return err
		})
		return layers, side.Wait()
	})
}

// key names a layer without bytecode.
func (g *ground) key(kind plan.LayerKind) baseKey {
	return baseKey{Format: layer.Format, Assembly: base.Format, Kind: string(kind), Packages: debDigests(g.pins, g.platform)}
}

// part is the layer of one part of the base as it is.
func (g *ground) part(ctx context.Context, kind plan.LayerKind) (made, error) {
	return g.builder.cached(ctx, store.Key(g.key(kind)), kind, func() (layer.Contents, error) {
		return g.contents(ctx, kind)
	})
}

// contents is one part of the base as it is.
func (g *ground) contents(ctx context.Context, kind plan.LayerKind) (layer.Contents, error) {
	bs, err := g.assembled(ctx)
	if err != nil {
		return layer.Contents{}, err
	}
	i := slices.IndexFunc(bs.Parts, func(p base.Part) bool { return p.Kind == string(kind) })
	if i < 0 {
		return layer.Contents{}, fmt.Errorf("base %s has no part %q", bs.Name, kind)
	}
	return layer.Contents{Entries: bs.Parts[i].Entries, Packages: bs.Parts[i].Packages}, nil
}

// assembled returns the entries of the base.
func (g *ground) assembled(ctx context.Context) (*base.Base, error) {
	return g.assembly.get(func() (*base.Base, error) {
		opt := g.builder.bases
		opt.System, opt.AcceptScripts = g.system.wants, g.system.accept
		return base.Assemble(ctx, g.builder.client, g.pins, g.platform, opt, g.builder.onBase)
	})
}

// compiledInterpreter is the interpreter's part with the bytecode of the standard library.
func (g *ground) compiledInterpreter(ctx context.Context, code compile) (layer.Contents, error) {
	contents, err := g.contents(ctx, plan.InterpreterLayer)
	if err != nil {
		return layer.Contents{}, err
	}
	bs, err := g.assembled(ctx)
	if err != nil {
		return layer.Contents{}, err
	}
	sources := stdlibSources(contents.Entries, bs.StdlibSources)
	compiled, err := code(ctx, "standard library", sources)
	if err != nil {
		return layer.Contents{}, fmt.Errorf("compiling the standard library: %w", err)
	}
	contents.Entries = slices.Clone(contents.Entries)
	for i, data := range compiled {
		if data != nil {
			contents.Entries = append(contents.Entries, bytecodeEntry(base.MinorNumber(g.facts.Python), sources[i].Path, data))
		}
	}
	return contents, nil
}

// stdlibSources returns the entries at these paths as sources for the compiler.
func stdlibSources(entries []entry.Entry, paths []string) []bytecode.Source {
	byPath := map[string]entry.Content{}
	for _, e := range entries {
		byPath[e.Path] = e.Content
	}
	var sources []bytecode.Source
	for _, path := range paths {
		sources = append(sources, bytecode.Source{Path: "/" + path, Content: byPath[path]})
	}
	return sources
}

// debDigests returns the digests of all packages of a platform's base, sorted, with the names that the base checks them
// by.
func debDigests(pins *base.Pins, platform string) []string {
	selection, _ := pins.Selection(platform)
	digests := pinDigests(selection.Ground())
	if a := selection.Standalone; a != nil {
		digests = append(digests, "cpython "+a.Version()+" "+a.Hash)
	}
	slices.Sort(digests)
	return digests
}

func pinDigests(pins []base.Pin) []string {
	var digests []string
	for _, pin := range pins {
		digests = append(digests, strings.Join([]string{pin.Part, pin.Name, pin.Version, pin.Hash}, " "))
	}
	slices.Sort(digests)
	return digests
}
