package base

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
)

// System packages of a base that is an image of Debian: its own database says what it has, the signed indexes of its suite
// what there is. Packages of the image stay as they are, and no file of it is replaced; only the two files that are about
// all packages, dpkg's database and the cache of libraries, are made anew.

// extendImage returns pins of an image whose system packages are those of opt, and those of the libraries that are locked.
func extendImage(ctx context.Context, client *fetch.Client, locked *Pins, opt Options, on func(Event)) (*Pins, error) {
	out := *locked
	out.System, out.Platforms = WantStrings(opt.System), slices.Clone(locked.Platforms)
	out.Sources = pinSources(opt.Sources, locked.Sources)
	catalogues := imageCatalogues{client: client, opt: opt, on: on, pins: &out}
	for i := range out.Platforms {
		s := &out.Platforms[i]
		wants := slices.Concat(opt.System, s.Wants(func(string) bool { return true }))
		image := *s.Image
		image.Has = nil
		s.Image = &image
		if len(wants) == 0 {
			s.Packages = nil
			continue
		}
		if err := catalogues.extend(ctx, s, wants); err != nil {
			return nil, aboutImage(out.Name, s.Platform, err)
		}
	}
	return &out, out.sourcesNotOlder(locked).Err()
}

// imageCatalogues opens the archives of a suite when a platform first needs them.
type imageCatalogues struct {
	client   *fetch.Client
	opt      Options
	on       func(Event)
	pins     *Pins
	suite    string
	archives []*suiteReader
}

func (c *imageCatalogues) extend(ctx context.Context, s *Selection, wants []Want) error {
	arch, err := architecture(s.Platform)
	if err != nil {
		return err
	}
	ground, err := c.opt.imageGround(ctx, c.pins, *s, arch)
	if err != nil {
		return err
	}
	su, err := ground.suite(c.pins.Name, wants)
	if err != nil {
		return err
	}
	if c.suite != su.name {
		archives, releases, err := openArchives(ctx, c.client, su, c.opt, c.on)
		if err != nil {
			return err
		}
		c.suite, c.archives, c.pins.Releases = su.name, archives, releases
		c.pins.Sources = noteSources(archives)
	}
	index, err := readCatalogue(ctx, c.archives, arch)
	if err != nil {
		return err
	}
	if wants, err = index.withLocal(wants, arch); err != nil {
		return err
	}
	s.Packages, err = ground.choose(index, su.name, *s, wants)
	for _, w := range wants {
		if slices.ContainsFunc(ground.packages, func(p stanza) bool { return p.Name == w.Name }) && !slices.Contains(s.Image.Has, w.Name) {
			s.Image.Has = append(s.Image.Has, w.Name)
		}
	}
	slices.Sort(s.Image.Has)
	return err
}

// imageGround reads the files of an image, which whoever calls has unpacked.
func (o Options) imageGround(ctx context.Context, pins *Pins, s Selection, arch string) (*imageGround, error) {
	if o.ImageRoot == nil {
		return nil, errors.New("no way to the files of an image")
	}
	dir, err := o.ImageRoot(ctx, pins, s)
	if err != nil {
		return nil, err
	}
	return readImageGround(dir, arch)
}

// suite returns the suite that an image is made of.
func (g *imageGround) suite(name string, wants []Want) (suite, error) {
	found, system := SuiteOf(g.release)
	e := &diag.Error{Code: "system-packages-base", Pos: wants[0].Pos,
		Hint: "use an image of Debian trixie or bookworm, or a base of Debian's packages such as \"debian:trixie\"; or an image that has " + wants[0].Name}
	if found == "" {
		e.What = fmt.Sprintf("system packages are Debian's, and base %s is made of %s", name, system)
		return suite{}, e
	}
	if len(g.packages) == 0 {
		e.What = fmt.Sprintf("base %s has neither /%s nor /%s, so that nobody knows which packages it has", name, statusFile, statusDir)
		return suite{}, e
	}
	su, _ := debianSuite(found)
	return su, nil
}

