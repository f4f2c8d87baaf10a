package base

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// BuilderFormat is a part of the key of every builder. It moves when the same packages would give other files.
const BuilderFormat = 1

// Builder is the root file system in which source code is compiled for one platform: a whole Debian with a compiler, of the
// suite of the base, with the base's Python and its headers. Its packages are locked beside those of the base and are not
// theirs: a security update of one does not force the other to move.
type Builder struct {
	Suite    string    `json:"suite"`   // "trixie"
	Created  time.Time `json:"created"` // of the indexes that it comes from
	Packages []Pin     `json:"packages"`
}

// builderRoots is what a build may count on, beside Python and what the project asks for. Essential packages are among them
// by name: others use them without saying so (policy 3.8), as pg_config of libpq-dev uses Perl.
var builderRoots = []string{
	"base-files", "ca-certificates", "libc-bin", "media-types", "netbase", "tzdata",
	"binutils", "g++", "gcc", "libc6-dev", "make", "patch", "pkgconf",
	"bash", "coreutils", "dash", "debianutils", "diffutils", "findutils", "grep", "gzip", "hostname", "perl-base", "sed", "tar",
	"bzip2", "mawk", "xz-utils",
}

// builtWithout are packages of a builder whose maintainer scripts lithe need not understand, with what it does instead.
var builtWithout = map[string]string{
	"base-files":        "the folders and links that it makes are made by lithe",
	"ca-certificates":   "the bundle is made by lithe",
	"dash":              "sh is made by lithe",
	"libc6":             "looks at the running system before an update",
	"netbase":           "a sandbox brings its own /etc/hosts",
	"python3":           "compiles bytecode",
	"python3-distutils": "compiles bytecode",
	"python3-lib2to3":   "compiles bytecode",
	"tzdata":            "the time zone of a build is UTC",
	"xz-utils":          "names of programs for an older format",
}

// runsUnread reports a package of a builder whose scripts are not looked at.
func runsUnread(name string) bool {
	if _, ok := builtWithout[name]; ok {
		return true
	}
	rest, python := strings.CutPrefix(name, "python3.")
	return python && strings.Trim(strings.TrimSuffix(rest, "-minimal"), "0123456789") == "" // compiles bytecode, too
}

// LockBuilders returns pins with a builder for each of some platforms, resolved from today's indexes. A builder that is
// there already keeps the versions that the indexes still have. The suite is that of the base; for a base that is an image, suites says it by platform.
func LockBuilders(ctx context.Context, client *fetch.Client, locked *Pins, platforms []string, suites map[string]string, opt Options,
	on func(Event)) (*Pins, error) {
	out := *locked
	out.Platforms, out.Releases = slices.Clone(locked.Platforms), slices.Clone(locked.Releases)
	out.BuildPackages, out.Sources = WantStrings(opt.Build), pinSources(opt.Sources, locked.Sources)
	on = serialized(on)
	for i, s := range out.Platforms {
		if !slices.Contains(platforms, s.Platform) {
			continue
		}
		su, err := builderSuite(&out, s, suites[s.Platform])
		if err != nil {
			return nil, err
		}
		f, err := locked.Facts(s.Platform)
		if err != nil {
			return nil, err
		}
		b, releases, sources, err := resolveBuilder(ctx, client, su, s, f, opt, on)
		if err != nil {
			return nil, err
		}
		out.Platforms[i].Builder, out.Sources = b, sources
		out.noteExpired(releases)
	}
	return &out, out.sourcesNotOlder(locked).Err()
}

// builderSuite returns the row that a platform's builder is made by. One without an interpreter is bare.
func builderSuite(pins *Pins, s Selection, imageSuite string) (suite, error) {
	if s.Image == nil {
		su, err := suiteOf(pins.Name)
		if err != nil || su.bare {
			return su, err
		}
		return su.of(s.Packages), nil
	}
	su, ok := debianSuite(imageSuite)
	if !ok || imageSuite == "" {
		return suite{}, fmt.Errorf("%s: suite %q is not known", pins.Name, imageSuite)
	}
	if with, ok := su.with(Minor(s.Image.Python)); ok && s.Image.Interpreter == "/usr/bin/"+with.interpreter() {
		return with, nil // Debian's own
	}
	su.bare = true
	return su, nil
}

