package build

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/store"
)

// wheelLayers makes the layers of the dependencies of all platforms, in the order of their plans. A layer that the store
// has needs neither its wheels nor an interpreter. Those of all platforms share one limit, and so the memory it stands for.
func (b *builder) wheelLayers(ctx context.Context, variants []*variant, code compile) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookingAtOnce)
	for _, v := range variants {
		v.wheels = make([]made, len(v.plan.Layers))
		for i, l := range v.plan.Layers {
			g.Go(func() (err error) {
				v.wheels[i], err = b.wheelLayer(ctx, v.plan, l, v.dropped, code.when(v.plan.Bytecode))
				return err
			})
		}
	}
	return g.Wait()
}

// lookingAtOnce is how many layers are looked for side by side. It takes no memory, and a registry has other builds, too.
const lookingAtOnce = 16

// wheelLayer makes one of them. Paths that a distribution is not to bring, dropped has by its name.
func (b *builder) wheelLayer(ctx context.Context, p *plan.Plan, l plan.Layer, dropped map[string][]string, code compile) (made, error) {
	key, err := wheelLayerKey(p, l, dropped)
	if err != nil {
		return made{}, err
	}
	var good confirmations
	out, err := b.named(ctx, key, l.Kind, l.Packages, func() (layer.Contents, error) {
		contents := layer.Contents{Packages: l.Packages, Owners: map[string]string{}}
		for _, i := range l.Members {
			in, confirm, err := b.installed(ctx, p, i, dropped[p.Packages[i].Name])
			if err != nil {
				return contents, err
			}
			good = append(good, confirm)
			if err := addBytecode(ctx, in, p.MinorNumber(), code); err != nil {
				return contents, fmt.Errorf("compiling %s: %w", in.Name, err)
			}
			contents.Entries = append(contents.Entries, in.Entries...)
			for _, e := range in.Entries {
				contents.Owners[e.Path] = p.Packages[i].Name
			}
			contents.Scripts = append(contents.Scripts, in.Scripts...)
			if in.Licence != "" {
				contents.Licences = append(contents.Licences, in.Licence)
			}
		}
		contents.Confirm = good.all
		return contents, nil
	})
	if err != nil && ctx.Err() == nil {
		// What is wrong with a wheel says more than where it was noticed.
		err = cmp.Or(good.all(), err)
	}
	return out, err
}

// wheelLayerKey names a layer by all that it depends on.
func wheelLayerKey(p *plan.Plan, l plan.Layer, dropped map[string][]string) (string, error) {
	key := wheelKey{Format: layer.Format, Python: p.Minor(), ABI: p.ABI, Prefix: p.Scheme().Prefix, Compiler: p.CompilerID()}
	for _, i := range l.Members {
		pkg := p.Packages[i]
		origin, err := directURL(pkg)
		if err != nil {
			return "", err
		}
		part := wheelPart{Hash: pkg.Hash, Filename: pkg.Filename, DirectURL: string(origin), Dropped: dropped[pkg.Name]}
		if pkg.Build != nil {
			part.Hash = "build:" + pkg.Build.Key
		}
		key.Wheels = append(key.Wheels, part)
	}
	return store.Key(key), nil
}

// confirmations tell of wheels that were opened whether all of their contents are what RECORD says.
type confirmations []func() error

func (c confirmations) all() error {
	for _, confirm := range c {
		if err := confirm(); err != nil {
			return err
		}
	}
	return nil
}

// addBytecode compiles the sources of a distribution. What other versions of it have as well, and most of a new one is that, is found
// again.
func addBytecode(ctx context.Context, in *wheel.Installed, minor int, code compile) error {
	if code == nil {
		return nil
	}
	sources := make([]bytecode.Source, len(in.Sources))
	for i, s := range in.Sources {
		sources[i] = bytecode.Source{Path: "/" + s.Path, Content: s.Content, Digest: s.Digest}
	}
	compiled, err := code(ctx, name.Normalize(in.Name), sources)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for i, data := range compiled {
		if data != nil {
			files[bytecode.PycPath(in.Sources[i].Path, minor)] = data
		}
	}
	return in.AddBytecode(files)
}

// installAll lays out every wheel of the plan, and tells of each when it is there.
func (b *builder) installAll(ctx context.Context, p *plan.Plan, arrived func(artifact.Event)) ([]*wheel.Installed, error) {
	all := make([]*wheel.Installed, len(p.Packages))
	downloaded := b.time("download")
	_, err := b.fetchTelling(ctx, p.Packages, func(e artifact.Event) {
		b.onArtifact(e)
		arrived(e)
	})
	if downloaded(); err != nil {
		return nil, err
	}
	if len(p.Packages) == 0 {
		return nil, nil
	}
	b.ended("download", "%s%s, %.1f MB", marked(p.Target.Platform.String(), b.several), countFiles(p.Packages), float64(totalSize(p.Packages))/1e6)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.opt.jobs())
	for i := range p.Packages {
		g.Go(func() (err error) {
			all[i], _, err = b.installed(ctx, p, i, nil) // its layer has the contents compared
			return err
		})
	}
	return all, g.Wait()
}

