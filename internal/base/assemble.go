package base

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
	"golang.org/x/sync/errgroup"
)

// Assemble fetches the packages of a platform and makes the base's parts of them. The contents of all entries are in
// memory: some 45 MB. Of an image, which is there already, only the part of the system packages is made.
func Assemble(ctx context.Context, client *fetch.Client, pins *Pins, platform string, opt Options, on func(Event)) (
	*Base, error) {
	if pins.IsImage() {
		return assembleOnImage(ctx, client, pins, platform, opt, serialized(on))
	}
	su, err := suiteOf(pins.Name)
	if err != nil {
		return nil, err
	}
	return assemble(ctx, client, su, pins, platform, opt, serialized(on))
}

func assemble(ctx context.Context, client *fetch.Client, su suite, pins *Pins, platform string, opt Options,
	on func(Event)) (*Base, error) {
	selected, ok := pins.Selection(platform)
	if !ok {
		return nil, fmt.Errorf("%s is not locked for %s", pins.Name, platform)
	}
	arch, err := architecture(platform)
	if err != nil {
		return nil, err
	}
	if err := checkPins(selected.Packages, pins.Sources, KindBase, KindInterpreter, KindSystem); err != nil {
		return nil, err
	}
	selected.Packages = append(selected.Ground(), selected.SystemPins(opt.System)...)
	f, err := su.factsOf(selected)
	if err != nil {
		return nil, err
	}
	files, err := fetchPackages(ctx, client, selected.Packages, pins.asOf(selected), opt, on)
	if err != nil {
		return nil, err
	}
	contents, err := unpackAll(ctx, selected.Packages, arch, files, opt, on)
	if err != nil {
		return nil, err
	}
	if selected.Standalone != nil {
		interpreter, err := interpreterOf(ctx, client, selected.Standalone, opt, on)
		if err != nil {
			return nil, err
		}
		contents = append([]*unpacked{interpreter}, contents...)
	}
	if err := checkPaths(contents); err != nil {
		return nil, err
	}
	parts, err := partsOf(f, arch, contents, opt)
	if err != nil {
		return nil, err
	}
	return &Base{Name: pins.Name, Suite: su.name, Platform: platform, Facts: f, Parts: parts, StdlibSources: sources(parts[1].Entries, f)}, nil
}

// partsOf makes base and interpreter, and above them the part of the system packages where some are asked for.
func partsOf(f Facts, arch string, contents []*unpacked, opt Options) ([]Part, error) {
	i := slices.IndexFunc(contents, func(u *unpacked) bool { return u.pin.Part == KindSystem })
	if i < 0 {
		i = len(contents)
	}
	ground, added := contents[:i], contents[i:]
	dropEmptied(ground)
	parts, err := makeParts(f, arch, ground)
	if err != nil || len(opt.System) == 0 {
		return parts, err
	}
	s := systemMaker{arch: arch, ground: ground, lower: slices.Concat(parts[0].Entries, parts[1].Entries), added: added,
		wants: opt.System, accept: opt.AcceptScripts}
	system, err := s.make()
	return append(parts, system), err
}

// checkPins refuses pins that Resolve never makes: they come from a file that anybody may edit. The hash needs no
// check here, since nothing is used that does not match it.
func checkPins(pins []Pin, sources []SourcePin, parts ...string) error {
	for _, p := range pins {
		if !slices.Contains(parts, p.Part) {
			return badPin("package %s is locked for a part %q, which it cannot be", p.Name, p.Part)
		}
		added := p.Part == KindSystem || p.Part == KindBuilder
		further := p.Archive == archiveLocal || slices.ContainsFunc(sources, func(s SourcePin) bool { return s.URL == p.Archive })
		if p.Archive != archiveMain && p.Archive != archiveSecurity && (!added || !further) {
			return badPin("package %s is locked in an archive %q, which neither Debian nor a source of the project is", p.Name, p.Archive)
		}
		if !fs.ValidPath(p.Path) || strings.ContainsAny(p.Path, `\?#%`) {
			return badPin("package %s is locked at %q, which is no plain path below a mirror", p.Name, p.Path)
		}
	}
	return nil
}

// badPin is the problem of a base that somebody edited.
func badPin(format string, args ...any) error {
	return &diag.Error{Code: "bad-base", What: fmt.Sprintf(format, args...), Hint: "`lithe lock --upgrade` locks the base anew"}
}

// fetchPackages returns the paths of the verified .deb files, in the order of the pins. The client bounds how many
// requests run at once.
func fetchPackages(ctx context.Context, client *fetch.Client, pins []Pin, asOf func(Pin) time.Time, opt Options, on func(Event)) (
	[]string, error) {
	var total int64
	for _, p := range pins {
		total += p.Size
	}
	var done atomic.Int64
	files := make([]string, len(pins))
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range pins {
		g.Go(func() (err error) {
			if p.Archive == archiveLocal {
				files[i], err = importLocal(client.Store(), opt.Dir, p)
				return err
			}
			var before int64
			request := fetch.Request{URLs: opt.urls(p, asOf(p)), Digest: p.Hash, Size: p.Size, Name: path.Base(p.Path)}
			files[i], err = client.Blob(ctx, request, func(now, _ int64) {
				on(Event{Stage: "fetch", Item: p.Name, Done: done.Add(now - before), Total: total})
				before = now
			})
			if errors.Is(err, fetch.ErrNotFound) {
				return superseded(p, request.URLs, err)
			}
			if err != nil {
				return changed(fmt.Errorf("package %s %s with SHA256 %s: %w", p.Name, p.Version, strings.TrimPrefix(p.Hash, "sha256:"), err), p.Archive)
			}
			on(Event{Stage: "fetch", Item: p.Name, Done: done.Add(p.Size - before), Total: total})
			return nil
		})
	}
	return files, g.Wait()
}

