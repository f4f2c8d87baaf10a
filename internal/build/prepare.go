package build

import (
	"cmp"
	"context"
	"fmt"
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
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/wheel"
)

// inputs is what a folder says.
type inputs struct {
	project       *project.Project
	config        project.Target // the configuration of the target that is built
	lock          *lock.Lock
	litheLock     *lithelock.Lock // nil when there is none
	litheLockData []byte
	target        plan.Target
	base          string // "debian:trixie"
	decisions     []project.Evidence
	wheel         *wheel.Wheel   // of the project, nil for one that is no package
	files         *project.Files // that are copied
	entry         project.EntryPoint
	untracked     []string // files that go into the image and that git does not track
}

// read reads the folder. Nothing is downloaded.
func read(opt Options) (*inputs, error) {
	in := &inputs{}
	var err error
	if in.project, err = project.Read(opt.Dir, project.Options{}); err != nil {
		return nil, err
	}
	if in.config, err = in.project.Target(cmp.Or(opt.Target, plan.Prod)); err != nil {
		return nil, err
	}
	if in.lock, err = lock.Read(opt.Dir, lock.Options{Path: cmp.Or(opt.Lock, in.config.Lock)}); err != nil {
		return nil, err
	}
	if in.litheLock, in.litheLockData, err = readLitheLock(opt.Dir); err != nil {
		return nil, err
	}
	if err = in.chooseBase(opt.Base); err != nil {
		return nil, err
	}
	if in.target, err = in.newTarget(opt); err != nil {
		return nil, err
	}
	if err := in.checkMember(); err != nil {
		return nil, err
	}
	if err := in.readCode(); err != nil {
		return nil, err
	}
	in.untracked, err = in.findUntracked()
	return in, err
}

// checkMember refuses another member of the workspace than the project that is read: the image would have the
// dependencies of the one and the code of the other.
func (in *inputs) checkMember() error {
	wanted := name.Normalize(in.target.Package)
	for _, i := range in.lock.Members {
		if i != in.lock.Root && in.lock.Packages[i].Name == wanted {
			return in.unsupported("package", fmt.Sprintf("%s is a member of the workspace, which lithe cannot build yet", wanted),
				"lithe builds the project beside the lock file")
		}
	}
	return nil
}

func (in *inputs) newTarget(opt Options) (plan.Target, error) {
	t := plan.Target{
		Name: in.config.Name, Package: cmp.Or(opt.Package, in.config.Package),
		Groups: slices.Concat(in.config.Groups, opt.Groups), Extras: slices.Concat(in.config.Extras, opt.Extras),
	}
	platform := opt.Platform
	if platform == "" && len(in.config.Platforms) > 0 {
		if len(in.config.Platforms) > 1 {
			return t, in.unsupported("platforms", "an image of several platforms cannot be built yet", "name one with --platform")
		}
		platform = in.config.Platforms[0]
	}
	var err error
	t.Platform, err = plan.ParsePlatform(cmp.Or(platform, defaultPlatform))
	if err == nil && t.Platform.String() != defaultPlatform {
		err = in.unsupported("platforms", fmt.Sprintf("platform %s cannot be built yet", t.Platform), "build for "+defaultPlatform)
	}
	return t, err
}

// defaultPlatform is the one platform that images are built for so far.
const defaultPlatform = "linux/amd64"

func (in *inputs) unsupported(key, what, hint string) error {
	pos, _ := in.config.Position(key)
	return &diag.Error{Pos: pos, Code: "unsupported", What: what, Hint: hint}
}

// decision is what will be built, and from what.
type decision struct {
	*inputs
	plan *plan.Plan
	pins *base.Pins
}

// decide reads the folder and makes the plan. All problems that can be known before a download are reported before one,
// together. With upgrade the base is resolved anew, whatever lithe.lock says.
func (b *builder) decide(ctx context.Context, upgrade bool) (*decision, error) {
	in, err := read(b.opt)
	if err != nil {
		return nil, err
	}
	packages, expected, err := b.check(in)
	if err != nil {
		return nil, err
	}
	pins, err := b.pins(ctx, in, upgrade)
	if err != nil {
		return nil, err
	}
	facts, err := pins.Facts(in.target.Platform.String())
	if err != nil {
		return nil, err
	}
	if facts != expected {
		if packages, err = in.chooseFor(facts); err != nil {
			return nil, err
		}
	}
	if packages, err = b.sized(ctx, in, packages, upgrade); err != nil {
		return nil, err
	}
	p := plan.New(plan.Input{
		Project: in.project, Config: in.config, Entry: in.entry, Decisions: in.decidePython(facts), Packages: packages,
		Target: in.target, Base: pins.Name, Facts: facts, Wheel: in.wheel != nil, Untracked: in.untracked, Compiler: facts.Python,
		Created: b.created(pins),
	})
	return &decision{inputs: in, plan: p, pins: pins}, nil
}

