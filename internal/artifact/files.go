package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"golang.org/x/sync/errgroup"
)

// Listed is a file that an index offers under a hash.
type Listed struct {
	Name string
	URL  string
	Size int64 // 0 if the index does not tell
	Hash string

	Metadata string // address of its METADATA alone; "" if the index does not offer that
	MetaHash string // of that, "" if the index does not tell
}

// Files asks the indexes which files the hashes of packages belong to, for lock files that list hashes only. The result
// has every file of the packages that an index knows by such a hash, whatever target it is for, so that it depends on
// nothing but the packages and the indexes. All packages for which no index has any are reported together.
func Files(ctx context.Context, c *fetch.Client, idx IndexOptions, pkgs []plan.Package) (map[string]Listed, error) {
	pages := newPages(c, idx)
	out := map[string]Listed{}
	var mu sync.Mutex
	problems := make(diag.List, len(pkgs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range pkgs {
		g.Go(func() error {
			found, err := pages.byHash(ctx, pkgs[i])
			if problem, ok := errors.AsType[*diag.Error](err); ok {
				problems[i] = problem
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for hash, f := range found {
				out[hash] = f
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	problems = slices.DeleteFunc(problems, func(e *diag.Error) bool { return e == nil })
	return out, problems.Err()
}

// byHash returns the files of a package from the first index that has one with a locked hash.
func (p *pages) byHash(ctx context.Context, pkg plan.Package) (map[string]Listed, error) {
	var asked []string
	var others []indexFile // of the version, with other hashes
	locked := map[string]bool{}
	for _, hash := range pkg.Hashes { // lock files that list hashes only have sha256, and so have indexes
		locked[hash] = true
	}
	for _, index := range p.options.indexes(pkg.Name, pkg.Index) {
		asked = append(asked, fetch.Redact(index))
		files, err := p.read(ctx, index, pkg.Name)
		if errors.Is(err, fetch.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", pkg.Name, pkg.Version, err)
		}
		found := map[string]Listed{}
		for _, f := range files {
			hash := "sha256:" + f.Hashes["sha256"]
			ok := locked[hash]
			switch {
			case !ok && f.isVersion(pkg):
				others = append(others, f)
			case ok && distribution(f.Name) && !belongs(f.Name, pkg.Name):
				return nil, confusion(pkg, f.Name)
			case ok && belongs(f.Name, pkg.Name):
				if err := checkLink(f, pkg); err != nil {
					return nil, err
				}
				found[hash] = f.listed(hash)
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, noneOf(pkg, strings.Join(asked, " nor "), others)
}

// isVersion tells whether a file seems to be of the package's version, for a message.
func (f indexFile) isVersion(pkg plan.Package) bool {
	return belongs(f.Name, pkg.Name) && strings.Contains(f.Name, "-"+pkg.Version)
}

// noneOf reports a package whose hashes no index knows.
func noneOf(pkg plan.Package, where string, others []indexFile) *diag.Error {
	locked := pkg.Hashes[0]
	if n := len(pkg.Hashes); n > 1 {
		locked = fmt.Sprintf("%s and %d more", locked, n-1)
	}
	if len(others) == 0 {
		return &diag.Error{Pos: pkg.Pos, Code: "file-not-on-index",
			What: fmt.Sprintf("%s %s: no file of it with %s on %s", pkg.Name, pkg.Version, locked, where),
			Hint: "the files were removed, or the lock file is for another index: name it with --index-url or PIP_INDEX_URL, or lock again"}
	}
	return &diag.Error{Pos: pkg.Pos, Code: "hash-mismatch",
		What: fmt.Sprintf("%s %s: the hash of every file differs: the lock says %s, and on %s %s has sha256:%s", pkg.Name,
			pkg.Version, locked, where, others[0].Name, cmp.Or(others[0].Hashes["sha256"], "unknown")),
		Hint: "the files on the index are not those that were locked; find out why before you lock again"}
}
