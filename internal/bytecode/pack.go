package bytecode

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/lithe-build/lithe/internal/store"
)

// kindRecord is where the store keeps what is known of packs.
const kindRecord = "bytecode-pack"

// packKey names the place of a set's results. It is a place only: what is in there is found by key.
type packKey struct {
	Format   int
	Compiler string
	Driver   string
	Set      string
}

// packRecord says what is in a pack: one blob with the files of a set, since a file and a record for each source cost more
// than compressing them.
type packRecord struct {
	Blob  string
	Files []packed
}

// packed is the result for one source. Sum guards the file against a damaged disk.
type packed struct {
	Key      string
	At, Size int64
	Sum      string
	Reason   string
}

// pack is what earlier calls left of a set. It may be read by several goroutines.
type pack struct {
	name   string // key of its record
	file   *os.File
	files  []packed
	byKey  map[string]packed
	missed atomic.Bool // something was looked for in vain
}

// openPack opens what the store has of a set, which may be nothing.
func (c *Compiler) openPack(set string) *pack {
	p := &pack{byKey: map[string]packed{}, name: store.Key(packKey{Format: Format, Compiler: c.opt.ID, Driver: driverDigest(), Set: set})}
	var r packRecord
	if ok, err := c.opt.Store.Record(kindRecord, p.name, &r); !ok || err != nil {
		return p
	}
	path, ok := c.opt.Store.Blob(r.Blob)
	if !ok {
		return p
	}
	var err error
	if p.file, err = os.Open(path); err != nil {
		return p
	}
	p.files = r.Files
	for _, f := range r.Files {
		p.byKey[f.Key] = f
	}
	return p
}

func (p *pack) close() {
	if p.file != nil {
		_ = p.file.Close()
	}
}

// find returns the result of a key, if it is there and sound.
func (p *pack) find(key string) (result, bool) {
	f, ok := p.byKey[key]
	if ok {
		var r result
		if r, ok = p.read(f); ok {
			return r, true
		}
	}
	p.missed.Store(true)
	return result{}, false
}

// read reads one result. What is not what was stored is as good as absent: it is made again.
func (p *pack) read(f packed) (result, bool) {
	if f.Reason != "" {
		return result{key: f.Key, reason: f.Reason}, f.Size == 0
	}
	if f.Size < headerSize || f.Size > maxAnswer {
		return result{}, false
	}
	data := make([]byte, f.Size)
	if _, err := p.file.ReadAt(data, f.At); err != nil || store.DigestBytes(data) != f.Sum {
		return result{}, false
	}
	return result{key: f.Key, pyc: data}, true
}

// save replaces what the store has of a set by the results of a call. As many of the old ones stay beside them: a branch or
// another platform may want them next.
func (c *Compiler) save(p *pack, results []result) error {
	if !p.missed.Load() {
		return nil
	}
	w, err := c.opt.Store.Create()
	if err != nil {
		return err
	}
	defer w.Abort()
	var r packRecord
	known := map[string]bool{}
	add := func(one result) error {
		known[one.key] = true
		r.Files = append(r.Files, packed{Key: one.key, At: w.Size(), Size: int64(len(one.pyc)), Sum: store.DigestBytes(one.pyc), Reason: one.reason})
		_, err := w.Write(one.pyc)
		return err
	}
	for _, one := range results {
		if err := add(one); err != nil {
			return err
		}
	}
	for _, old := range p.files {
		if known[old.Key] || len(r.Files) >= 2*len(results) {
			continue
		}
		if one, ok := p.read(old); ok {
			if err := add(one); err != nil {
				return err
			}
		}
	}
	if r.Blob, err = w.Commit(""); err != nil {
		return err
	}
	return c.opt.Store.PutRecord(kindRecord, p.name, r)
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
