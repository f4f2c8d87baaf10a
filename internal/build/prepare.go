package build

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/trace"
)

// inputs is what a folder says.
type inputs struct {
	place         place
	project       *project.Project
	config        project.Target // the configuration of the target that is built
	lock          *lock.Lock
	litheLock     *lithelock.Lock // nil when there is none
	litheLockData []byte
	litheLockFile string          // its name
	target        plan.Target     // without platform, Python and C library
	platforms     []plan.Platform // to build for, sorted by name
	base          string          // "debian:trixie"
	minor         string          // of the base's Pythons, where it has several; "" means its own choice
	system        system
	certificates  []base.Certificates // that are trusted besides those of the base, in the order of the configuration
	decisions     []project.Evidence
	notices       diag.List        // of decisions that somebody may not have meant
	wheel         *wheel.Wheel     // of the project, nil for one that is no package
	dynamic       *tree            // of a project whose wheel its own backend makes; nil for others
	files         *project.Files   // that are copied
	parts         map[string]*part // source code beside the project's, by where it is from
	untracked     []string         // files that go into the image and that git does not track
	trace         *trace.Recorder
	sums          *fingerprints // of the project's files
	readings      *Readings
}

// read reads the folder. Nothing is downloaded.
func read(opt Options) (*inputs, error) {
	in := &inputs{litheLockFile: opt.litheLock(), parts: map[string]*part{}, trace: opt.Trace, sums: opt.sums, readings: opt.readings()}
	defer opt.Trace.Begin(trace.Stage, "read").End()
	var err error
	if err = in.readPlace(opt); err != nil {
		return nil, err
	}
	if in.litheLock, in.litheLockData, err = readLitheLock(opt.Dir, opt.litheLock()); err != nil {
		return nil, err
	}
	if err = in.readWish(opt.Python); err != nil {
		return nil, err
	}
	if err = in.choosePlatforms(opt); err != nil {
		return nil, err
	}
	in.target = plan.Target{
		Name: in.config.Name, Package: in.place.member,
		Groups: slices.Concat(in.config.Groups, opt.Groups), Extras: slices.Concat(in.config.Extras, opt.Extras),
	}
	if err = in.chooseBase(opt.Base); err != nil {
		return nil, err
	}
	if err = in.readSystem(); err != nil {
		return nil, err
	}
	if err = in.readCertificates(opt); err != nil {
		return nil, err
	}
	if err := in.readCode(); err != nil {
		return nil, err
	}
	in.untracked, err = in.findUntracked()
	return in, err
}

// decision is what will be built, and from what.
type decision struct {
	*inputs
	pins     *base.Pins        // of all platforms that lithe.lock has, the built ones among them
	host     string            // the platform of this machine, whose interpreter compiles for all
	variants []*variant        // sorted by platform
	builds   []lithelock.Build // of everything that is built from source, and of what that needs
	rust     []rustNeed        // sources of which this run found out that they are built with Rust
}

// decide reads the folder and makes the plans. All problems that can be known before a download are reported before one,
// together and for all platforms. With upgrade the base is resolved anew, whatever lithe.lock says.
func (b *builder) decide(ctx context.Context, upgrade bool) (*decision, error) {
	in, err := read(b.opt)
	if err != nil {
		return nil, err
	}
	b.bases.Dir = in.project.Dir
	if b.opt.Index, err = b.opt.Index.With(in.lock); err != nil {
		return nil, err
	}
	if b.bases.Sources, b.opt.Index, err = in.aptSources(b.opt.Index); err != nil {
		return nil, err
	}
	d := &decision{inputs: in, host: b.opt.hostPlatform()}
	if d.variants, err = b.check(in); err != nil {
		return nil, err
	}
	if d.pins, err = b.pins(ctx, in, upgrade); err != nil {
		return nil, err
	}
	if err := b.confirm(d); err != nil {
		return nil, err
	}
	if err := b.nameFiles(ctx, d, upgrade); err != nil {
		return nil, err
	}
	if err := b.takeArchives(d); err != nil {
		return nil, err
	}
	if err := b.lockBuilds(ctx, d, upgrade); err != nil {
		return nil, err
	}
	if err := b.sized(ctx, d, upgrade); err != nil {
		return nil, err
	}
	if err := b.prove(ctx, d); err != nil {
		return nil, err
	}
	if err := b.libraries(ctx, d); err != nil {
		return nil, err
	}
	for _, v := range d.variants {
		b.plan(d, v)
	}
	return d, nil
}

