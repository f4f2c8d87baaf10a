package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// prepare makes all that is needed before the first build is timed.
func (r *runner) prepare(ctx context.Context) (err error) {
	if r.project, err = newProject(r.opt); err != nil {
		return err
	}
	if r.scenarios, r.left, err = r.choose(); err != nil {
		return err
	}
	if err := r.findEngine(ctx); err != nil {
		return err
	}
	if err := r.findRegistry(); err != nil {
		return err
	}
	for _, way := range r.ways() {
		l := newLithe(r, way)
		r.contenders = append(r.contenders, l)
		if l.load {
			r.engine.grounds = append(r.engine.grounds, r.tag("ground-"+way))
		}
	}
	for _, file := range r.opt.Against {
		p, err := newPeer(r, file)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.contenders, func(c contender) bool { return c.name() == p.name() }) {
			return problem("same-name", "rename one of the files", "two contenders are called %s", p.name())
		}
		r.contenders = append(r.contenders, p)
	}
	r.opt.Log("preparing: lithe.lock, and a store that has the base")
	if err := r.ground(ctx); err != nil {
		return err
	}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	return r.publishBases(ctx)
}

// publishBases lets a disposable engine lose its base images: they come back from our registry.
func (r *runner) publishBases(ctx context.Context) error {
	if !r.loses() {
		return nil
	}
	r.engine.registry = r.repository
	for _, c := range r.contenders {
		if p, ok := c.(*peer); ok {
			if err := r.engine.publish(ctx, p.bases()); err != nil {
				return err
			}
		}
	}
	return nil
}

// loses reports that very first builds of Dockerfiles can be timed.
func (r *runner) loses() bool {
	return r.opt.First && r.opt.Disposable && r.engine != nil && r.repository != ""
}

// findEngine finds the engine where somebody needs it.
func (r *runner) findEngine(ctx context.Context) error {
	loads := slices.ContainsFunc(r.opt.Ways, func(way string) bool { return strings.HasPrefix(way, "load") })
	if len(r.opt.Against) == 0 && !loads {
		return nil
	}
	if noDocker() {
		return problem("no-engine", "install Docker, or leave out --against and the ways that load", "the docker command is not there")
	}
	var err error
	if r.engine, err = newEngine(ctx, r.opt.Disposable); err != nil {
		return problem("no-engine", "start it, or set DOCKER_HOST", "no Docker engine answers: %v", err)
	}
	return nil
}

// ways are those that were asked for; else all that make bytecode as the project's configuration says, of which those into
// an engine need one.
func (r *runner) ways() []string {
	switch {
	case len(r.opt.Ways) > 0:
		return r.opt.Ways
	case r.engine != nil:
		return []string{"layout", "load"}
	}
	return []string{"layout"}
}

// findRegistry starts one where a scenario pushes, or a peer's size is wanted.
func (r *runner) findRegistry() (err error) {
	pushes := slices.ContainsFunc(r.scenarios, func(s scenario) bool { return s.push })
	switch {
	case r.opt.Registry != "":
		r.repository = strings.TrimSuffix(r.opt.Registry, "/")
	case pushes || len(r.opt.Against) > 0:
		if r.registry, err = newRegistry(r.work); err != nil {
			return err
		}
		r.repository = r.registry.address + "/" + ownRepository
	}
	return nil
}

// tag is a name of ours for an image.
func (r *runner) tag(of string) string {
	return fmt.Sprintf("lithe-bench-%s:%s", strings.ToLower(of), strings.ToLower(filepath.Base(r.work)))
}

// warmUp builds each peer once, so that base images are there and files are in the page cache.
func (r *runner) warmUp(ctx context.Context) error {
	for _, c := range r.contenders {
		if !c.describe().Peer {
			continue
		}
		r.opt.Log("preparing: %s, which brings its base images", c.name())
		s := &state{runner: r, contender: c, dir: filepath.Join(r.work, "copies", c.name())}
		if err := s.restore(); err != nil {
			return err
		}
		if err := s.build(ctx, false); err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
	}
	return nil
}