// choose returns what the wants add to the packages of the image.
func (g *imageGround) choose(c *catalogue, suite string, locked Selection, wants []Want) ([]Pin, error) {
	cl := newClosure(c, suite, locked.Platform)
	cl.onImage = true
	for i := range g.packages {
		s := &g.packages[i]
		cl.fix(s)
		cl.chosen[s.Name] = &choice{stanza: s, part: KindBase, locked: true}
		c.alsoProvides(s)
	}
	for _, p := range locked.Packages {
		if cl.chosen[p.Name] == nil {
			cl.fix(c.version(p.Name, p.Version))
		}
	}
	cl.fixVersions(wants)
	if err := cl.problems.Err(); err != nil {
		return nil, err
	}
	return cl.withSystem(wants)
}

// alsoProvides adds what a package of an image provides, in the version that the image has.
func (c *catalogue) alsoProvides(s *stanza) {
	known := map[string]bool(nil) // what a package of the name provides in the index
	if newest := c.newest[s.Name]; newest != nil {
		known = providedNames(newest.Provides)
	}
	for name := range providedNames(s.Provides) {
		if !known[name] {
			c.providers[name] = append(c.providers[name], s)
		}
	}
}

// assembleOnImage makes the part of the system packages of an image.
func assembleOnImage(ctx context.Context, client *fetch.Client, pins *Pins, platform string, opt Options, on func(Event)) (*Base, error) {
	s, ok := pins.Selection(platform)
	if !ok || s.Image == nil {
		return nil, fmt.Errorf("%s is not locked for %s", pins.Name, platform)
	}
	arch, err := architecture(platform)
	if err != nil {
		return nil, err
	}
	if err := checkPins(s.Packages, pins.Sources, KindSystem); err != nil {
		return nil, err
	}
	f, err := pins.Facts(platform)
	if err != nil {
		return nil, err
	}
	ground, err := opt.imageGround(ctx, pins, s, arch)
	if err != nil {
		return nil, err
	}
	wanted := s.SystemPins(opt.System)
	files, err := fetchPackages(ctx, client, wanted, pins.asOf(s), opt, on)
	if err != nil {
		return nil, err
	}
	added, err := unpackAll(ctx, wanted, arch, files, opt, on)
	if err != nil {
		return nil, err
	}
	if err := checkPaths(added); err != nil {
		return nil, err
	}
	maker := systemMaker{arch: arch, lower: ground.lower, added: added, wants: opt.System, accept: opt.AcceptScripts, image: ground}
	part, err := maker.make()
	if err != nil {
		return nil, aboutImage(pins.Name, platform, err)
	}
	return &Base{Name: pins.Name, Platform: platform, Facts: f, Parts: []Part{part}}, nil
}

// above leaves out what the image has already, and refuses to replace a file of it.
func (g *imageGround) above(entries []entry.Entry) ([]entry.Entry, error) {
	below := map[string]entry.Entry{}
	for _, e := range g.lower {
		below[e.Path] = e
	}
	if err := checkUpper(entries, g.lower); err != nil {
		return nil, &diag.Error{Code: "base-in-the-way", What: err.Error(), Err: err, Hint: hintInTheWay}
	}
	var out []entry.Entry
	for _, e := range entries {
		old, there := below[e.Path]
		if !there || e.Path == cacheFile || e.Path == statusFile {
			out = append(out, e)
			continue
		}
		same, err := sameFile(e, old)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, &diag.Error{Code: "base-in-the-way", Hint: hintInTheWay,
				What: fmt.Sprintf("it has /%s, and the system packages bring another one: no file of an image is replaced", e.Path)}
		}
	}
	return out, nil
}

const hintInTheWay = "choose an image that has these packages already, or a base of Debian's packages, such as \"debian:trixie\""

// sameFile reports whether two entries of one path look the same to a program.
func sameFile(a, b entry.Entry) (bool, error) {
	if a.Type != b.Type || a.Type == entry.Dir {
		return a.Type == b.Type, nil
	}
	if a.Type == entry.Symlink || a.Size != b.Size {
		return a.Type == entry.Symlink && a.Link == b.Link, nil
	}
	one, err := a.Read()
	if err != nil {
		return false, err
	}
	two, err := b.Read()
	return bytes.Equal(one, two), err
}
