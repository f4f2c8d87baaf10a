package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
)

// rustTools are the build requirements of sources that have code in Rust.
var rustTools = []string{"maturin", "setuptools-rust"}

// rustTool returns the one of them that is asked for, "" where none is.
func rustTool(asked []requirement.Requirement) string {
	i := slices.IndexFunc(asked, func(r requirement.Requirement) bool { return slices.Contains(rustTools, name.Normalize(r.Name)) })
	if i < 0 {
		return ""
	}
	return name.Normalize(asked[i].Name)
}

// rustNeed is a source that is built with Rust. As an error it says that the builder has none yet.
type rustNeed struct {
	name, tool string
	pos        diag.Position
}

func (n *rustNeed) Error() string {
	return n.name + " is built with " + n.tool + ", and the builder has no cargo"
}

// checkRust looks at a source with code in Rust before anything is made for it: its Cargo.lock, and what its builder has.
func (f *frontend) checkRust(r *recipe, tree *pep517.Tree) error {
	if rustTool(tree.System.Requires) == "" {
		return nil
	}
	if _, err := cargo.Find(tree.Sources(), tree.Pyproject); err != nil {
		return f.inSource(r, err)
	}
	return f.checkTools(r.source, tree.System.Requires)
}

// inSource gives problems of a source a place that the user knows: the file itself in a folder, else where the source is locked.
func (f *frontend) inSource(r *recipe, err error) error {
	problems, ok := diag.Problems(err)
	if !ok || r.pkg.Kind != plan.KindLocal || r.pkg.Filename != "" {
		return f.placed(r, err)
	}
	var out diag.List
	for _, p := range problems {
		one := *p
		one.Pos.File = path.Join(r.pkg.Source, one.Pos.File)
		out.Add(&one)
	}
	return out.Err()
}

// checkTools returns a *rustNeed where what a source asks for means that the builder must have more.
func (f *frontend) checkTools(src source, asked []requirement.Requirement) error {
	tool := rustTool(asked)
	if tool == "" || f.decision.hasCargo() {
		return nil
	}
	return &rustNeed{src.pkg.Name, tool, src.pkg.Pos}
}

func (d *decision) hasCargo() bool { return slices.ContainsFunc(d.system.build, base.IsCargo) }

