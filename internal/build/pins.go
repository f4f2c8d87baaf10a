package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/plan"
)

// pins returns the base of lithe.lock, completed from today's indexes by the platforms that it lacks. With upgrade, and
// where the project moved to another base, all of it is resolved anew.
func (b *builder) pins(ctx context.Context, in *inputs, upgrade bool) (*base.Pins, error) {
	needed := in.neededPlatforms(b.opt.hostPlatform())
	locked := pinsOf(in.litheLock)
	if upgrade || !in.fits(locked) {
		return b.resolve(ctx, in, union(needed, lockedNames(locked)), upgrade)
	}
	locked, err := b.withSystem(ctx, in, locked)
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(needed, locked.Has)
	switch {
	case len(missing) == 0:
		return locked, nil
	case b.opt.Locked:
		return nil, in.platformsMissing(missing)
	}
	added, err := b.resolve(ctx, in, missing, upgrade)
	if err != nil {
		return nil, err
	}
	return withPlatforms(locked, added), nil
}

// fits reports that what is locked is the base of this build, with the Python of this build.
func (in *inputs) fits(locked *base.Pins) bool {
	if locked.Name != in.base {
		return false
	}
	for _, s := range locked.Platforms {
		facts, err := locked.Facts(s.Platform)
		if err == nil && in.minor != "" && facts.Minor() != in.minor {
			return false
		}
	}
	return true
}

// neededPlatforms returns the platforms whose bases this build needs: those that are built, and where one of them gets its
// bytecode from elsewhere, that of the machine, whose interpreter runs.
func (in *inputs) neededPlatforms(host string) []string {
	names := platformNames(in.platforms)
	if in.config.Bytecode {
		names = union(names, []string{host})
	}
	return names
}

// platformsMissing is the problem of a lithe.lock that was made for other platforms, or on a machine of another kind.
func (in *inputs) platformsMissing(missing []string) error {
	what := "lithe.lock has no " + strings.Join(missing, " and no ")
	if !slices.ContainsFunc(in.platforms, func(p plan.Platform) bool { return slices.Contains(missing, p.String()) }) {
		what += ", whose interpreter makes the bytecode on this machine"
	}
	return &diag.Error{Pos: diag.Position{File: in.litheLockFile}, Code: "lithe-lock", What: what,
		Hint: fmt.Sprintf("run `lithe lock --platform %s`, and commit the result", strings.Join(missing, ","))}
}

// resolve reads today's indexes.
func (b *builder) resolve(ctx context.Context, in *inputs, platforms []string, upgrade bool) (*base.Pins, error) {
	if b.opt.Locked {
		return nil, outOfDate(in)
	}
	defer b.time("index")()
	opt := b.bases
	opt.Name, opt.Python, opt.Platforms, opt.System = in.base, in.minor, platforms, in.system.all
	if locked := pinsOf(in.litheLock); locked.Name == in.base && !upgrade {
		opt.Digest, opt.Archive = locked.Image, locked.Archive() // one more platform of the same
	}
	pins, err := base.Resolve(ctx, b.client, opt, b.onBase)
	if err != nil {
		return nil, in.atBase(err)
	}
	if err := pins.CheckNotOlder(pinsOf(in.litheLock)); err != nil {
		return nil, err
	}
	b.ended("index", "%s as of %s", pins.Name, pins.Created.Format(time.DateOnly))
	return pins, nil
}

// withPlatforms adds platforms to a base. What was locked stays, and so does the date of the images: building for one more
// platform must not move the digest of another.
func withPlatforms(locked, added *base.Pins) *base.Pins {
	for _, s := range added.Platforms {
		if !added.Created.Equal(locked.Created) {
			s.Created = added.Created
		}
		locked.Platforms = append(locked.Platforms, s)
	}
	for _, r := range added.Releases {
		i := slices.IndexFunc(locked.Releases, func(l base.Release) bool { return l.Suite == r.Suite })
		if i < 0 {
			locked.Releases = append(locked.Releases, r)
			continue
		}
		locked.Releases[i].Expired = locked.Releases[i].Expired || r.Expired
	}
	return locked
}

// union returns all names once, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// lockedNames returns the platforms of a lock that this release can build.
func lockedNames(pins *base.Pins) (names []string) {
	for _, s := range pins.Platforms {
		if slices.Contains(supported, s.Platform) {
			names = append(names, s.Platform)
		}
	}
	return names
}

// pinsOf returns the base that lithe.lock has; one without a name if there is none.
func pinsOf(l *lithelock.Lock) *base.Pins {
	if l == nil {
		return &base.Pins{}
	}
	pins := &base.Pins{Name: l.Base.Name, Image: l.Base.Digest, Created: l.Created, System: l.Base.System, BuildPackages: l.Base.Build}
	for _, s := range l.Base.Sources {
		pins.Sources = append(pins.Sources, base.SourcePin(s))
	}
	for _, i := range l.Base.Indexes {
		pins.Releases = append(pins.Releases, base.Release{Suite: i.Suite, Date: i.Date, Expired: i.Expired})
	}
	for _, p := range l.Platforms {
		s := base.Selection{Platform: p.Name, Created: p.Created, Image: lockedImage(p.Image), Standalone: (*base.Archive)(p.Standalone), Builder: lockedBuilder(p.Builder)}
		for _, pkg := range p.Packages {
			s.Packages = append(s.Packages, base.Pin(pkg))
		}
		for _, l := range p.Libraries {
			s.Libraries = append(s.Libraries, base.Library(l))
		}
		pins.Platforms = append(pins.Platforms, s)
	}
	return pins
}

func lockedBuilder(l *lithelock.Builder) *base.Builder {
	if l == nil {
		return nil
	}
	b := &base.Builder{Suite: l.Suite, Created: l.Created}
	for _, p := range l.Packages {
		b.Packages = append(b.Packages, base.Pin(p))
	}
	return b
}

func builderToLock(b *base.Builder) *lithelock.Builder {
	if b == nil {
		return nil
	}
	l := &lithelock.Builder{Suite: b.Suite, Created: b.Created}
	for _, p := range b.Packages {
		l.Packages = append(l.Packages, lithelock.Package(p))
	}
	return l
}