// installed lays out one wheel, which is fetched when the store does not have it. Nothing that is made of its contents may be
// kept before confirm agrees.
func (b *builder) installed(ctx context.Context, p *plan.Plan, i int, drop []string) (in *wheel.Installed, confirm func() error, err error) {
	pkg := p.Packages[i]
	w, confirm, err := b.openPromised(ctx, pkg)
	if err != nil {
		return nil, nil, err
	}
	origin, err := directURL(pkg)
	if err != nil {
		return nil, nil, err
	}
	in, err = wheel.Install(w, p.Scheme(), wheel.InstallOptions{Drop: drop, DirectURL: origin})
	if err != nil {
		return nil, nil, cmp.Or(confirm(), fmt.Errorf("%s: %w", pkg.Filename, err))
	}
	b.warn(in.Warnings)
	return in, confirm, nil
}

// countFiles says what is downloaded.
func countFiles(packages []plan.Package) string {
	sources := 0
	for _, p := range packages {
		if p.Build != nil {
			sources++
		}
	}
	switch sources {
	case 0:
		return count(len(packages), "wheel")
	case len(packages):
		return count(sources, "source distribution")
	}
	return count(len(packages)-sources, "wheel") + ", " + count(sources, "source distribution")
}

func totalSize(packages []plan.Package) (total int64) {
	for _, p := range packages {
		total += p.Size
	}
	return total
}

// verifiedWheel is the record of a wheel whose contents were compared with its RECORD.
type verifiedWheel struct{ Filename string }

// open reads a wheel, which is built first where it must be, and whose contents are what its RECORD says.
func (b *builder) open(ctx context.Context, pkg plan.Package) (*wheel.Wheel, error) {
	w, confirm, err := b.openPromised(ctx, pkg)
	if err != nil {
		return nil, err
	}
	return w, confirm()
}

// openPromised is open for a caller who reads the contents: they are compared with RECORD then. What is left is compared by
// confirm, which also remembers that the wheel is good: later builds compare nothing.
func (b *builder) openPromised(ctx context.Context, pkg plan.Package) (w *wheel.Wheel, confirm func() error, err error) {
	known := func() error { return nil }
	if pkg.Build != nil {
		w, err = b.built(ctx, pkg)
		return w, known, err
	}
	files, err := b.fetch(ctx, []plan.Package{pkg})
	if err != nil {
		return nil, nil, err
	}
	name, err := wheeltag.ParseFilename(pkg.Filename)
	if err != nil {
		return nil, nil, err
	}
	key := store.Key(verifiedKey{Checks: wheelChecks, Hash: pkg.Hash, Filename: pkg.Filename})
	var record verifiedWheel
	if ok, err := b.store.Record("verified", key, &record); err != nil {
		return nil, nil, err
	} else if ok {
		w, err = wheel.OpenVerified(files[0].Path, name)
		return w, known, err
	}
	w, err = wheel.OpenPromised(files[0].Path, name)
	return w, func() error {
		if err := w.Verify(); err != nil {
			return err
		}
		return b.store.PutRecord("verified", key, verifiedWheel{Filename: pkg.Filename})
	}, err
}

// fetch brings files into the store; those that are there cost a look.
func (b *builder) fetch(ctx context.Context, packages []plan.Package) ([]artifact.File, error) {
	return b.fetchTelling(ctx, packages, b.onArtifact)
}

func (b *builder) fetchTelling(ctx context.Context, packages []plan.Package, on func(artifact.Event)) ([]artifact.File, error) {
	located, err := artifact.Resolve(ctx, b.client, b.opt.Index, b.located(packages))
	if err != nil {
		return nil, err
	}
	return artifact.Fetch(ctx, b.client, located, on)
}

// located adds the URLs that an index has told before.
func (b *builder) located(packages []plan.Package) []plan.Package {
	packages = slices.Clone(packages)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range packages {
		if packages[i].URL == "" {
			packages[i].URL = b.urls[packages[i].Hash]
		}
	}
	return packages
}

// directURL is direct_url.json of a distribution that came from a URL, nil for one of an index.
// See https://packaging.python.org/en/latest/specifications/direct-url/.
func directURL(pkg plan.Package) ([]byte, error) {
	if pkg.Kind != plan.KindURL {
		return nil, nil
	}
	return wheel.DirectURL(pkg.URL, pkg.Hash)
}
