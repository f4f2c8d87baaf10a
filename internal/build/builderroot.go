package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

// lockBuilders completes the pins by what source code of these platforms is built in. What lithe.lock has stays, as long as
// the project asks for the same build-packages; with upgrade all is resolved anew, and so are builders of other platforms
// that lithe.lock has. A project that builds nothing never comes here, and its lithe.lock has no builder.
func (b *builder) lockBuilders(ctx context.Context, d *decision, platforms []string, upgrade bool) error {
	wanted := base.WantStrings(d.system.build)
	same := slices.Equal(wanted, d.pins.BuildPackages) && d.pins.HasLocalBuild(d.system.build) && (d.litheLock == nil || pinsOf(d.litheLock).SourcesDiffer(b.bases.Sources) == nil)
	var stale []string
	for _, s := range d.pins.Platforms {
		old, _ := pinsOf(d.litheLock).Selection(s.Platform)
		switch needed := slices.Contains(platforms, s.Platform); {
		case needed && (s.Builder == nil || !same):
		case !needed && s.Builder != nil && !same && len(platforms) > 0:
		case upgrade && s.Builder == nil && old.Builder != nil && len(platforms) > 0: // it was resolved anew, as the base was
		default:
			continue
		}
		stale = append(stale, s.Platform)
	}
	if len(stale) == 0 {
		return nil
	}
	if b.opt.Locked {
		return outOfDate(d.inputs)
	}
	suites, err := b.imageSuites(ctx, d, stale)
	if err != nil {
		return err
	}
	defer b.time("index")()
	opt := b.bases
	opt.Build = d.system.build
	if d.pins, err = base.LockBuilders(ctx, b.client, d.pins, stale, suites, opt, b.onBase); err != nil {
		return err
	}
	s, _ := d.pins.Selection(stale[0])
	b.ended("index", "what source code is built with, of debian:%s as of %s", s.Builder.Suite, s.Builder.Created.Format(time.DateOnly))
	return nil
}

// builderID names the root file system in which source code for a platform is built: two builders with one id are the same
// files. It is a matter of lithe.lock alone.
func (b *builder) builderID(d *decision, v *variant) (string, error) {
	selection, _ := d.pins.Selection(v.name())
	if selection.Builder == nil {
		return "", fmt.Errorf("no builder is locked for %s", v.name())
	}
	key := builderKey{Format: base.BuilderFormat, Packages: pinDigests(selection.Builder.Packages)}
	for _, p := range selection.Builder.Packages {
		if slices.Contains(d.system.accept, p.Name) {
			key.Accept = append(key.Accept, p.Name)
		}
	}
	if a := selection.Standalone; a != nil {
		key.Interpreter = a.Version() + " " + a.Hash
	}
	if selection.Image != nil && !selection.Builder.Brings(selection.Image.Interpreter) {
		for _, l := range selection.Image.Layers {
			key.Image = append(key.Image, l.DiffID)
		}
	}
	return store.Key(key), nil
}

// builderRoot returns the folder of the root file system that builderID names. The base's interpreter is at the place that it
// has in images, with its headers; base.BuilderDirs are there to mount on. It is made once, and nobody may change a file in
// it.
func (b *builder) builderRoot(ctx context.Context, d *decision, v *variant) (root, id string, err error) {
	if id, err = b.builderID(d, v); err != nil {
		return "", "", err
	}
	selection, _ := d.pins.Selection(v.name())
	below, err := b.imageBelow(ctx, d, selection)
	if err != nil {
		return "", "", err
	}
	root, err = execute.MaterializeOn(ctx, b.store, below, id, func(dir string) error {
		defer b.time("builder")()
		opt := b.bases
		opt.AcceptScripts = d.system.accept
		return base.AssembleBuilder(ctx, b.client, d.pins, v.name(), dir, opt, b.onBase)
	})
	if err != nil {
		return "", "", err
	}
	return root, id, checkHeaders(root, d.pins.Name, v.facts)
}

// imageBelow returns the layers of a base that is an image and brings its own Python, fetched; none for other bases.
func (b *builder) imageBelow(ctx context.Context, d *decision, s base.Selection) ([]execute.LayerBlob, error) {
	if s.Image == nil || s.Builder.Brings(s.Image.Interpreter) {
		return nil, nil
	}
	return b.imageBlobs(ctx, d.pins, s)
}

// imageBlobs fetches the layers of a base that is an image.
func (b *builder) imageBlobs(ctx context.Context, pins *base.Pins, s base.Selection) (blobs []execute.LayerBlob, err error) {
	var layers []made
	for _, l := range s.Image.Layers {
		layers = append(layers, b.imageLayer(pins, l))
		blobs = append(blobs, execute.LayerBlob{Digest: l.Digest, DiffID: l.DiffID})
	}
	return blobs, bring(ctx, b.store, layers)
}

// imageRoot returns a folder with the files of a base that is an image.
func (b *builder) imageRoot(ctx context.Context, pins *base.Pins, s base.Selection) (string, error) {
	blobs, err := b.imageBlobs(ctx, pins, s)
	if err != nil {
		return "", err
	}
	return execute.Materialize(ctx, b.store, blobs)
}

// checkHeaders refuses a builder without the headers of the interpreter, as images may leave them out.
func checkHeaders(root, name string, f base.Facts) error {
	header := path.Join(path.Dir(path.Dir(f.Interpreter)), "include", "python"+f.Minor(), "Python.h")
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(header))); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &diag.Error{Code: "builder-headers", What: fmt.Sprintf("base %s has no %s, without which nothing can be compiled for its Python", name, header),
		Hint: "choose an image with the headers of its Python, or one of Debian's bases, such as \"debian:trixie\"; or lock versions that have wheels"}
}

// imageSuites tells which suite of Debian an image is made of, for each platform; nothing for bases that are none.
func (b *builder) imageSuites(ctx context.Context, d *decision, platforms []string) (map[string]string, error) {
	suites := map[string]string{}
	if !d.pins.IsImage() {
		return suites, nil
	}
	for _, platform := range platforms {
		s, _ := d.pins.Selection(platform)
		if s.Image.Suite != "" {
			suites[platform] = s.Image.Suite
			continue
		}
		root, err := b.imageRoot(ctx, d.pins, s)
		if err != nil {
			return nil, err
		}
		release, err := base.ReleaseOf(root)
		if err != nil {
			return nil, err
		}
		suite, system := base.SuiteOf(release)
		if suite == "" {
			return nil, d.atBase(&diag.Error{Code: "builder-base",
				What: fmt.Sprintf("source code is compiled with Debian's packages, and base %s for %s is made of %s", d.pins.Name, platform, system),
				Hint: "choose a base of Debian, such as \"debian:trixie\" or an image that is made of one of its suites; or lock versions that have wheels for this one"})
		}
		suites[platform] = suite
	}
	return suites, nil
}
