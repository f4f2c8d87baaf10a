package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/resolver"
	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Available is what the indexes have, for a resolver of build requirements. Files that an index lists without a sha256 do
// not count, since they could not be locked.
type Available struct {
	client *fetch.Client
	pages  *pages
	tags   wheeltag.Set

	// Sdist returns the requirements of a source distribution, which only building it may tell.
	Sdist func(ctx context.Context, project string, c resolver.Candidate) ([]requirement.Requirement, error)
}

var _ resolver.Source = (*Available)(nil)

// NewAvailable returns the files that run on a target.
func NewAvailable(c *fetch.Client, idx IndexOptions, tags wheeltag.Set) *Available {
	return &Available{client: c, pages: newPages(c, idx), tags: tags}
}

// Candidates returns the best file of each version, from the first index that has the project.
func (a *Available) Candidates(ctx context.Context, project string) ([]resolver.Candidate, error) {
	var asked []string
	for _, index := range a.pages.options.indexes(project, "") {
		asked = append(asked, fetch.Redact(index))
		files, err := a.pages.read(ctx, index, project)
		if errors.Is(err, fetch.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", project, err)
		}
		return a.best(files, project), nil
	}
	return nil, &diag.Error{Code: "project-not-on-index",
		What: fmt.Sprintf("there is no project %s on %s, which is needed to build", project, strings.Join(asked, " nor ")),
		Hint: "set UV_DEFAULT_INDEX or PIP_INDEX_URL to the index that has it"}
}

// best returns for each version the wheel with the best tag, else the source distribution.
func (a *Available) best(files []indexFile, project string) []resolver.Candidate {
	type choice struct {
		resolver.Candidate
		rank int
	}
	byVersion := map[string]choice{}
	var order []string
	for _, f := range files {
		c, rank, ok := a.candidate(f, project)
		if !ok {
			continue
		}
		key := c.Version.Canonical()
		old, known := byVersion[key]
		if !known {
			order = append(order, key)
		}
		better := !known || c.Wheel && !old.Wheel || c.Wheel == old.Wheel && cmp.Or(cmp.Compare(rank, old.rank), strings.Compare(c.File, old.File)) < 0
		if better {
			byVersion[key] = choice{c, rank}
		}
	}
	var out []resolver.Candidate
	for _, key := range order {
		out = append(out, byVersion[key].Candidate)
	}
	return out
}

// candidate reads one file of a page, false for one that is of no use.
func (a *Available) candidate(f indexFile, project string) (c resolver.Candidate, rank int, ok bool) {
	sum := f.Hashes["sha256"]
	if len(sum) != 64 || !belongs(f.Name, project) || checkLink(f, plan.Package{Name: project}) != nil {
		return c, 0, false
	}
	c = resolver.Candidate{File: f.Name, URL: f.URL, Hash: "sha256:" + sum, Size: f.Size, Yanked: f.Yanked}
	var err error
	if c.RequiresPython, err = version.ParseSpecifiers(f.RequiresPython); err != nil {
		c.RequiresPython = nil // as pip does: old files say many things
	}
	if w, err := wheeltag.ParseFilename(f.Name); err == nil {
		c.Version, c.Wheel = w.Version, true
		c.Metadata = f.MetaHash
		rank, ok = a.tags.Rank(w.Tags)
		return c, rank, ok
	}
	s, err := sdist.ParseFilename(f.Name)
	c.Version = s.Version
	if strings.HasSuffix(f.Name, ".zip") { // of two kinds .tar.gz is the standard's
		rank = 1
	}
	return c, rank, err == nil
}

// Requires returns what a file depends on: of a wheel from its metadata, which some indexes serve beside it.
func (a *Available) Requires(ctx context.Context, project string, c resolver.Candidate) ([]requirement.Requirement, error) {
	if !c.Wheel {
		return a.Sdist(ctx, project, c)
	}
	metadata, err := a.metadata(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	if got := name.Normalize(metadata.Get("Name")); got != project {
		return nil, confusion(plan.Package{Name: project, Version: c.Version.String()}, c.File+", whose metadata is of "+got)
	}
	return Requirements(metadata)
}

// Requirements returns what Requires-Dist says.
func Requirements(m wheel.Metadata) ([]requirement.Requirement, error) {
	var out []requirement.Requirement
	for _, text := range m.All("Requires-Dist") {
		r, err := requirement.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// metadata reads METADATA of a wheel, and the whole wheel where the index has it nowhere else.
func (a *Available) metadata(ctx context.Context, c resolver.Candidate) (wheel.Metadata, error) {
	if _, here := a.client.Store().Blob(c.Hash); !here && c.Metadata != "" {
		data, ok, err := Metadata(ctx, a.client, Listed{Name: c.File, Metadata: besideFile(c.URL), MetaHash: c.Metadata})
		if err != nil {
			return nil, err
		}
		if ok {
			return wheel.ParseMetadata(data)
		}
	}
	path, err := a.client.Blob(ctx, fetch.Request{Digest: c.Hash, Size: c.Size, Name: c.File, URLs: []string{c.URL}}, nil)
	if err != nil {
		return nil, err
	}
	filename, err := wheeltag.ParseFilename(c.File)
	if err != nil {
		return nil, err
	}
	w, err := wheel.Open(path, filename)
	if err != nil {
		return nil, err
	}
	return w.Metadata, nil
}
