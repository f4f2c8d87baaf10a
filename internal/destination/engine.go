package destination

import (
	"context"
	"errors"
	"os/exec"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docker"
)

// Engine is a local container engine: a destination, and a command that can run what was written there.
type Engine interface {
	Destination
	Name() string      // "docker", "podman", "nerdctl"
	Command() []string // the start of a command line, "docker --host unix:///…"
}

// EngineOptions say how engines are found.
type EngineOptions = docker.Options

// finders try the engines in order of preference.
var finders = []func(context.Context, EngineOptions) (Engine, error){findDocker, findPodman, findNerdctl}

// errNoEngine says that an engine is not here, as against one that is here and does not work.
var errNoEngine = errors.New("not here")

// FindEngine returns the engine that images are loaded into: Docker if it answers, else Podman, else nerdctl. A
// Docker that was named by hand is not replaced by another engine.
func FindEngine(ctx context.Context, opt EngineOptions) (Engine, error) {
	if opt.LookPath == nil {
		opt.LookPath = exec.LookPath
	}
	for _, find := range finders {
		e, err := find(ctx, opt)
		if err == nil || !errors.Is(err, errNoEngine) {
			return e, err
		}
		if opt.Host != "" || opt.Context != "" {
			return nil, &diag.Error{Code: "no-engine", What: err.Error(),
				Hint: "start the engine, or unset DOCKER_HOST and DOCKER_CONTEXT", Err: err}
		}
	}
	return nil, &diag.Error{Code: "no-engine", What: "neither Docker nor Podman nor nerdctl is here",
		Hint: "start one, or write a file with `--output docker-archive:FILE`"}
}

// load is what all engines have in common: nothing is moved if the image is there, then only what is missing, and
// everything if the engine does not take that.
func load(ctx context.Context, img Image, opt Options, l loader) (Result, error) {
	c, tags, err := prepare(img, opt)
	if err != nil {
		return Result{}, err
	}
	p, platform, err := chooseFor(ctx, c, l)
	if err != nil {
		return Result{}, err
	}
	res := Result{Digest: p.manifest.digest.String(), Engine: l.Name(), Platform: platform}
	if res.ID, err = l.find(ctx, p, tags); err != nil {
		return Result{}, err
	}
	if res.ID != "" {
		return res, l.tag(ctx, res.ID, tags)
	}
	m := &meter{on: opt.On}
	res.ID, err = l.send(ctx, p, tags, m)
	res.Sent = m.event.Done
	return res, err
}

// chooseFor takes the engine's platform. It is asked for only where there is a choice.
func chooseFor(ctx context.Context, c *content, l loader) (p *parts, platform string, err error) {
	arch := ""
	if len(c.images) > 1 {
		if arch, err = l.arch(ctx); err != nil {
			return nil, "", err
		}
	}
	p, platform = c.one(arch)
	return p, platform, nil
}

// loader is what differs between engines.
type loader interface {
	Name() string
	arch(ctx context.Context) (string, error)                                        // as Go names it
	find(ctx context.Context, p *parts, tags []tag) (id string, err error)           // "" if the image is not there
	tag(ctx context.Context, id string, tags []tag) error                            // gives it names
	send(ctx context.Context, p *parts, tags []tag, m *meter) (id string, err error) // moves what is missing
}
