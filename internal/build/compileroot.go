package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// interpreterRoot returns a directory in which the interpreter of a ground runs. It is made of the packages' files as soon as
// they are unpacked, so that no layer need be made first. Where the layers are there and the directory is not, it is they
// that are unpacked: the packages may be gone.
func (b *builder) interpreterRoot(ctx context.Context, g *ground, executor execute.Executor) (string, error) {
	if g.pins.IsImage() {
		layers, err := g.onImage(ctx)
		if err != nil {
			return "", err
		}
		return b.rootOf(ctx, layers)
	}
	key := g.rootKey()
	if !execute.HasTar(b.store, key) {
		if layers, ok := g.finishedBefore(); ok {
			return b.rootOf(ctx, layers)
		}
		if dir, ok := g.borrow(ctx); ok {
			return dir, nil
		}
		if layers, ok := g.finishedElsewhere(ctx); ok {
			return b.rootOf(ctx, layers)
		}
	}
	write := func(w io.Writer) error {
		bs, err := g.assembled(ctx)
		if err != nil {
			return err
		}
		return layer.Tar(w, neededToCompile(bs))
	}
	ready := func(root string) error { return b.addStartCode(ctx, root, g.facts, executor) }
	root, err := execute.MaterializeTar(ctx, b.store, key, write, ready)
	if err != nil {
		return "", fmt.Errorf("unpacking the base to run its interpreter: %w", err)
	}
	return root, nil
}

// rootOf unpacks layers.
func (b *builder) rootOf(ctx context.Context, layers []made) (string, error) {
	if err := bring(ctx, b.store, layers); err != nil {
		return "", err
	}
	blobs := make([]execute.LayerBlob, len(layers))
	for i, l := range layers {
		blobs[i] = execute.LayerBlob{Digest: l.Digest, DiffID: l.DiffID}
	}
	root, err := execute.Materialize(ctx, b.store, blobs)
	if err != nil {
		return "", fmt.Errorf("unpacking the base to run its interpreter: %w", err)
	}
	return root, nil
}

// finishedKeys name the layers with the bytecode of the standard library.
func (g *ground) finishedKeys() []baseKey {
	upper := g.key(plan.InterpreterLayer)
	upper.Compiler = g.facts.Python
	return []baseKey{g.key(plan.BaseLayer), upper}
}

// finishedElsewhere returns them if a registry remembers them, and nobody wants to know whether it is right. What such an
// interpreter writes is as trustworthy as the registry, and must not be taken for our own by a build of another project.
func (g *ground) finishedElsewhere(ctx context.Context) (layers []made, ok bool) {
	b := g.builder
	if b.memory == nil || b.memory.verify != "" {
		return nil, false
	}
	var digests []string
	for _, key := range g.finishedKeys() {
		l, ok := b.memory.layer(ctx, store.Key(key), plan.LayerKind(key.Kind))
		if !ok {
			return nil, false
		}
		layers, digests = append(layers, l), append(digests, l.Digest)
	}
	g.lent = strings.Join(digests, " ")
	b.borrowed.Store(true)
	return layers, true
}

// finishedBefore returns them if the store has them.
func (g *ground) finishedBefore() ([]made, bool) {
	var layers []made
	for _, key := range g.finishedKeys() {
		rec, ok := layer.Find(g.builder.store, store.Key(key))
		if !ok {
			return nil, false
		}
		layers = append(layers, made{Record: rec, reused: true})
	}
	return layers, true
}

// rootChoice changes when neededToCompile or startModules do.
const rootChoice = 1

// neededToCompile returns the files of a base without which its interpreter does not compile: no data, and of the standard
// library the modules at its top and the packages that starting takes. A directory costs as much time as it has files.
func neededToCompile(bs *base.Base) []entry.Entry {
	library := bs.Library()[1:] + "/"
	packages := []string{"encodings", "collections", "importlib", "re"}
	var out []entry.Entry
	for _, part := range bs.Parts[:2] {
		for _, e := range part.Entries {
			below, inLibrary := strings.CutPrefix(e.Path, library)
			dir, _, nested := strings.Cut(below, "/")
			if strings.HasPrefix(e.Path, "usr/share/") || inLibrary && nested && !slices.Contains(packages, dir) {
				continue
			}
			out = append(out, e)
		}
	}
	return out
}

// startModules are what an interpreter reads before it compiles anything, as far as a version has them and they are not
// frozen. With bytecode it starts in half the time.
var startModules = []string{"encodings/__init__.py", "encodings/aliases.py", "encodings/utf_8.py", "codecs.py", "io.py", "abc.py",
	"linecache.py", "warnings.py"}

// addStartCode compiles the modules that starting takes, in the directory that is being made.
func (b *builder) addStartCode(ctx context.Context, dir string, facts base.Facts, executor execute.Executor) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var sources []bytecode.Source
	for _, name := range startModules {
		module := path.Join(facts.Library(), name)
		if data, err := root.ReadFile(module[1:]); err == nil {
			sources = append(sources, bytecode.Source{Path: module, Content: entry.Bytes(data)})
		}
	}
	c := b.compilerIn(dir, facts, executor, "", nil)
	defer c.Close()
	compiled, err := c.Compile(ctx, "start", sources)
	if err != nil {
		return err
	}
	for i, data := range compiled {
		pyc := bytecode.PycPath(sources[i].Path, base.MinorNumber(facts.Python))[1:]
		if err := root.MkdirAll(path.Dir(pyc), 0o755); err != nil {
			return err
		}
		if data == nil {
			continue
		}
		if err := root.WriteFile(pyc, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