// plan makes the plan of a platform.
func (b *builder) plan(d *decision, v *variant) {
	v.plan = plan.New(plan.Input{
		Project: d.project, Config: d.config, Entry: v.entry, Decisions: slices.Concat(d.decidePython(v.facts), d.decideLibraries(v)),
		Packages: v.packages, Code: v.code,
		Target: v.target, Base: d.pins.Name, Facts: v.facts, Image: d.imageOf(v.name()), System: base.WantStrings(v.system.wants),
		Certificates: d.certificateNames(),
		Wheel:        d.isPackage(), Untracked: d.untracked,
		Compiler: v.facts.Python, Created: b.created(d.pins),
	})
}

// check looks for every problem that needs no download: staleness, and selections with the versions that the base had
// when this release of lithe was made.
func (b *builder) check(in *inputs) ([]*variant, error) {
	var problems diag.List
	if b.opt.Stale != "warn" {
		problems = append(problems, in.lock.Stale...)
	} else {
		b.warn(in.lock.Stale)
	}
	b.warn(in.lock.Warnings)
	b.warn(in.project.Warnings)
	b.warn(in.files.Warnings)
	b.warn(in.notices)
	problems = append(problems, b.untracked(in)...)
	var variants []*variant
	var errs []error
	for _, platform := range in.platforms {
		facts, err := in.expectedFacts(platform.String())
		if err != nil {
			return nil, err
		}
		if facts.Python == "" { // of an image that nobody has looked at yet
			v := &variant{target: in.target}
			v.target.Platform = platform
			variants = append(variants, v)
			continue
		}
		if err := b.checkPython(in, facts.Python); err != nil {
			return nil, joinProblems(problems, err)
		}
		v, err := in.choose(platform, facts)
		variants, errs = append(variants, v), append(errs, err)
	}
	errs = append(errs, in.readFolders(variants))
	return variants, in.advise(joinProblems(problems, errs...))
}

// expectedFacts is what the base has by lithe.lock, else what its suite had when this release was made. Of an image nothing
// is expected.
func (in *inputs) expectedFacts(platform string) (base.Facts, error) {
	if pins := pinsOf(in.litheLock); pins.Has(platform) && in.fits(pins) {
		return pins.Facts(platform)
	}
	if base.IsImage(in.base) {
		return base.Facts{}, nil
	}
	return base.Expected(in.base, in.minor)
}

// confirm selects anew where the base has other versions than was expected.
func (b *builder) confirm(d *decision) error {
	var errs []error
	for i, v := range d.variants {
		facts, err := d.pins.Facts(v.name())
		if err != nil {
			return err
		}
		if facts == v.facts {
			continue
		}
		if v.facts.Python == "" {
			if err := b.checkPython(d.inputs, facts.Python); err != nil {
				return err
			}
		}
		d.variants[i], err = d.choose(v.target.Platform, facts)
		errs = append(errs, err)
	}
	if err := joinProblems(nil, errs...); err != nil {
		return d.advise(err)
	}
	b.warnEnd(d)
	return d.checkCompiler()
}

// checkCompiler refuses a platform whose Python is not the one that would compile for it: what another release writes
// differs, even under the same magic number.
func (d *decision) checkCompiler() error {
	if !d.config.Bytecode {
		return nil
	}
	host, err := d.pins.Facts(d.host)
	if err != nil {
		return err
	}
	var problems diag.List
	for _, v := range d.variants {
		if v.facts.Python != host.Python {
			problems.Add(&diag.Error{Code: "compiler-mismatch",
				What: fmt.Sprintf("%s for %s has Python %s, and for %s, whose interpreter makes the bytecode here, %s", d.pins.Name,
					v.name(), v.facts.Python, d.host, host.Python),
				Hint: "`lithe lock --upgrade` moves all platforms to the same packages"})
		}
	}
	return problems.Err()
}

