package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
	"golang.org/x/sync/errgroup"
)

// Event is a step of progress with one file.
type Event struct {
	Package  string // "numpy 2.5.5"
	Filename string
	Done     int64 // bytes
	Total    int64 // bytes; 0 while unknown
	Finished bool  // the file is in the store; the last event of each file
	Cached   bool  // and was there before
}

// File is a verified file in the store.
type File struct {
	Package plan.Package
	Path    string
}

// Fetch returns the file of each package, in the order of the packages, after downloading what is not in the store.
// The largest files are begun first. Events, which may be nil, gets one call at a time.
func Fetch(ctx context.Context, c *fetch.Client, pkgs []plan.Package, events func(Event)) ([]File, error) {
	// Before anything is downloaded: a build that cannot succeed should fail at once.
	for _, p := range pkgs {
		if !isFile(p) {
			return nil, &diag.Error{Pos: p.Pos, Code: "unsupported-source",
				What: fmt.Sprintf("%s %s comes from %s, which is not a file that can be downloaded", p.Name, p.Version, p.Source),
				Hint: "lock a version of it that an index has as a wheel"}
		}
	}
	report := serial(events)
	files := make([]File, len(pkgs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, i := range largestFirst(pkgs) {
		g.Go(func() error {
			path, err := fetchOne(ctx, c, pkgs[i], report)
			files[i] = File{pkgs[i], path}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return files, nil
}

// largestFirst returns the order to begin in: the largest file decides when the last one is here.
func largestFirst(pkgs []plan.Package) []int {
	order := make([]int, len(pkgs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pkgs[b].Size, pkgs[a].Size) })
	return order
}

// serial lets one event through at a time.
func serial(events func(Event)) func(Event) {
	if events == nil {
		return func(Event) {}
	}
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		events(e)
	}
}

// fetchOne returns the path of one file. Every file ends with one event, also those that were there before.
func fetchOne(ctx context.Context, c *fetch.Client, p plan.Package, report func(Event)) (string, error) {
	e := Event{Package: p.Name + " " + p.Version, Filename: p.Filename, Total: p.Size, Cached: true}
	r := fetch.Request{Digest: p.Hash, Size: p.Size, Name: p.Filename}
	if p.URL != "" {
		r.URLs = []string{p.URL}
	}
	path, err := c.Blob(ctx, r, func(done, total int64) {
		e.Done, e.Total, e.Cached = done, total, false
		report(e)
	})
	if err != nil {
		return "", explain(p, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	e.Done, e.Total, e.Finished = info.Size(), info.Size(), true
	report(e)
	return path, nil
}

// explain turns what the lock file decides into a problem with its line. Trouble with the network stays what it is.
func explain(p plan.Package, err error) error {
	problem := &diag.Error{Pos: p.Pos, What: fmt.Sprintf("%s %s: %v", p.Name, p.Version, err), Err: err}
	switch {
	case errors.Is(err, store.ErrMismatch):
		problem.Code = "hash-mismatch"
		problem.Hint = "the file is not the one that was locked; find out why before you lock again"
	case errors.Is(err, fetch.ErrSize):
		problem.Code = "size-mismatch"
		problem.Hint = "the file is not the one that was locked, or the lock file was edited; lock again if you trust the index"
	case errors.Is(err, fetch.ErrNotFound):
		problem.Code = "file-not-found"
		problem.Hint = "the file was removed, or the lock file is for another index; lock again"
	default:
		return fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
	}
	return problem
}

// unescape decodes the last part of a URL's path; one that cannot be decoded stays as it is.
func unescape(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