// noteExpired records that an index past its Valid-Until was accepted.
func (p *Pins) noteExpired(releases []Release) {
	for _, r := range releases {
		i := slices.IndexFunc(p.Releases, func(l Release) bool { return l.Suite == r.Suite })
		switch {
		case i < 0:
			p.Releases = append(p.Releases, r)
		case r.Expired:
			p.Releases[i].Expired = true
		}
	}
}

// resolveBuilder picks the packages of one platform's builder.
func resolveBuilder(ctx context.Context, client *fetch.Client, su suite, s Selection, f Facts, opt Options, on func(Event)) (
	*Builder, []Release, []SourcePin, error) {
	archives, releases, err := openArchives(ctx, client, su, opt, on)
	if err != nil {
		return nil, nil, nil, err
	}
	b := &Builder{Suite: su.name, Created: newest(releases)}
	if old := s.Builder; old != nil && b.Created.Before(old.Created) {
		return nil, nil, nil, &diag.Error{Code: "older-index",
			What: fmt.Sprintf("the indexes of Debian %s are of %s, and lithe.lock has newer ones, of %s", su.name,
				b.Created.Format(time.RFC3339), old.Created.Format(time.RFC3339)),
			Hint: "try again later, or name another mirror with --debian-mirror; to go back on purpose, delete lithe.lock first"}
	}
	arch, err := architecture(s.Platform)
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := readCatalogue(ctx, archives, arch)
	if err != nil {
		return nil, nil, nil, err
	}
	wants, err := c.withLocal(opt.Build, arch)
	if err != nil {
		return nil, nil, nil, err
	}
	if b.Packages, err = selectBuilder(c, su, s, wants); err != nil {
		return nil, nil, nil, err
	}
	return b, releases, noteSources(archives), su.matchBuilder(s.Platform, f, b.Packages)
}

// selectBuilder returns the closure of a builder.
func selectBuilder(c *catalogue, su suite, s Selection, wants []Want) ([]Pin, error) {
	cl := newClosure(c, su.name, s.Platform)
	if s.Builder != nil {
		for _, p := range s.Builder.Packages {
			cl.fix(c.version(p.Name, p.Version))
		}
	}
	cl.fixVersions(wants)
	if err := cl.problems.Err(); err != nil {
		return nil, err
	}
	roots := builderRoots
	if !su.bare {
		roots = append(slices.Clone(roots), su.interpreter(), su.interpreter()+"-dev")
	}
	cl.growGround(func() { cl.grow(KindBuilder, roots) })
	cl.settle(wants)
	cl.checkLocalBuild(wants)
	sorted, problems := sortedWants(wants)
	cl.problems = append(cl.problems, problems...)
	next := len(cl.order)
	for _, w := range sorted {
		if s := cl.wanted(w); s != nil {
			cl.take(s, "root")
		}
	}
	cl.growFrom(next)
	cl.checkConflicts(KindBuilder)
	return cl.pins()
}

// matchBuilder refuses a builder whose Python or C library is not that of the base: what it compiles must run there.
func (s suite) matchBuilder(platform string, base Facts, builder []Pin) error {
	problem := func(what, base, builder string) error {
		return &diag.Error{Code: "builder-mismatch", Hint: hintUpgrade,
			What: fmt.Sprintf("to build source code for %s, Debian %s has %s %s now, and the base that is locked has %s", platform, s.name, what,
				builder, base)}
	}
	libc, err := wheeltag.ParseLibc("glibc-" + versionOf(builder, s.libc))
	if err != nil {
		return err
	}
	if libc != base.Libc {
		return problem("the C library", base.Libc.String(), libc.String())
	}
	if s.bare {
		return nil // the interpreter is that of the base itself
	}
	if python := versionOf(builder, s.interpreter()); python != base.Python {
		return problem("Python", base.Python, python)
	}
	return nil
}

// Brings reports whether an interpreter is a program of the builder's own packages.
func (b *Builder) Brings(interpreter string) bool {
	dir, program := path.Split(interpreter)
	return dir == "/usr/bin/" && slices.ContainsFunc(b.Packages, func(p Pin) bool { return p.Name == program })
}