// choose selects the packages of a platform, for the Python and the C library of its base.
func (in *inputs) choose(platform plan.Platform, facts base.Facts) (*variant, error) {
	v := &variant{target: in.target, facts: facts}
	v.target.Platform, v.target.Python, v.target.Libc = platform, facts.Python, facts.Libc
	var err error
	if v.packages, v.code, err = in.selectFrom(in.lock, v.target); err != nil {
		return v, err
	}
	if in.files == nil { // only the lock is looked at, for what else is wrong with it
		return v, nil
	}
	return v, in.entryPoint(v)
}

// selectFrom selects packages: wheels and source distributions, and source code of folders and repositories. Those that may
// be any of several files pass, until it is known which files these are.
func (in *inputs) selectFrom(l *lock.Lock, target plan.Target) (files, code []plan.Package, err error) {
	packages, err := plan.Select(l, target)
	if err != nil {
		return nil, nil, in.withBases(err)
	}
	for _, p := range packages {
		switch {
		case p.Kind == plan.KindLocal && strings.HasSuffix(p.Filename, ".whl"):
			p.Kind = plan.KindWheel // its hash says what is in it, wherever it is
			files = append(files, p)
		case p.Kind == plan.KindLocal && p.Filename != "":
			p.Kind = plan.KindSdist
			files = append(files, p)
		case p.Kind == plan.KindLocal:
			if !in.isProject(p) {
				code = append(code, p)
			}
		case p.Kind == plan.KindVCS:
			code = append(code, p)
		default:
			files = append(files, p)
		}
	}
	return files, code, nil
}

// isProject reports the package that is the project itself: it has a layer of its own, above all others.
func (in *inputs) isProject(p plan.Package) bool {
	return p.Path == in.place.path && p.Origin.Subdirectory == ""
}

// sized completes packages whose size the project's lock does not tell: from lithe.lock, else from the index. What the
// index says beside it stays out of the plan, which must not depend on who was asked; fetch remembers it.
func (b *builder) sized(ctx context.Context, d *decision, upgrade bool) error {
	unsized, known := map[string]plan.Package{}, d.litheLock.SizesByHash()
	for _, v := range d.variants {
		v.packages = slices.Clone(v.packages)
		for i := range v.packages {
			p := &v.packages[i]
			if p.Size == 0 && !upgrade {
				p.Size = known[p.Hash]
			}
			if p.Size == 0 {
				unsized[p.Hash] = *p
			}
		}
	}
	if len(unsized) == 0 {
		return nil
	}
	if b.opt.Locked {
		return outOfDate(d.inputs)
	}
	sizes, err := b.askSizes(ctx, unsized)
	if err != nil {
		return err
	}
	for _, v := range d.variants {
		for i := range v.packages {
			p := &v.packages[i]
			p.Size = cmp.Or(p.Size, sizes[p.Hash])
		}
	}
	return nil
}

// askSizes asks the index for the sizes of files, by hash, and remembers where they are.
func (b *builder) askSizes(ctx context.Context, unsized map[string]plan.Package) (map[string]int64, error) {
	defer b.time("resolve")()
	var asked []plan.Package
	for _, hash := range slices.Sorted(maps.Keys(unsized)) {
		asked = append(asked, unsized[hash])
	}
	located, err := artifact.Resolve(ctx, b.client, b.opt.Index, asked)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range located {
		sizes[p.Hash], b.urls[p.Hash] = p.Size, p.URL
	}
	return sizes, nil
}

// created is the date of the image.
func (b *builder) created(pins *base.Pins) time.Time {
	if !b.opt.Created.IsZero() {
		return b.opt.Created
	}
	return pins.Created
}
