package bytecode

import (
	"fmt"
	"io"

	"github.com/lithe-build/lithe/internal/python/marshal"
	"github.com/lithe-build/lithe/internal/store"
)

// maxSource bounds a source file. The largest that people ship are generated tables of a few megabytes.
const maxSource = 64 << 20

// headerSize is the part of a .pyc file before the marshalled code: magic number, flags, hash of the source.
const headerSize = 16

// kindRecord is where the store keeps results.
const kindRecord = "bytecode"

// key is all that a .pyc file depends on.
type key struct {
	Format   int
	Compiler string // version of the interpreter
	Driver   string // digest of the program that it runs
	Lent     string // Options.Lent
	Path     string
	Source   string // digest
}

// result is the outcome for one source: a file, or a reason. Sum guards the file against a damaged disk.
type result struct {
	Pyc    []byte
	Sum    string
	Reason string
}

// job is one source on its way. Either its result was in the store, or data is what to compile.
type job struct {
	source Source
	data   []byte
	key    string
	found  bool
	result result
}

// open looks the source up in the store, and reads it if it is not there.
func (c *Compiler) open(s Source) (*job, error) {
	j := &job{source: s}
	if s.Digest != "" {
		if c.lookUp(j, s.Digest); j.found {
			return j, nil
		}
	}
	data, err := readSource(s)
	if err != nil {
		return nil, err
	}
	digest := store.DigestBytes(data)
	if s.Digest == "" {
		c.lookUp(j, digest)
	} else if digest != s.Digest {
		return nil, fmt.Errorf("the source is %s, not %s", digest, s.Digest)
	}
	j.data = data
	return j, nil
}

// readSource reads a source whole: the interpreter needs it at once anyway.
func readSource(s Source) ([]byte, error) {
	r, err := s.Content.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxSource+1))
	if err == nil && len(data) > maxSource {
		err = fmt.Errorf("a source of more than %d bytes", maxSource)
	}
	return data, err
}

// lookUp takes the result from the store, if it is there and sound.
func (c *Compiler) lookUp(j *job, digest string) {
	j.key = store.Key(key{Format: Format, Compiler: c.opt.ID, Driver: store.DigestBytes([]byte(driver)),
		Lent: c.opt.Lent, Path: j.source.Path, Source: digest})
	c.find(j)
}

// find takes the result of a job whose key is known.
func (c *Compiler) find(j *job) {
	var r result
	ok, err := c.opt.Store.Record(kindRecord, j.key, &r)
	if !ok || err != nil || r.Sum != store.DigestBytes(r.Pyc) || (r.Pyc == nil) == (r.Reason == "") {
		return // as good as absent: it is made again
	}
	j.result, j.found = r, true
}

// finish brings an answer into its canonical form and stores it.
func (c *Compiler) finish(j *job, a answer) (result, error) {
	r := result{Reason: a.reason}
	if a.pyc != nil {
		code, err := marshal.Normalize(a.pyc[headerSize:])
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", j.source.Path, err)
		}
		r.Pyc = append(a.pyc[:headerSize:headerSize], code...)
	}
	r.Sum = store.DigestBytes(r.Pyc)
	return r, c.opt.Store.PutRecord(kindRecord, j.key, r)
}