// changed makes a problem of a file that is not the one whose hash is signed or locked. Trouble with the network stays
// what it is.
func changed(err error, archive string) error {
	if !errors.Is(err, store.ErrMismatch) && !errors.Is(err, fetch.ErrSize) {
		return err
	}
	return &diag.Error{Code: "hash-mismatch", What: err.Error(), Err: err, Hint: changedHint(archive)}
}

// superseded is the problem of a package that is nowhere any more: Debian's mirrors keep the newest version only.
func superseded(p Pin, urls []string, err error) error {
	var shown []string
	for _, u := range urls {
		shown = append(shown, fetch.Redact(u)) // a mirror of one's own may want credentials
	}
	return &diag.Error{Code: "superseded", What: fmt.Sprintf("package %s %s is gone from %s", p.Name, p.Version, strings.Join(shown, " and ")),
		Hint: "`lithe lock --upgrade` moves the base to packages that are there; --debian-snapshot names an archive that keeps superseded ones",
		Err:  err}
}

// asOf returns the time of the indexes that a package of a selection comes from. A platform that was locked later than
// others has its own, and so have system packages: they are resolved anew when the project asks for others.
func (p *Pins) asOf(s Selection) func(Pin) time.Time {
	ground := s.Created
	if ground.IsZero() {
		ground = p.Created
	}
	system := newest(p.Releases)
	return func(pin Pin) time.Time {
		if pin.Part == KindSystem && system.After(ground) {
			return system
		}
		return ground
	}
}

// urls returns where a package may be: on the mirror until a newer version supersedes it, then in the snapshot
// archive at the time of the indexes that named it.
func (o Options) urls(p Pin, asOf time.Time) []string {
	urls := []string{o.mirror(p.Archive) + "/" + p.Path}
	if name := debianArchive(p.Archive); o.Snapshot != "" && name != "" {
		urls = append(urls, strings.TrimRight(o.Snapshot, "/")+"/"+name+"/"+
			asOf.UTC().Format("20060102T150405Z")+"/"+p.Path)
	}
	return urls
}

// unpackAll reads the packages of a selection.
func unpackAll(ctx context.Context, pins []Pin, arch string, files []string, opt Options, on func(Event)) (
	[]*unpacked, error) {
	return eachPackage(ctx, pins, opt, on, func(i int) (*unpacked, error) { return unpack(files[i], pins[i], arch, len(opt.System) > 0) })
}

// eachPackage unpacks packages, several at once.
func eachPackage(ctx context.Context, pins []Pin, opt Options, on func(Event), unpack func(i int) (*unpacked, error)) ([]*unpacked, error) {
	jobs := opt.Jobs
	if jobs <= 0 {
		jobs = defaultJobs
	}
	var done atomic.Int64
	out := make([]*unpacked, len(pins))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i, p := range pins {
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if out[i], err = unpack(i); err != nil {
				return fmt.Errorf("package %s %s: %w", p.Name, p.Version, err)
			}
			on(Event{Stage: "unpack", Item: p.Name, Done: done.Add(1), Total: int64(len(pins))})
			return nil
		})
	}
	return out, g.Wait()
}

// makeParts adds to each part what no package brings, and sorts it.
func makeParts(f Facts, arch string, all []*unpacked) ([]Part, error) {
	base, interpreter := Part{Kind: KindBase}, Part{Kind: KindInterpreter}
	var certificates []entry.Entry
	for _, u := range all {
		part := &base
		if u.pin.Part == KindInterpreter {
			part = &interpreter
		}
		part.Packages = append(part.Packages, u.pin.Name+"="+u.pin.Version)
		part.Entries = append(part.Entries, u.entries...)
		certificates = append(certificates, u.used...)
		if u.control == "" { // no package
			continue
		}
		records, err := database(u.pin.Name, u.control, u.entries)
		if err != nil {
			return nil, err
		}
		part.Entries = append(part.Entries, records...)
	}
	made, err := systemFiles(certificates)
	if err != nil {
		return nil, err
	}
	base.Entries = append(base.Entries, made...)
	base.Entries = append(base.Entries, mergeLinks(slices.Concat(base.Entries, interpreter.Entries))...)
	interpreter.Entries = append(interpreter.Entries, interpreterFiles(f)...)
	cache, err := libraryCache(slices.Concat(base.Entries, interpreter.Entries), arch)
	if err != nil {
		return nil, err
	}
	interpreter.Entries = append(interpreter.Entries, cache...)
	base.Entries = tidy(base.Entries, nil)
	interpreter.Entries = tidy(interpreter.Entries, base.Entries)
	return []Part{base, interpreter}, nil
}

// tidy sorts entries and leaves one of each path: what is made here replaces what was packaged, since it stands
// later. Directories that a lower part has are left to it.
func tidy(entries, lower []entry.Entry) []entry.Entry {
	last := map[string]int{}
	for i, e := range entries {
		last[e.Path] = i
	}
	for _, e := range lower {
		if i, ok := last[e.Path]; ok && e.Type == entry.Dir && entries[i].Type == entry.Dir {
			delete(last, e.Path)
		}
	}
	out := make([]entry.Entry, 0, len(last))
	for i, e := range entries {
		if at, ok := last[e.Path]; ok && at == i {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, entry.Compare)
	return out
}

// sources returns the modules of the standard library.
func sources(entries []entry.Entry, f Facts) []string {
	dir := f.Library()[1:] + "/"
	var out []string
	for _, e := range entries {
		if e.Type == entry.File && path.Ext(e.Path) == ".py" && strings.HasPrefix(e.Path, dir) {
			out = append(out, e.Path)
		}
	}
	return out
}
