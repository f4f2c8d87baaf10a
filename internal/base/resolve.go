package base

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"golang.org/x/sync/errgroup"
)

// Resolve reads the indexes of a base's suite and returns what to make it of. It downloads indexes and no packages. Of a
// base that is an image it reads the image, of a standalone one the sums of a release as well.
func Resolve(ctx context.Context, client *fetch.Client, opt Options, on func(Event)) (*Pins, error) {
	if name, ok, err := imageName(opt.Name); ok || err != nil {
		if err != nil {
			return nil, err
		}
		pins, err := resolveImage(ctx, name, opt, serialized(on))
		if err != nil || len(opt.System) == 0 {
			if err == nil {
				pins.Sources = pinSources(opt.Sources, nil)
			}
			return pins, err
		}
		return extendImage(ctx, client, pins, opt, serialized(on))
	}
	if n, ok, err := parseStandalone(opt.Name); ok {
		if err != nil {
			return nil, err
		}
		return resolveStandalone(ctx, client, n, opt, serialized(on))
	}
	su, err := suiteOf(opt.Name)
	if err != nil {
		return nil, err
	}
	if su, err = su.choose(opt.Python); err != nil {
		return nil, err
	}
	return resolve(ctx, client, su, opt, serialized(on))
}

func resolve(ctx context.Context, client *fetch.Client, su suite, opt Options, on func(Event)) (*Pins, error) {
	if len(opt.Platforms) == 0 {
		return nil, errors.New("no platform to resolve a base for")
	}
	archives, releases, err := openArchives(ctx, client, su, opt, on)
	if err != nil {
		return nil, err
	}
	pins := &Pins{Name: "debian:" + su.name, Releases: releases, Created: newest(releases), System: WantStrings(opt.System), Sources: noteSources(archives)}
	for _, platform := range opt.Platforms {
		arch, err := architecture(platform)
		if err != nil {
			return nil, err
		}
		c, err := readCatalogue(ctx, archives, arch)
		if err != nil {
			return nil, err
		}
		wants, err := c.withLocal(opt.System, arch)
		if err != nil {
			return nil, err
		}
		selected, err := selectPackages(c, su, platform, wants)
		if err != nil {
			return nil, err
		}
		if !su.bare {
			if _, err := facts(su, selected); err != nil {
				return nil, err
			}
		}
		pins.Platforms = append(pins.Platforms, Selection{Platform: platform, Packages: selected})
	}
	return pins, nil
}

// openArchives fetches and verifies the releases of a suite and of all sources side by side. All problems are reported
// together. The suite's readers come first, and the releases are its own.
func openArchives(ctx context.Context, client *fetch.Client, su suite, opt Options, on func(Event)) (
	[]*suiteReader, []Release, error) {
	var archives []*suiteReader
	for _, s := range su.indexes() {
		archives = append(archives, &suiteReader{client: client, opt: opt, source: s})
	}
	own := len(archives)
	for i, s := range opt.Sources {
		archives = append(archives, &suiteReader{client: client, opt: opt, source: source{suite: s.Suite, archive: s.URL}, further: &opt.Sources[i]})
	}
	releases := make([]Release, len(archives))
	errs := make([]error, len(archives))
	var wait sync.WaitGroup
	for i, a := range archives {
		wait.Go(func() {
			releases[i], errs[i] = a.open(ctx)
			on(Event{Stage: "index", Item: a.suite})
		})
	}
	wait.Wait()
	return archives, releases[:own], joined(errs)
}

// joined returns the problems of errs as one list, or the first error that is no problem of the user's.
func joined(errs []error) error {
	var problems diag.List
	for _, err := range errs {
		if found, ok := diag.Problems(err); ok {
			problems = append(problems, found...)
		} else if err != nil {
			return err
		}
	}
	return problems.Err()
}

// readCatalogue reads and merges the Packages files of an architecture.
func readCatalogue(ctx context.Context, archives []*suiteReader, arch string) (*catalogue, error) {
	indexes := make([][]stanza, len(archives))
	g, ctx := errgroup.WithContext(ctx)
	for i, a := range archives {
		g.Go(func() (err error) {
			indexes[i], err = a.packages(ctx, arch)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	c := newCatalogue(indexes)
	if i := slices.IndexFunc(archives, func(a *suiteReader) bool { return a.further != nil }); i >= 0 {
		c.debian = newCatalogue(indexes[:i])
	}
	return c, nil
}

// architecture returns Debian's name for a platform.
func architecture(platform string) (string, error) {
	arch, linux := strings.CutPrefix(platform, "linux/")
	if !linux || arch != "amd64" && arch != "arm64" {
		return "", &diag.Error{Code: "unsupported-platform", What: fmt.Sprintf("platform %q is not supported", platform),
			Hint: `use "linux/amd64" or "linux/arm64"`}
	}
	return arch, nil
}

// newest returns the latest date of the releases: when the base was made, on nobody's clock.
func newest(releases []Release) time.Time {
	var latest time.Time
	for _, r := range releases {
		if r.Date.After(latest) {
			latest = r.Date
		}
	}
	return latest.UTC()
}

// serialized lets several goroutines report; nil is fine.
func serialized(on func(Event)) func(Event) {
	if on == nil {
		return func(Event) {}
	}
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		on(e)
	}
}
