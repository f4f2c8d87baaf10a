package layer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// recordKind names the records in the store. The format is a part of it, so that no key can forget it.
var recordKind = fmt.Sprintf("layer-%d", Format)

// Record is all that lithe knows about a layer. With it a layer that was made long ago or elsewhere still passes
// the checks of a build, and its blob need not be here.
type Record struct {
	Blob
	MediaType string         `json:"mediaType,omitempty"` // "" means OCI's, of a tar with gzip
	Format    int            `json:"format"`
	Key       string         `json:"key"` // hash of all inputs
	Kind      plan.LayerKind `json:"kind"`
	Packages  []string       `json:"packages,omitempty"`
	Files     Files          `json:"files"`
	Scripts   []string       `json:"scripts,omitempty"`
	Licences  []string       `json:"licences,omitempty"`
	GLIBC     string         `json:"glibc,omitempty"` // highest version of glibc that an object needs, "2.34"
	Loading
}

// Files says what is in a layer without naming it all.
type Files struct {
	Count  int    `json:"count"`  // regular files, links and directories
	Digest string `json:"digest"` // of the sorted list of type, mode, size, path and link
}

// Contents is what becomes a layer, and what its maker knows about it.
type Contents struct {
	Entries  []entry.Entry
	Packages []string // "numpy 2.5.5"
	Scripts  []string // paths of commands, "venv/bin/f2py"
	Licences []string // SPDX expressions
	// Owners names the distribution of a path, as far as it is known: several may share a layer.
	Owners map[string]string
	// Unrecorded contents are for one build: what they were made with is nothing that other builds should believe.
	Unrecorded bool
	// Confirm is asked when all entries were read, before the layer is in the store; nil agrees to everything. What it refuses
	// is no layer.
	Confirm func() error
}

// Cached returns the layer of a key from the store, or makes it. The key is the hash of all that the contents
// depend on; build is called at most once, and by one process at a time.
func Cached(ctx context.Context, st *store.Store, key string, kind plan.LayerKind, build func() (Contents, error)) (rec Record, reused bool, err error) {
	if rec, ok := Find(st, key); ok {
		return rec, true, nil
	}
	unlock, err := st.Lock(ctx, recordKind, key)
	if err != nil {
		return Record{}, false, err
	}
	defer unlock()
	// Another process may have made it while this one waited.
	if rec, ok := Find(st, key); ok {
		return rec, true, nil
	}
	c, err := build()
	if err != nil {
		return Record{}, false, err
	}
	rec, err = save(ctx, st, c)
	if err != nil {
		return Record{}, false, err
	}
	rec.Key, rec.Kind = key, kind
	if c.Unrecorded {
		return rec, false, nil
	}
	return rec, false, st.PutRecord(recordKind, key, rec)
}

// Find returns the record of a key whose blob is in the store and as long as it should be.
func Find(st *store.Store, key string) (Record, bool) {
	var rec Record
	if ok, err := st.Record(recordKind, key, &rec); err != nil || !ok || rec.Key != key || rec.Format != Format {
		return Record{}, false
	}
	path, ok := st.Blob(rec.Digest)
	if !ok {
		return Record{}, false
	}
	info, err := os.Stat(path)
	return rec, err == nil && info.Size() == rec.Size
}

// save writes the layer into the store and collects the facts about it.
func save(ctx context.Context, st *store.Store, c Contents) (Record, error) {
	w, err := st.Create()
	if err != nil {
		return Record{}, err
	}
	defer w.Abort()
	sorted, err := arrange(c.Entries)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Format: Format, Packages: sortedCopy(c.Packages), Scripts: sortedCopy(c.Scripts),
		Licences: sortedCopy(c.Licences), Files: summarize(sorted)}
	see := newWatcher(c.Owners, st.Temp)
	out := bufio.NewWriterSize(contextWriter{ctx, w}, chunkSize)
	if rec.Blob, err = write(out, sorted, see); err != nil {
		return Record{}, err
	}
	if err := out.Flush(); err != nil {
		return Record{}, err
	}
	if c.Confirm != nil {
		if err := c.Confirm(); err != nil {
			return Record{}, err
		}
	}
	rec.Loading = see.collector.finish()
	rec.GLIBC = highestGLIBC(rec.Objects)
	_, err = w.Commit(rec.Digest)
	return rec, err
}

// summarize hashes the list of files.
func summarize(sorted []entry.Entry) Files {
	h := sha256.New()
	for _, e := range sorted {
		fmt.Fprintf(h, "%c %o %d %q %q\n", tarType(e.Type), tarMode(e), e.Size, e.Path, e.Link)
	}
	return Files{Count: len(sorted), Digest: "sha256:" + hex.EncodeToString(h.Sum(nil))}
}

// sortedCopy returns a list in an order that does not depend on the maker's.
func sortedCopy(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// contextWriter stops a long write soon after the context ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