// check looks for every problem that needs no download: staleness, and a selection with the versions that the base had
// when this release of lithe was made.
func (b *builder) check(in *inputs) ([]plan.Package, base.Facts, error) {
	var problems diag.List
	if b.opt.Stale != "warn" {
		problems = append(problems, in.lock.Stale...)
	} else {
		b.warn(in.lock.Stale)
	}
	b.warn(in.lock.Warnings)
	b.warn(in.project.Warnings)
	b.warn(in.files.Warnings)
	problems = append(problems, b.untracked(in)...)
	facts, err := in.expectedFacts()
	if err != nil {
		return nil, facts, err
	}
	if err := b.checkPython(in, facts.Python); err != nil {
		return nil, facts, joinProblems(problems, err)
	}
	packages, err := in.chooseFor(facts)
	return packages, facts, joinProblems(problems, err)
}

// expectedFacts is what the base has by lithe.lock, else what its suite had when this release was made.
func (in *inputs) expectedFacts() (base.Facts, error) {
	if pins, ok := pinsOf(in.litheLock, in.target.Platform.String()); ok && pins.Name == in.base {
		return pins.Facts(in.target.Platform.String())
	}
	return base.Expected(in.base)
}

// chooseFor selects the packages for the Python and the C library of a base.
func (in *inputs) chooseFor(facts base.Facts) ([]plan.Package, error) {
	in.target.Python, in.target.Libc = facts.Python, facts.Libc
	return in.choose()
}

// choose selects the packages and refuses the kinds that cannot be built yet.
func (in *inputs) choose() ([]plan.Package, error) {
	packages, err := plan.Select(in.lock, in.target)
	if err != nil {
		return nil, in.withBases(err)
	}
	var problems diag.List
	var wheels []plan.Package
	for _, p := range packages {
		switch {
		case p.Kind == plan.KindWheel || p.Kind == plan.KindURL && strings.HasSuffix(p.Filename, ".whl"):
			wheels = append(wheels, p)
		case in.isProject(p):
		default:
			problems.Add(notYet(p))
		}
	}
	return wheels, problems.Err()
}

// isProject reports the package that is the project itself: it is built from the folder and not fetched.
func (in *inputs) isProject(p plan.Package) bool { return p.Kind == plan.KindLocal && p.Path == "." }

// notYet is the problem of a package that has no wheel.
func notYet(p plan.Package) *diag.Error {
	what := map[string]string{
		plan.KindSdist: "has only a source distribution for this target", plan.KindVCS: "comes from version control",
		plan.KindLocal: "comes from a folder or file of the project", plan.KindURL: "is a source archive by its URL",
	}[p.Kind]
	hint := "lock a release of it that an index has as a wheel"
	if p.Kind == plan.KindSdist {
		hint = "choose a version that has a wheel for this target"
	}
	return &diag.Error{Pos: p.Pos, Code: "unsupported-" + p.Kind,
		What: fmt.Sprintf("%s %s %s, which lithe cannot build yet", p.Name, p.Version, what),
		Hint: hint}
}

// pins returns the base of lithe.lock, or that of today's indexes where it has none for the platform.
func (b *builder) pins(ctx context.Context, in *inputs, upgrade bool) (*base.Pins, error) {
	platform := in.target.Platform.String()
	locked, ok := pinsOf(in.litheLock, platform)
	if ok && locked.Name == in.base && !upgrade {
		return locked, nil
	}
	if b.opt.Locked {
		return nil, outOfDate(in)
	}
	defer b.time("index")()
	opt := b.bases
	opt.Name, opt.Platforms = in.base, []string{platform}
	pins, err := base.Resolve(ctx, b.client, opt, b.onBase)
	if err != nil {
		return nil, err
	}
	b.ended("index", "%s as of %s", pins.Name, pins.Created.Format(time.DateOnly))
	return pins, nil
}

// sized completes packages whose size the project's lock does not tell: from lithe.lock, else from the index. What the
// index says beside it stays out of the plan, which must not depend on who was asked; fetch remembers it.
func (b *builder) sized(ctx context.Context, in *inputs, packages []plan.Package, upgrade bool) ([]plan.Package, error) {
	packages = slices.Clone(packages)
	var unsized []int
	for i := range packages {
		p := &packages[i]
		if p.Size == 0 && in.litheLock != nil && !upgrade {
			p.Size = in.litheLock.SizeOf(p.Hash)
		}
		if p.Size == 0 {
			unsized = append(unsized, i)
		}
	}
	if len(unsized) == 0 {
		return packages, nil
	}
	if b.opt.Locked {
		return nil, outOfDate(in)
	}
	defer b.time("resolve")()
	asked := make([]plan.Package, len(unsized))
	for n, i := range unsized {
		asked[n] = packages[i]
	}
	located, err := artifact.Resolve(ctx, b.client, b.opt.Index, asked)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, i := range unsized {
		packages[i].Size = located[n].Size
		b.urls[packages[i].Hash] = located[n].URL
	}
	return packages, nil
}

// created is the date of the image.
func (b *builder) created(pins *base.Pins) time.Time {
	if !b.opt.Created.IsZero() {
		return b.opt.Created
	}
	return pins.Created
}
