package build

import (
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/project"
)

// Readings is what the builds of a workspace's members read once, one after the other: the lock, and the pyproject.toml of every
// member, which each build looks at, since lithe.lock is the same whatever is built. What changes after the first build began is
// for the next run: all images of one are of the same lock. The zero value has read nothing yet.
type Readings struct {
	locks    map[lockAt]*lock.Lock
	projects map[projectAt]*project.Project
}

type lockAt struct {
	dir string
	opt lock.Options
}

type projectAt struct {
	dir string
	opt project.Options
}

// lock reads a lock, or returns the one that was read before. The caller may widen it.
func (r *Readings) lock(dir string, opt lock.Options) (*lock.Lock, error) {
	at := lockAt{dir, opt}
	l := r.locks[at]
	if l == nil {
		var err error
		if l, err = lock.Read(dir, opt); err != nil {
			return nil, err
		}
		if r.locks == nil {
			r.locks = map[lockAt]*lock.Lock{}
		}
		r.locks[at] = l
	}
	own := *l
	return &own, nil
}

// project reads a project, or returns the one that was read before, which nobody may change.
func (r *Readings) project(dir string, opt project.Options) (*project.Project, error) {
	at := projectAt{dir, opt}
	p := r.projects[at]
	if p == nil {
		var err error
		if p, err = project.Read(dir, opt); err != nil {
			return nil, err
		}
		if r.projects == nil {
			r.projects = map[projectAt]*project.Project{}
		}
		r.projects[at] = p
	}
	return p, nil
}
