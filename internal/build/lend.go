package build

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/catalogue"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// lentRecord is the kind of the records of catalogues that tell of a lent root.
const lentRecord = "compiler"

// lentRoot is a directory in which sources are compiled, as a repository keeps it beside the catalogue: a fourth of the layers
// of base and interpreter, for machines that have nothing and compile a handful of sources.
type lentRoot struct {
	Blob layer.Blob // a layer of no image
}

// maxLent is in bytes, compressed; that of Python 3.13 has 6 MB.
const maxLent = 256 << 20

// lentKey names a lent root.
type lentKey struct {
	Format int // lentFormat
	Root   string
}

// lentFormat changes when another choice is made of what is in a directory.
const lentFormat = 1

// rootKey names the directory in which a ground's interpreter compiles.
func (g *ground) rootKey() string {
	return store.Key(interpreterKey{Choice: rootChoice, Assembly: base.Format, Packages: debDigests(g.pins, g.platform)})
}

func (g *ground) lentKey() string {
	return store.Key(lentKey{Format: lentFormat, Root: g.rootKey()})
}

// borrow returns the directory in which sources are compiled, if a registry has it and nobody wants to know whether it is right.
// What is compiled in it is kept apart as with layers of a registry: see finishedElsewhere.
func (g *ground) borrow(ctx context.Context) (dir string, ok bool) {
	b, m := g.builder, g.builder.memory
	if m == nil || m.verify != "" {
		return "", false
	}
	var root lentRoot
	var from string
	found := m.find(ctx, lentRecord, g.lentKey(), func(r catalogue.Record, repository string) bool {
		var claim lentRoot
		if !r.Into(&claim) || claim.Blob.Size > maxLent || !sound(claim.record()) || !m.has(ctx, repository, claim.record()) {
			return false
		}
		root, from = claim, repository
		return true
	})
	if !found {
		return "", false
	}
	_, err := m.client.Blob(ctx, b.store, from, root.Blob.Digest, root.Blob.Size, nil)
	if err == nil {
		dir, err = execute.Materialize(ctx, b.store, []execute.LayerBlob{{Digest: root.Blob.Digest, DiffID: root.Blob.DiffID}})
	}
	if err != nil {
		b.opt.Log.Debug("borrowing an interpreter", "repository", from, "error", err)
		return "", false
	}
	g.lent = root.Blob.Digest
	b.borrowed.Store(true)
	return dir, true
}

func (r lentRoot) record() layer.Record { return layer.Record{Blob: r.Blob} }

// descriptor names the blob in the manifest of a catalogue, so that the registry keeps it.
func (r lentRoot) descriptor() (v1.Descriptor, error) {
	digest, err := v1.NewHash(r.Blob.Digest)
	return v1.Descriptor{MediaType: types.OCILayer, Size: r.Blob.Size, Digest: digest}, err
}

// lender lends the directory in which this run compiles.
type lender struct {
	key  string
	pack func() (lentRoot, error)
	made once[lentRoot]
}

// newLender returns nil where there is nothing to lend: no bytecode, an interpreter that is itself of a registry, or one that
// nothing was compiled with here.
func (b *builder) newLender(ctx context.Context, g *ground) *lender {
	if g == nil || g.pins.IsImage() || g.lent != "" || !execute.HasTar(b.store, g.rootKey()) {
		return nil
	}
	layers, ok := g.finishedBefore()
	if !ok {
		return nil
	}
	return &lender{key: g.lentKey(), pack: func() (lentRoot, error) {
		gone := func(io.Writer) error { return errNotHere }
		dir, err := execute.MaterializeTar(ctx, b.store, g.rootKey(), gone, nil)
		if err != nil {
			return lentRoot{}, err
		}
		return packRoot(b.store, dir, unneededObjects(layers, g.facts.Interpreter[1:]))
	}}
}

