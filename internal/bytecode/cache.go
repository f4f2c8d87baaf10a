package bytecode

import (
	"fmt"

	"github.com/lithe-build/lithe/internal/python/marshal"
	"github.com/lithe-build/lithe/internal/store"
)

// maxSource bounds a source file. The largest that people ship are generated tables of a few megabytes.
const maxSource = 64 << 20

// headerSize is the part of a .pyc file before the marshalled code: magic number, flags, hash of the source.
const headerSize = 16

// key is all that a .pyc file depends on.
type key struct {
	Format   int
	Compiler string // version of the interpreter
	Driver   string // digest of the program that it runs
	Lent     string // Options.Lent
	Path     string
	Source   string // digest
}

// result is the outcome for one source: a file, or a reason.
type result struct {
	key    string // of the source
	pyc    []byte
	reason string
}

// job is one source on its way. Either its result was in the store, or data is what to compile.
type job struct {
	source Source
	data   []byte
	key    string
	found  bool
	result result
}

// open looks the source up in the pack, and reads it if it is not there.
func (c *Compiler) open(p *pack, s Source) (*job, error) {
	j := &job{source: s}
	if s.Digest != "" {
		if c.lookUp(p, j, s.Digest); j.found {
			return j, nil
		}
	}
	data, err := readSource(s)
	if err != nil {
		return nil, err
	}
	digest := store.DigestBytes(data)
	if s.Digest == "" {
		c.lookUp(p, j, digest)
	} else if digest != s.Digest {
		return nil, fmt.Errorf("the source is %s, not %s", digest, s.Digest)
	}
	j.data = data
	return j, nil
}

// lookUp takes the result from the pack, if it is there and sound.
func (c *Compiler) lookUp(p *pack, j *job, digest string) {
	j.key = store.Key(key{Format: Format, Compiler: c.opt.ID, Driver: driverDigest(), Lent: c.opt.Lent, Path: j.source.Path, Source: digest})
	j.result, j.found = p.find(j.key)
}

// finish brings an answer into its canonical form.
func (j *job) finish(a answer) (result, error) {
	r := result{key: j.key, reason: a.reason}
	if a.pyc != nil {
		code, err := marshal.Normalize(a.pyc[headerSize:])
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", j.source.Path, err)
		}
		r.pyc = append(a.pyc[:headerSize:headerSize], code...)
	}
	return r, nil
}