// lookForRust looks into source distributions of which lithe.lock does not tell what they are built with, so that the builder
// has what they need from the start. What only a backend tells, and what is needed to build others, lockBuilds finds out later.
func (b *builder) lookForRust(ctx context.Context, d *decision) error {
	if b.opt.describe || b.opt.Locked || d.hasCargo() {
		return nil
	}
	for _, v := range d.variants {
		f, err := b.newFrontend(d, v, false)
		if err != nil {
			return err
		}
		for _, pkg := range v.packages {
			if !isSource(pkg) || d.litheLock.Build(pkg.Hash, f.target) != nil {
				continue
			}
			err := f.unpacked(ctx, &recipe{source: f.sdist(pkg), frontend: f}, func(*pep517.Tree, *os.File) error { return nil })
			if need, ok := errors.AsType[*rustNeed](err); ok {
				d.rust = append(d.rust, *need)
				return nil // one is enough
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// followRust adds cargo to what the configuration says sources are built with, where one of them needs it, and says why.
func (d *decision) followRust() {
	needs := d.rustNeeds()
	if len(needs) == 0 || d.hasCargo() {
		return
	}
	w := base.Cargo(needs[0].pos)
	d.system.build = append(d.system.build, w)
	d.decisions = append(d.decisions, project.Evidence{Decision: "build package", Value: w.String(), Pos: w.Pos, Override: "build-packages",
		Reason: needs[0].name + " is built from source with " + needs[0].tool + ", which compiles Rust"})
}

// rustNeeds returns the sources that are known to be built with Rust: source code in folders, what lithe.lock says of others,
// and what this run found out.
func (d *decision) rustNeeds() []rustNeed {
	needs, trees := slices.Clone(d.rust), map[string][]requirement.Requirement{}
	add := func(t *tree, name string, pos diag.Position) {
		trees[t.id] = t.asked
		if tool := rustTool(t.asked); tool != "" {
			needs = append(needs, rustNeed{name, tool, pos})
		}
	}
	if d.dynamic != nil {
		add(d.dynamic, d.project.Name, diag.Position{File: d.project.File})
	}
	for _, v := range d.variants {
		for _, pkg := range v.code {
			if p := d.parts[pkg.Source]; p != nil && p.source != nil {
				add(p.source, pkg.Name, pkg.Pos)
			}
		}
	}
	if d.litheLock == nil {
		return needs
	}
	for _, b := range d.stillWanted(map[string]bool{}) {
		stale := slices.ContainsFunc(trees[b.Source], func(r requirement.Requirement) bool { return !slices.Contains(b.Asked, r.String()) })
		if tool := rustTool(parseable(b.Asked)); tool != "" && !stale {
			needs = append(needs, rustNeed{b.Name, tool, d.placeOf(b)})
		}
	}
	return needs
}

// placeOf returns where the source of a locked build is asked for: in the project's lock, else in lithe.lock, which has what is
// built for others.
func (d *decision) placeOf(b lithelock.Build) diag.Position {
	i := slices.IndexFunc(d.lock.Packages, func(p lock.Package) bool { return name.Normalize(p.Name) == b.Name })
	if i < 0 {
		return diag.Position{File: d.litheLockFile}
	}
	return d.lock.Packages[i].Pos
}

// bringCrates gives a build the crates of its source, downloaded where the store lacks them. Sources without a tool for Rust get
// theirs where the configuration asks for cargo.
func (f *frontend) bringCrates(ctx context.Context, r *recipe, tree *pep517.Tree) error {
	if !r.rust && !f.decision.asksForCargo() {
		return nil
	}
	needs, err := cargo.Find(tree.Sources(), tree.Pyproject)
	if err != nil {
		return f.inSource(r, err)
	}
	if needs.Own || len(needs.Crates) == 0 {
		return nil
	}
	files, err := f.fetchCrates(ctx, r, needs.Crates)
	if err != nil {
		return err
	}
	err = tree.Bring("cargo", func(dir, at string) error {
		for name, value := range cargo.Env(at) {
			tree.Setenv(name, value)
		}
		return cargo.Vendor(dir, at, needs.Crates, func(c cargo.Crate, into string) error {
			return unpackCrate(files[c], c, into)
		})
	})
	return f.inSource(r, err)
}

// fetchCrates returns the files of crates, by crate.
func (f *frontend) fetchCrates(ctx context.Context, r *recipe, crates []cargo.Crate) (map[cargo.Crate]string, error) {
	b := f.builder
	download, err := b.cratesAt(ctx)
	if err != nil {
		return nil, err
	}
	packages := make([]plan.Package, len(crates))
	for i, c := range crates {
		packages[i] = plan.Package{Name: c.Name, Version: c.Version, Kind: plan.KindURL, Filename: c.Dir() + ".crate", Hash: "sha256:" + c.Checksum,
			URL: c.URL(download), Source: "crates.io", Pos: c.Pos}
	}
	fetched, err := artifact.Fetch(ctx, b.client, packages, b.onArtifact)
	if err != nil {
		return nil, f.inSource(r, err)
	}
	files := map[cargo.Crate]string{}
	for i, file := range fetched {
		files[crates[i]] = file.Path
	}
	return files, nil
}

// cratesAt returns the address of downloads, which a mirror tells in its configuration.
func (b *builder) cratesAt(ctx context.Context) (string, error) {
	return b.crates.get(func() (string, error) {
		mirror := b.opt.Crates
		if mirror.Problem != nil {
			return "", mirror.Problem
		}
		config := cargo.ConfigURL(mirror.Address)
		if config == "" {
			return mirror.Address, nil
		}
		data, _, _, err := b.client.Document(ctx, config, nil, cargo.MaxConfig)
		if err != nil {
			return "", fmt.Errorf("mirror of crates.io: %w", err)
		}
		download, err := cargo.ParseConfig(data)
		if err != nil {
			return "", fmt.Errorf("mirror of crates.io: %s: %w", config, err)
		}
		return download, nil
	})
}

// asksForCargo reports that the configuration names cargo, not only what sources need.
func (d *decision) asksForCargo() bool {
	return slices.ContainsFunc(d.system.build, func(w base.Want) bool { return base.IsCargo(w) && w.Or == "" })
}

// unpackCrate writes a crate, which is an archive as a source distribution is: one folder at the top.
func unpackCrate(archive string, c cargo.Crate, into string) error {
	if err := pep517.Unpack(archive, c.Dir()+".crate", into); err != nil {
		return &diag.Error{Pos: c.Pos, Code: "bad-crate", What: fmt.Sprintf("crate %s %s: %v", c.Name, c.Version, err), Err: err,
			Hint: "the archive is broken or hostile: find out why before you use it"}
	}
	return nil
}