// lendTo brings the directory into a repository whose catalogue does not tell of it, and returns what it is to tell.
func (m *memory) lendTo(ctx context.Context, repository string, old *catalogue.Catalogue, remote *registry.Remote) (
	[]catalogue.Record, []v1.Descriptor, error,
) {
	if m.lender == nil {
		return nil, nil, nil
	}
	var known lentRoot
	if r, ok := old.Find(lentRecord, m.lender.key); ok && r.Into(&known) {
		if d, err := known.descriptor(); err == nil && names(remote, []v1.Descriptor{d}) {
			return nil, nil, nil
		}
	}
	root, err := m.lender.made.get(m.lender.pack)
	if err != nil {
		return nil, nil, err
	}
	if !m.has(ctx, repository, root.record()) {
		blob := registry.Blob{Digest: root.Blob.Digest, Size: root.Blob.Size, Open: func() (io.ReadCloser, error) { return m.open(root.Blob.Digest) }}
		if _, err := m.client.Push(ctx, repository, blob, "", nil); err != nil {
			return nil, nil, err
		}
	}
	d, err := root.descriptor()
	if err != nil {
		return nil, nil, err
	}
	r, err := catalogue.New(lentRecord, m.lender.key, root)
	return []catalogue.Record{r}, []v1.Descriptor{d}, err
}

// open opens a blob of the store.
func (m *memory) open(digest string) (io.ReadCloser, error) {
	path, ok := m.store.Blob(digest)
	if !ok {
		return nil, errNotHere
	}
	return os.Open(path)
}

// unneededObjects returns the paths of the programs and libraries in layers that the interpreter is started without.
func unneededObjects(layers []made, interpreter string) map[string]bool {
	var objects []layer.Object
	for _, l := range layers {
		objects = append(objects, l.Objects...)
	}
	unneeded, wanted := map[string]bool{}, []string{path.Base(interpreter)}
	named := map[string][]layer.Object{} // by soname, and by the name of the file
	for _, o := range objects {
		unneeded[o.Path] = true
		named[path.Base(o.Path)] = append(named[path.Base(o.Path)], o)
		if o.Soname != path.Base(o.Path) {
			named[o.Soname] = append(named[o.Soname], o)
		}
	}
	for i := 0; i < len(wanted); i++ {
		for _, o := range named[wanted[i]] {
			if unneeded[o.Path] {
				delete(unneeded, o.Path)
				wanted = append(append(wanted, o.Needed...), path.Base(o.Interp))
			}
		}
		delete(named, wanted[i])
	}
	return unneeded
}

// packRoot writes the files of a directory into the store as a layer, but those that are left out.
func packRoot(st *store.Store, dir string, without map[string]bool) (root lentRoot, err error) {
	entries, err := entriesIn(dir, without)
	if err != nil {
		return root, err
	}
	w, err := st.Create()
	if err != nil {
		return root, err
	}
	defer w.Abort()
	out := bufio.NewWriter(w)
	if root.Blob, err = layer.Write(out, entries); err != nil {
		return root, fmt.Errorf("packing the interpreter: %w", err)
	}
	if err := out.Flush(); err != nil {
		return root, err
	}
	_, err = w.Commit(root.Blob.Digest)
	return root, err
}

// notToCompile are folders of a base that compiling takes nothing from.
var notToCompile = []string{"etc/ssl", "usr/share", "var"}

// entriesIn lists the files and links below a directory, which is one of the store's own.
func entriesIn(dir string, without map[string]bool) (entries []entry.Entry, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || without[name] {
			return err
		}
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(notToCompile, name):
			return fs.SkipDir
		case info.Mode().IsRegular():
			entries = append(entries, entry.Entry{Path: name, Mode: entry.FileMode(info.Mode()&0o100 != 0), Size: info.Size(),
				Content: entry.Path(path.Join(dir, name))})
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := root.Readlink(name)
			entries = append(entries, entry.NewSymlink(name, link))
			return err
		}
		return nil
	})
	return entries, err
}
