package build

import (
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/project"
)

// Readings is what the builds of a workspace's members share, one after the other: the lock, and the pyproject.toml of every
// member, which each build looks at, since lithe.lock is the same whatever is built. A lock that changes after the first build
// began is for the next run: all images of one are of the same. The zero value has read nothing yet.
type Readings struct {
	locks    readings[lock.Options, lock.Lock]
	projects readings[project.Options, project.Project]
}

// lock reads a lock, or returns the one that was read before. The caller may widen it.
func (r *Readings) lock(dir string, opt lock.Options) (*lock.Lock, error) {
	l, err := r.locks.get(lock.Read, dir, opt)
	if err != nil {
		return nil, err
	}
	own := *l
	return &own, nil
}

// project reads a project, or returns the one that was read before, which nobody may change.
func (r *Readings) project(dir string, opt project.Options) (*project.Project, error) {
	return r.projects.get(project.Read, dir, opt)
}

// readings are those of one kind, by what was asked for. What failed is not among them.
type readings[O comparable, T any] map[asked[O]]*T

type asked[O comparable] struct {
	dir string
	opt O
}

func (r *readings[O, T]) get(read func(string, O) (*T, error), dir string, opt O) (*T, error) {
	at := asked[O]{dir, opt}
	if known := (*r)[at]; known != nil {
		return known, nil
	}
	got, err := read(dir, opt)
	if err != nil {
		return nil, err
	}
	if *r == nil {
		*r = readings[O, T]{}
	}
	(*r)[at] = got
	return got, nil
}
