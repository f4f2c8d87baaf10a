package artifact

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
	"golang.org/x/sync/errgroup"
)

// metadataHash is the sha256 of a file's METADATA in a page of JSON, which says true or lists hashes (PEP 658 and 714). It is
// empty where the page tells none: nothing else makes what stands there worth reading.
type metadataHash string

// UnmarshalJSON takes anything that it does not know for silence.
func (m *metadataHash) UnmarshalJSON(data []byte) error {
	var hashes map[string]string
	if json.Unmarshal(data, &hashes) == nil {
		*m = metadataHash(sha256Of("sha256", strings.ToLower(hashes["sha256"])))
	}
	return nil
}

// sha256Of returns "sha256:<hex>" of an algorithm and its digits, "" for other algorithms and for what is no hash.
func sha256Of(algorithm, digits string) string {
	digest := algorithm + ":" + digits
	if _, _, err := store.ParseDigest(digest); err != nil || algorithm != "sha256" {
		return ""
	}
	return digest
}

// Pinned asks the indexes for the files of versions of which a lock file has no hash. Without one, nothing tells a file from
// another index's under the same name; so a version that two indexes have with different files is refused. All packages with
// a problem are reported together.
func Pinned(ctx context.Context, c *fetch.Client, idx IndexOptions, pkgs []plan.Package) (map[lock.Pin][]Listed, error) {
	pages := newPages(c, idx)
	found := make([][]Listed, len(pkgs))
	problems := make(diag.List, len(pkgs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range pkgs {
		g.Go(func() (err error) {
			found[i], err = pages.pinned(ctx, pkgs[i])
			if problem, ok := errors.AsType[*diag.Error](err); ok {
				problems[i] = problem
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := map[lock.Pin][]Listed{}
	for i, p := range pkgs {
		out[lock.Pin{Name: p.Name, Version: p.Version}] = found[i]
	}
	problems = slices.DeleteFunc(problems, func(e *diag.Error) bool { return e == nil })
	return out, problems.Err()
}

// pinned returns the files of a version from the one index that has it.
func (p *pages) pinned(ctx context.Context, pkg plan.Package) ([]Listed, error) {
	var asked []string
	var from string
	var found []Listed
	known, unhashed := []string(nil), ""
	for _, index := range p.options.indexes(pkg.Name, pkg.Index) {
		asked = append(asked, fetch.Redact(index))
		files, err := p.read(ctx, index, pkg.Name)
		if errors.Is(err, fetch.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", pkg.Name, pkg.Version, err)
		}
		here, without, err := filesOf(files, pkg)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			known = append(known, f.Name)
		}
		switch {
		case len(here) == 0:
			unhashed = cmp.Or(unhashed, without)
		case found == nil:
			found, from = here, fetch.Redact(index)
		case !sameFiles(found, here):
			return nil, &diag.Error{Pos: pkg.Pos, Code: "index-ambiguous",
				What: fmt.Sprintf("%s %s is on %s and on %s with different files, and without a hash nothing says which is meant", pkg.Name,
					pkg.Version, from, fetch.Redact(index)),
				Hint: "write the hashes of the one that you mean, or name one index alone"}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, noVersion(pkg, strings.Join(asked, " nor "), unhashed, known)
}

// filesOf returns the files of a version that have a sha256, and the name of one that has none.
func filesOf(files []indexFile, pkg plan.Package) (found []Listed, without string, err error) {
	pin := lock.Pin{Name: pkg.Name, Version: pkg.Version}
	for _, f := range files {
		if !pin.Names(f.Name) {
			continue
		}
		hash := sha256Of("sha256", f.Hashes["sha256"])
		if hash == "" {
			without = f.Name
			continue
		}
		if err := checkLink(f, pkg); err != nil {
			return nil, "", err
		}
		found = append(found, f.listed(hash))
	}
	return found, without, nil
}

// sameFiles tells whether two indexes have the same files, of those that both have.
func sameFiles(a, b []Listed) bool {
	byName := map[string]string{}
	for _, f := range a {
		byName[canonical(f.Name)] = f.Hash
	}
	for _, f := range b {
		if hash, ok := byName[canonical(f.Name)]; !ok || hash != f.Hash {
			return false
		}
	}
	return true
}

// noVersion reports a version that no index has.
func noVersion(pkg plan.Package, where, unhashed string, known []string) *diag.Error {
	problem := &diag.Error{Pos: pkg.Pos, Code: "version-not-on-index", What: fmt.Sprintf("%s %s: no such version on %s", pkg.Name, pkg.Version, where),
		Hint: "the version was removed, or the file is for another index: name it with --index-url or PIP_INDEX_URL"}
	switch {
	case unhashed != "":
		problem.What = fmt.Sprintf("%s %s: %s has no sha256 on %s, so that lithe.lock could not keep it", pkg.Name, pkg.Version, unhashed, where)
		problem.Hint = "write the file's hash, or name an index that tells hashes"
	case len(known) == 0:
		problem.Code, problem.What = "project-not-on-index", fmt.Sprintf("%s %s: there is no project %s on %s", pkg.Name, pkg.Version, pkg.Name, where)
		problem.Hint = "set UV_DEFAULT_INDEX or PIP_INDEX_URL to the index that has it"
	}
	return problem
}

// listed is the file under its hash.
func (f indexFile) listed(hash string) Listed {
	l := Listed{Name: f.Name, URL: f.URL, Size: f.Size, Hash: hash}
	if f.MetaHash != "" {
		l.Metadata, l.MetaHash = besideFile(f.URL), f.MetaHash
	}
	return l
}

// besideFile returns the address of a file's METADATA: ".metadata" behind its path, as PEP 658 has it.
func besideFile(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.Path += ".metadata"
	if u.RawPath != "" {
		u.RawPath += ".metadata"
	}
	return u.String()
}

// maxMetadata is in bytes; METADATA holds a README, and PyPI's largest are some hundred kB.
const maxMetadata = 4 << 20

// Metadata returns the METADATA that an index offers beside a file, verified by the hash that it told. ok is false where there
// is none, so that the file itself must say.
func Metadata(ctx context.Context, c *fetch.Client, f Listed) (data []byte, ok bool, err error) {
	if f.MetaHash == "" {
		return nil, false, nil
	}
	path, err := c.Blob(ctx, fetch.Request{URLs: []string{f.Metadata}, Digest: f.MetaHash, Name: f.Name + ".metadata"}, nil)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	data, err = io.ReadAll(io.LimitReader(file, maxMetadata+1))
	return data, err == nil && len(data) <= maxMetadata, err
}
