package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// pruneBatch is how many objects are removed while the gate is closed: a few milliseconds, for which a build waits.
const pruneBatch = 64

// Limits says what may stay in a store. The zero value removes everything.
type Limits struct {
	Unused time.Duration // what was not used for that long goes; below 0, age is no reason
	Size   int64         // bytes that may stay, the most recently used; below 0, size is no reason
	DryRun bool          // look, and remove nothing
}

// Pruned is what Prune did, or with DryRun would do.
type Pruned struct {
	Removed []Object // in the order of their last use; a size is what going freed
	InUse   []Object // over the limits too, but a running build may rely on them
	Freed   int64    // bytes
	Left    int64    // bytes that the store still has
}

// Prune removes what exceeds the limits, the least recently used first. It may run beside builds: nothing goes that one
// of them has found in the store, or may find without renewing it. Whatever is removed is fetched or made again when it
// is wanted. A Prune that is killed leaves a store that is whole, with less in it.
func (s *Store) Prune(ctx context.Context, limits Limits) (*Pruned, error) {
	unlock, err := s.Lock(ctx, "store", "prune")
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := time.Now()
	usage, err := s.Usage(ctx)
	if err != nil {
		return nil, err
	}
	p := &pruning{store: s, dry: limits.DryRun, usage: usage, size: usage.Size}
	if p.trash, err = s.trash(limits); err != nil {
		return nil, err
	}
	defer p.finish()
	for batch := range slices.Chunk(usage.exceeding(limits, now), pruneBatch) {
		if err := ctx.Err(); err != nil {
			return p.result(), err
		}
		if err := p.remove(batch); err != nil {
			return p.result(), s.explain(err)
		}
	}
	return p.result(), s.explain(p.aliases(ctx))
}

// exceeding returns the objects that are too old, and then as many as are too much, in the order of their last use.
func (u *Usage) exceeding(limits Limits, now time.Time) []Object {
	sorted := slices.DeleteFunc(slices.Clone(u.Objects), func(o Object) bool { return o.Kind == Temporary })
	slices.SortFunc(sorted, func(a, b Object) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.Path, b.Path)) })
	rest := Usage{Size: u.Size, names: make(map[fileID]int, len(u.names))}
	for id, n := range u.names {
		rest.names[id] = n
	}
	for i, o := range sorted {
		old := limits.Unused >= 0 && now.Sub(o.Used) >= limits.Unused
		if !old && (limits.Size < 0 || rest.Size <= limits.Size) {
			return sorted[:i]
		}
		rest.remove(o)
	}
	return sorted
}

// pruning is one Prune under way.
type pruning struct {
	store *Store
	dry   bool
	usage *Usage // of what is left
	size  int64  // of what was there
	trash string // where directories wait to be removed
	moved int    // directories in it
	done  Pruned
}

// remove removes objects while nobody can begin to rely on them.
func (p *pruning) remove(batch []Object) error {
	if p.dry {
		since := p.store.inUse()
		for _, o := range batch {
			p.note(o, keeps(since, o.Used))
		}
		return nil
	}
	open, err := p.store.closeGate()
	if err != nil {
		return err
	}
	defer open()
	since := p.store.inUse()
	for _, o := range batch {
		info, err := os.Lstat(filepath.Join(p.store.dir, o.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.usage.remove(o) // by somebody else
			continue
		case err != nil:
			return err
		case info.ModTime().After(o.Used): // used since we looked
			p.note(o, true)
			continue
		}
		used := keeps(since, o.Used)
		if !used {
			if err := p.drop(o, info); err != nil {
				return err
			}
		}
		p.note(o, used)
	}
	return nil
}

// keeps reports whether a run that relies on all that was used since then may rely on this.
func keeps(since, used time.Time) bool { return !since.IsZero() && !used.Before(since) }

// note counts an object.
func (p *pruning) note(o Object, used bool) {
	if used {
		p.done.InUse = append(p.done.InUse, o)
		return
	}
	before := p.usage.Size
	p.usage.remove(o)
	o.Size, o.shared = before-p.usage.Size, nil
	p.done.Removed = append(p.done.Removed, o)
}

// drop takes an object's name away. A directory cannot go at once, so it leaves by a rename and is removed later; if
// this run is killed, its folder is swept by another.
func (p *pruning) drop(o Object, info fs.FileInfo) error {
	path := filepath.Join(p.store.dir, o.Path)
	if !info.IsDir() {
		return os.Remove(path)
	}
	p.moved++
	return os.Rename(path, filepath.Join(p.trash, strconv.Itoa(p.moved)))
}

// trash makes the folder for directories that are on their way out. It is made before the gate closes, which making the
// folder of a run waits for.
func (s *Store) trash(limits Limits) (string, error) {
	if limits.DryRun {
		return "", nil
	}
	dir, _, err := s.Temp()
	return dir, err
}

// finish removes what was moved away.
func (p *pruning) finish() {
	if p.trash != "" {
		_ = removeAll(p.trash) // what resists is swept with the folder of this run
	}
}

// aliases removes the links to blobs that are gone.
func (p *pruning) aliases(ctx context.Context) error {
	if p.dry {
		return nil
	}
	for _, algorithm := range []string{"sha384", "sha512"} {
		err := p.store.objects(ctx, filepath.Join("blobs", algorithm), 1, func(path string, _ fs.DirEntry) error {
			path = filepath.Join(p.store.dir, path)
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return gone(os.Remove(path))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// result sums up.
func (p *pruning) result() *Pruned {
	p.done.Left, p.done.Freed = p.usage.Size, p.size-p.usage.Size
	return &p.done
}
