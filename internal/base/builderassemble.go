package base

import (
	"context"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// builderPrunings decides what of a package goes into a builder. Nobody reads there, and nothing else is left out.
var builderPrunings = append([]pruning{
	{drop, "usr/share/gcc*/**", "pretty printers of a debugger"},
	{drop, "usr/share/gdb/**", "pretty printers of a debugger"},
	{drop, "usr/lib/python3.*/test/**", "tests of the standard library"},
	{drop, "usr/lib/python3.*/EXTERNALLY-MANAGED", "tells pip to leave Debian's folders alone, and a build has its own"},
}, systemPrunings...)

// BuilderDirs are empty folders of a builder, for whoever runs a build to mount on.
var BuilderDirs = []string{"build", "venv"}

// AssembleBuilder fetches the packages of a platform's builder and writes its files into an empty folder. They are written
// as they are read, so that a compiler never is in memory. What maintainer scripts would have made is made, too; a script
// that is not understood is a problem unless its package is accepted.
func AssembleBuilder(ctx context.Context, client *fetch.Client, pins *Pins, platform, dir string, opt Options, on func(Event)) error {
	on = serialized(on)
	selected, ok := pins.Selection(platform)
	if !ok || selected.Builder == nil {
		return fmt.Errorf("%s has no builder that is locked for %s", pins.Name, platform)
	}
	b := selected.Builder
	arch, err := architecture(platform)
	if err != nil {
		return err
	}
	if err := checkPins(b.Packages, pins.Sources, KindBuilder); err != nil {
		return err
	}
	w, err := newWriter(dir)
	if err != nil {
		return err
	}
	defer w.close()
	files, err := fetchPackages(ctx, client, b.Packages, b.asOf, opt, on)
	if err != nil {
		return err
	}
	contents, err := w.unpackAll(ctx, b.Packages, arch, files, opt, on)
	if err != nil {
		return err
	}
	if a := selected.Standalone; a != nil {
		interpreter, err := w.interpreter(ctx, client, a, opt, on)
		if err != nil {
			return err
		}
		contents = append(contents, interpreter)
	}
	if err := checkPaths(contents); err != nil {
		return err
	}
	made, err := builderFiles(contents, arch, opt)
	if err != nil {
		return err
	}
	return w.all(made)
}

// builderFiles returns what the packages of a builder do not bring.
func builderFiles(packages []*unpacked, arch string, opt Options) ([]entry.Entry, error) {
	s := systemMaker{arch: arch, added: packages, accept: opt.AcceptScripts}
	var all []entry.Entry
	for _, u := range packages {
		all = append(all, u.entries...)
		all = append(all, entry.NewFile(statusDir+"/"+u.pin.Name, []byte(u.control), false)) // scripts ask who is installed
		if runsUnread(u.pin.Name) {
			u.scripts = nil
		}
	}
	packaged := len(all)
	made, err := systemFiles(s.certificates(all))
	if err != nil {
		return nil, err
	}
	all = append(all, made...)
	byScripts, err := s.scripted(all)
	if err != nil {
		return nil, err
	}
	all = append(append(all, byScripts...), mergeLinks(all)...)
	all = append(all, commonLinks(all)...)
	cache, err := libraryCache(latest(all), arch)
	if err != nil {
		return nil, err
	}
	for _, name := range BuilderDirs {
		all = append(all, entry.NewDir(name))
	}
	return append(all, cache...)[packaged:], nil
}

// What python3 and python3-dev would give names without a minor version.
var (
	versioned   = lazyregexp.New(`^python3\.[0-9]+(|-config)$`)
	versionedPC = lazyregexp.New(`^python-3\.[0-9]+(-embed\.pc|\.pc)$`)
)

// commonLinks are names that every build expects, where no package and no alternative has them.
func commonLinks(entries []entry.Entry) []entry.Entry {
	image := newImageFiles(entries)
	var links []entry.Entry
	link := func(dir, name, target string) {
		if _, there := image.Lookup("/"+dir+name, false); there {
			return
		}
		if _, there := image.Lookup("/"+dir+target, true); there {
			links = append(links, entry.NewSymlink(dir+name, target))
		}
	}
	link("usr/bin/", "sh", "dash")
	link("usr/bin/", "pkg-config", "pkgconf")
	for _, e := range entries {
		dir, name := path.Split(e.Path)
		if m := versioned.FindStringSubmatch(name); m != nil && dir == "usr/bin/" {
			link(dir, "python3"+m[1], name)
			link(dir, "python"+m[1], name)
		} else if m := versionedPC.FindStringSubmatch(name); m != nil {
			link(dir, "python3"+m[1], name)
		}
	}
	return links
}

// unpackAll reads the packages into the folder, several at once.
func (w *writer) unpackAll(ctx context.Context, pins []Pin, arch string, files []string, opt Options, on func(Event)) ([]*unpacked, error) {
	return eachPackage(ctx, pins, opt, on, func(i int) (*unpacked, error) { return w.unpack(files[i], pins[i], arch) })
}

// unpack reads one package into the folder.
func (w *writer) unpack(file string, pin Pin, arch string) (*unpacked, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := archive.Read(f, archive.Options{Content: w.content(func(e entry.Entry) (string, bool) {
		to, ok := merged(e)
		return to.Path, ok && fateOf(builderPrunings, to.Path) == keep
	})})
	if err != nil {
		return nil, err
	}
	if err := p.CheckIs(pin.Name, pin.Version, arch); err != nil {
		return nil, err
	}
	u := &unpacked{pin: pin, control: p.Control.String(), scripts: scripted(p)}
	for _, e := range p.Entries {
		if e, ok := merged(e); ok && fateOf(builderPrunings, e.Path) == keep {
			u.entries = append(u.entries, e)
		}
	}
	return u, w.all(u.entries)
}

// interpreter unpacks the whole archive of a standalone Python, which has its headers inside.
func (w *writer) interpreter(ctx context.Context, client *fetch.Client, a *Archive, opt Options, on func(Event)) (*unpacked, error) {
	file, err := fetchArchive(ctx, client, a, opt, on)
	if err != nil {
		return nil, err
	}
	u, err := unpackStandalone(file, a, nil, w.content(func(e entry.Entry) (string, bool) { return standalonePath(e.Path) }))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(a.Path), err)
	}
	return u, w.all(u.entries)
}

// asOf returns the time of the indexes that a package of the builder comes from.
func (b *Builder) asOf(Pin) time.Time { return b.Created }
