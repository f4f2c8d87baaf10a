package artifact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// pages holds the pages of indexes, each read once however many packages want it.
type pages struct {
	client  *fetch.Client
	options IndexOptions

	mu  sync.Mutex
	all map[pageKey]func() ([]indexFile, error)
}

// pageKey names a page; two indexes may have different files of one project.
type pageKey struct{ index, project string }

func newPages(c *fetch.Client, options IndexOptions) *pages {
	return &pages{client: c, options: options, all: map[pageKey]func() ([]indexFile, error){}}
}

// read returns the files of a project. The first caller's context does, since all callers share one.
func (p *pages) read(ctx context.Context, index, project string) ([]indexFile, error) {
	key := pageKey{index, project}
	p.mu.Lock()
	page, ok := p.all[key]
	if !ok {
		page = sync.OnceValues(func() ([]indexFile, error) { return readProject(ctx, p.client, index, project) })
		p.all[key] = page
	}
	p.mu.Unlock()
	return page()
}

// find returns the file of a package from the first index that has it. An index that lacks the project or the file is
// passed over, since it may be a mirror of a part; all else ends the search.
func (p *pages) find(ctx context.Context, pkg plan.Package) (indexFile, error) {
	var asked []string
	known := false // some index has the project, though maybe not the file
	for _, index := range p.options.indexes(pkg.Name, pkg.Index) {
		asked = append(asked, fetch.Redact(index))
		files, err := p.read(ctx, index, pkg.Name)
		if errors.Is(err, fetch.ErrNotFound) {
			continue
		}
		if err != nil {
			return indexFile{}, fmt.Errorf("%s %s: %w", pkg.Name, pkg.Version, err)
		}
		known = true
		if f, ok, err := match(files, pkg); ok || err != nil {
			return f, err
		}
	}
	where := strings.Join(asked, " nor ")
	problem := &diag.Error{Pos: pkg.Pos, Code: "file-not-on-index",
		What: fmt.Sprintf("%s %s: no file %s with %s on %s", pkg.Name, pkg.Version, pkg.Filename, pkg.Hash, where),
		Hint: "the file was removed, or the lock file is for another index: set UV_DEFAULT_INDEX, or lock again"}
	if !known {
		problem.Code = "project-not-on-index"
		problem.What = fmt.Sprintf("%s %s: there is no project %s on %s", pkg.Name, pkg.Version, pkg.Name, where)
		problem.Hint = "set UV_DEFAULT_INDEX or PIP_INDEX_URL to the index that has it"
	}
	return indexFile{}, problem
}

// match returns the file with the locked hash, else one with the locked name whose hash the index does not tell: that
// will be checked when it is here. The spelling of names differs between tools and indexes, so names are compared
// normalised.
func match(files []indexFile, pkg plan.Package) (f indexFile, ok bool, err error) {
	algorithm, sum, _ := strings.Cut(pkg.Hash, ":")
	sum, wanted := strings.ToLower(sum), canonical(pkg.Filename)
	unverified, other := -1, ""
	for i, f := range files {
		told, tells := f.Hashes[algorithm]
		switch {
		case tells && told == sum && !belongs(f.Name, pkg.Name):
			return f, false, confusion(pkg, f.Name)
		case tells && told == sum:
			return f, true, checkLink(f, pkg)
		case canonical(f.Name) != wanted || !belongs(f.Name, pkg.Name):
		case tells:
			other = told // told to the user if nothing better turns up
		case unverified < 0:
			unverified = i
		}
	}
	if unverified >= 0 {
		return files[unverified], true, checkLink(files[unverified], pkg)
	}
	if other != "" {
		return f, false, &diag.Error{Pos: pkg.Pos, Code: "hash-mismatch",
			What: fmt.Sprintf("%s %s: the hash of %s differs: the lock says %s, the index %s:%s", pkg.Name, pkg.Version,
				pkg.Filename, pkg.Hash, algorithm, other),
			Hint: "the file on the index is not the one that was locked; find out why before you lock again"}
	}
	return f, false, nil
}

// checkLink refuses a link that ends in a file of another project, whatever its text says.
func checkLink(f indexFile, pkg plan.Package) error {
	// Links of some indexes end in anything; only what looks like a distribution can be judged.
	last := f.URL[strings.LastIndexByte(f.URL, '/')+1:]
	last, _, _ = strings.Cut(last, "?")
	if last = unescape(last); distribution(last) && !belongs(last, pkg.Name) {
		return confusion(pkg, last)
	}
	return nil
}

// confusion is the error for a file of another project, which an index that is attacked might offer.
func confusion(pkg plan.Package, file string) error {
	return &diag.Error{Pos: pkg.Pos, Code: "other-project",
		What: fmt.Sprintf("%s %s: the index offers %q for it, a file of another project", pkg.Name, pkg.Version, file),
		Hint: "do not use this index before you know why"}
}

// distribution tells names that must be those of wheels or sdists from names that may be anything.
func distribution(file string) bool {
	return strings.HasSuffix(file, ".whl") || strings.HasSuffix(file, ".tar.gz") || strings.HasSuffix(file, ".zip")
}

// belongs tells whether a file is one of the project. Names that are no distribution's, such as those of old installers
// and signatures, belong to none.
func belongs(file, project string) bool {
	if f, err := wheeltag.ParseFilename(file); err == nil {
		return name.Normalize(f.Name) == project
	}
	if f, err := sdist.ParseFilename(file); err == nil {
		return name.Normalize(f.Name) == project
	}
	return false
}

// canonical is the same for all spellings of a file name: case, and runs of dashes, dots and underscores.
func canonical(file string) string { return name.Normalize(file) }
