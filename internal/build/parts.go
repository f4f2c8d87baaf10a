package build

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/backend"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/trace"
)

// part is source code beside the project's own, as a layer: a member of the workspace, a folder that the lock names, or a
// commit of a repository. Each is built as the project itself is, and installed as any wheel; an image has nothing
// editable.
type part struct {
	pkg    plan.Package
	wheel  *wheel.Wheel
	source *tree  // of code whose wheel its own backend makes, for each platform; nil for other code
	origin []byte // direct_url.json; nil for folders, whose path is nobody's business
	own    *ownCode
	layer  made
}

// readFolders makes the wheels of source code in folders, each once, and reports all that is wrong with any.
func (in *inputs) readFolders(variants []*variant) error {
	var errs []error
	for _, v := range variants {
		if v == nil { // its packages could not be selected
			continue
		}
		for _, pkg := range v.code {
			if _, ok := in.parts[pkg.Source]; ok || pkg.Kind != plan.KindLocal {
				continue
			}
			p, err := in.readFolder(pkg)
			errs = append(errs, err)
			in.parts[pkg.Source] = p
		}
	}
	return joinProblems(nil, errs...)
}

// takeParts gives every platform its source code.
func (b *builder) takeParts(ctx context.Context, d *decision) error {
	if err := d.readFolders(d.variants); err != nil {
		return err
	}
	if err := b.untrackedParts(d.inputs); err != nil {
		return err
	}
	for _, v := range d.variants {
		v.parts = nil
		for _, pkg := range v.code {
			one := *d.parts[pkg.Source]
			one.pkg, one.own = pkg, &ownCode{}
			if one.source != nil {
				var err error
				if one.wheel, err = b.built(ctx, pkg); err != nil {
					return err
				}
			}
			v.parts = append(v.parts, &one)
		}
	}
	return nil
}

// readCommits makes the wheels of commits, each once. To explain a plan nothing is fetched.
func (b *builder) readCommits(ctx context.Context, d *decision) error {
	if b.opt.describe {
		return nil
	}
	for _, v := range d.variants {
		for _, pkg := range v.code {
			if _, ok := d.parts[pkg.Source]; ok || pkg.Kind != plan.KindVCS {
				continue
			}
			p, err := b.readCommit(ctx, pkg)
			if err != nil {
				return err
			}
			d.parts[pkg.Source] = p
		}
	}
	return nil
}

// readFolder makes the wheel of one.
func (in *inputs) readFolder(pkg plan.Package) (*part, error) {
	dir, err := in.inFolder(pkg.Path, pkg.Origin.Subdirectory, pkg.Name, pkg.Pos)
	if err != nil {
		return nil, err
	}
	return readPart(pkg, dir, in.shown(path.Join(pkg.Path, pkg.Origin.Subdirectory)), in.sums, in.trace)
}

// readCommit makes the wheel of a commit of a repository.
func (b *builder) readCommit(ctx context.Context, pkg plan.Package) (*part, error) {
	defer b.time("download")()
	tree, err := artifact.Checkout(ctx, b.store, artifact.GitOptions{Offline: b.opt.Offline, Trace: b.opt.Trace}, pkg.Name, pkg.Origin)
	if err != nil {
		return nil, err
	}
	below := pkg.Origin.Subdirectory
	if below != "" && !filepath.IsLocal(filepath.FromSlash(below)) {
		return nil, &diag.Error{Pos: pkg.Pos, Code: "outside-project", What: fmt.Sprintf("%s: the subdirectory %q leads out of the repository", pkg.Name, below),
			Hint: "look how this came into the lock file"}
	}
	p, err := readPart(pkg, filepath.Join(tree, filepath.FromSlash(below)), path.Join(pkg.Name+"@"+pkg.Origin.Commit[:shortCommit], below), b.opt.sums, b.opt.Trace)
	if err != nil {
		return nil, err
	}
	address, err := artifact.PlainRepository(pkg.Origin.URL)
	if err != nil {
		return nil, err
	}
	p.origin, err = wheel.VCSURL(address, pkg.Origin.Reference, pkg.Origin.Commit, below)
	return p, err
}

// shortCommit is how many digits of a commit are shown. A lock has all of them.
const shortCommit = 12

// readPart makes the wheel of a folder. Positions in errors begin with prefix.
func readPart(pkg plan.Package, dir, prefix string, sums *fingerprints, r *trace.Recorder) (*part, error) {
	source, err := project.Read(dir, project.Options{Prefix: prefix})
	if err != nil {
		return nil, err
	}
	w, err := backend.WheelBy(sums.sum, source.Dir, source.Pyproject, source.File)
	if backend.Beyond(err) {
		t, err := readTree(source, pkg.Source)
		return &part{pkg: pkg, source: t}, err
	}
	if err != nil {
		return nil, unreadable(err)
	}
	pinFiles(w, r)
	p := &part{pkg: pkg, wheel: w}
	return p, p.check()
}

// check refuses code of another project than the lock names, as installers do.
func (p *part) check() error {
	if got := name.Normalize(p.wheel.Name); got != p.pkg.Name {
		return &diag.Error{Pos: p.pkg.Pos, Code: "other-project", What: fmt.Sprintf("%s: the code in %s is of %s", p.pkg.Name, p.pkg.Source, got),
			Hint: "correct the path or the name, and lock again"}
	}
	return nil
}

// install lays a part out, without the files that belong to another distribution.
func (p *part) install(scheme wheel.Scheme, drop []string) (err error) {
	if p.own.installed, err = wheel.Install(p.wheel, scheme, wheel.InstallOptions{Drop: drop, DirectURL: p.origin}); err != nil {
		return fmt.Errorf("%s: %w", p.pkg.Name, err)
	}
	return nil
}

// installParts lays all parts of a platform out.
func (b *builder) installParts(v *variant) error {
	for _, p := range v.parts {
		if err := p.install(v.plan.Scheme(), nil); err != nil {
			return err
		}
		b.warn(p.own.installed.Warnings)
	}
	return nil
}

// dropFromParts installs again those parts of which files belong to others.
func (v *variant) dropFromParts() error {
	for _, p := range v.parts {
		if drop := v.dropped[p.pkg.Name]; len(drop) > 0 {
			if err := p.install(v.plan.Scheme(), drop); err != nil {
				return err
			}
		}
	}
	return nil
}

// partLayers makes the layers of the parts.
func (b *builder) partLayers(ctx context.Context, v *variant, code compile) (err error) {
	for _, p := range v.parts {
		wanted := v.plan.OwnCode
		if p.pkg.Kind == plan.KindVCS { // nobody edits it
			wanted = v.plan.Bytecode
		}
		if p.layer, err = b.codeLayer(ctx, v.plan, p.own, plan.CodeLayer(p.pkg), code.when(wanted)); err != nil {
			return err
		}
	}
	return nil
}

// firstParty returns what is installed of source code, the project's own last.
func (v *variant) firstParty() (all []*wheel.Installed) {
	for _, p := range v.parts {
		all = append(all, p.own.installed)
	}
	if v.own.installed != nil {
		all = append(all, v.own.installed)
	}
	return all
}
