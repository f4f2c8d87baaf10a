package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// ground is the base of one platform as layers.
type ground struct {
	layers []made // base, interpreter
}

// made is a layer and whether it was there already.
type made struct {
	layer.Record
	reused bool
}

// ground returns the layers of the base and of the interpreter. A base that the store has costs two records; another
// is assembled once, and its standard library compiled by the interpreter that it holds.
func (b *builder) ground(ctx context.Context, p *plan.Plan, pins *base.Pins) (*ground, error) {
	assembled := sync.OnceValues(func() (*base.Base, error) {
		return base.Assemble(ctx, b.client, pins, p.Target.Platform.String(), b.bases, b.onBase)
	})
	key := baseKey{Format: layer.Format, Assembly: base.Format, Kind: string(plan.BaseLayer), Packages: debDigests(pins, p)}
	lower, err := b.cached(ctx, store.Key(key), plan.BaseLayer, func() (layer.Contents, error) {
		return partContents(assembled, plan.BaseLayer)
	})
	if err != nil {
		return nil, err
	}
	key.Kind = string(plan.InterpreterLayer)
	bare := func() (made, error) {
		return b.cached(ctx, store.Key(key), plan.InterpreterLayer, func() (layer.Contents, error) {
			return partContents(assembled, plan.InterpreterLayer)
		})
	}
	if !p.Bytecode {
		upper, err := bare()
		return &ground{layers: []made{lower, upper}}, err
	}
	compiled := key
	compiled.Compiler = p.Compiler
	upper, err := b.cached(ctx, store.Key(compiled), plan.InterpreterLayer, func() (layer.Contents, error) {
		first, err := bare() // the interpreter must run before its own library is compiled
		if err != nil {
			return layer.Contents{}, err
		}
		return b.compiledInterpreter(ctx, p, assembled, []made{lower, first})
	})
	return &ground{layers: []made{lower, upper}}, err
}

// partContents is one part of the base as it is.
func partContents(assembled func() (*base.Base, error), kind plan.LayerKind) (layer.Contents, error) {
	bs, err := assembled()
	if err != nil {
		return layer.Contents{}, err
	}
	i := slices.IndexFunc(bs.Parts, func(p base.Part) bool { return p.Kind == string(kind) })
	if i < 0 {
		return layer.Contents{}, fmt.Errorf("base %s has no part %q", bs.Name, kind)
	}
	return layer.Contents{Entries: bs.Parts[i].Entries, Packages: bs.Parts[i].Packages}, nil
}

// compiledInterpreter is the interpreter's part with the bytecode of the standard library.
func (b *builder) compiledInterpreter(ctx context.Context, p *plan.Plan, assembled func() (*base.Base, error), below []made) (layer.Contents, error) {
	contents, err := partContents(assembled, plan.InterpreterLayer)
	if err != nil {
		return layer.Contents{}, err
	}
	bs, err := assembled()
	if err != nil {
		return layer.Contents{}, err
	}
	sources := stdlibSources(contents.Entries, bs.StdlibSources)
	compiler, err := b.compiler(ctx, p, below)
	if err != nil {
		return layer.Contents{}, err
	}
	compiled, err := b.compileAll(ctx, compiler, sources)
	if err != nil {
		return layer.Contents{}, fmt.Errorf("compiling the standard library: %w", err)
	}
	contents.Entries = slices.Clone(contents.Entries)
	for i, code := range compiled {
		if code != nil {
			contents.Entries = append(contents.Entries, bytecodeEntry(p, sources[i].Path, code))
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

// debDigests returns the digests of all packages of the base, sorted, with the names that the base checks them by.
func debDigests(pins *base.Pins, p *plan.Plan) []string {
	selection, _ := pins.Selection(p.Target.Platform.String())
	var digests []string
	for _, pin := range selection.Packages {
		digests = append(digests, strings.Join([]string{pin.Part, pin.Name, pin.Version, pin.Hash}, " "))
	}
	slices.Sort(digests)
	return digests
}
