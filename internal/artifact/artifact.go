// Package artifact brings the distribution files that a plan names into the store.
//
// Selected packages go in. Resolve fills in what the lock file does not tell, URL and size, by asking package indexes;
// Fetch downloads what is missing and returns a verified file for each package, in the order of the packages. A file
// always has the hash that the lock file names: an index, a mirror or a redirect can make a build fail, never change
// it. Index settings and credentials are those of uv, pip and netrc.
//
// See https://packaging.python.org/en/latest/specifications/simple-repository-api/ (PEP 503, 629, 691, 700).
package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"golang.org/x/sync/errgroup"
)

// workers bounds the goroutines; the client bounds the requests.
const workers = 32

// Resolve returns the packages with URL and size filled in, in the same order. Packages that are not files of an index
// or at a URL stay as they are, and one whose file is in the store already needs neither index nor URL. Each page of
// an index is read once. All files that no index has are reported together, as a diag.List.
func Resolve(ctx context.Context, c *fetch.Client, idx IndexOptions, pkgs []plan.Package) ([]plan.Package, error) {
	out := slices.Clone(pkgs)
	problems := make(diag.List, len(out)) // by position, so that the report does not depend on who is fast
	pages := newPages(c, idx)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range out {
		// Locks with URLs, as uv writes them, need no index.
		if !isFile(out[i]) || out[i].URL != "" && out[i].Size > 0 {
			continue
		}
		g.Go(func() error {
			err := complete(ctx, c, pages, &out[i])
			if problem, ok := errors.AsType[*diag.Error](err); ok {
				problems[i] = problem // others may have one, too
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	problems = slices.DeleteFunc(problems, func(e *diag.Error) bool { return e == nil })
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// isFile tells packages that are one file to be downloaded.
func isFile(p plan.Package) bool {
	return p.Kind == plan.KindWheel || p.Kind == plan.KindSdist || p.Kind == plan.KindURL
}

// complete fills in one package.
func complete(ctx context.Context, c *fetch.Client, pages *pages, p *plan.Package) error {
	if path, ok := c.Store().Blob(p.Hash); ok {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if p.Size == 0 {
			p.Size = info.Size() // a fact about the hash, wherever it comes from
		}
		return nil
	}
	if p.URL == "" {
		f, err := pages.find(ctx, *p)
		if err != nil {
			return err
		}
		p.URL = f.URL
		if p.Size == 0 {
			p.Size = f.Size
		}
	}
	if p.Size > 0 {
		return nil
	}
	size, err := c.Size(ctx, p.URL) // HTML pages do not tell, nor do some lock files
	if err != nil {
		return fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
	}
	p.Size = size
	return nil
}
