package destination

import (
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/store"
)

const (
	// maxImages is how many images are asked for their layers; more have hardly more to offer.
	maxImages = 500
	// asking is how many are asked at once.
	asking = 8
)

// dockerEngine is an engine with Docker's API: Docker itself, or Podman's service.
type dockerEngine struct {
	api  *docker.Client
	host docker.Host
	info docker.Info

	store *store.Store // nil remembers nothing
}

// findDocker returns the Docker engine that answers at the configured address.
func findDocker(ctx context.Context, opt EngineOptions) (Engine, error) {
	host, err := docker.Find(opt)
	if err != nil {
		return nil, err
	}
	api := docker.New(host, opt.Trace)
	info, err := api.Ping(ctx)
	if err != nil {
		return nil, fmt.Errorf("no engine answers at %s (%w): %w", host.Address, err, errNoEngine)
	}
	return &dockerEngine{api: api, host: host, info: info}, nil
}

// Name returns "docker".
func (d *dockerEngine) Name() string { return "docker" }

// Command returns the docker command for this engine. A context may hold certificates too, so it is named as such.
func (d *dockerEngine) Command() []string {
	if d.host.Context != "" {
		return []string{"docker", "--context", d.host.Context}
	}
	return []string{"docker", "--host", d.host.Address}
}

// Write loads the image.
func (d *dockerEngine) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	with := *d
	with.store = opt.Store
	return load(ctx, img, opt, &with)
}

// find looks for the image by its two ids: Docker's own store names images by their configs, containerd's by their
// manifests.
func (d *dockerEngine) find(ctx context.Context, p *parts, _ []tag) (string, error) {
	ids := []string{p.config.digest.String(), p.manifest.digest.String()}
	if d.info.Contents {
		slices.Reverse(ids)
	}
	for _, id := range ids {
		if got, err := d.api.Image(ctx, id); err != nil || got != nil && got.ID == id {
			return id, err
		}
	}
	return "", nil
}

// arch is what the engine said of itself.
func (d *dockerEngine) arch(context.Context) (string, error) { return d.info.Arch, nil }

// tag names an image that is there.
func (d *dockerEngine) tag(ctx context.Context, id string, tags []tag) error {
	for _, t := range tags {
		if err := d.api.Tag(ctx, id, t.repo, t.version); err != nil {
			return err
		}
	}
	return nil
}

// send loads an archive without the layers that the engine has, or the whole one if that does not work.
func (d *dockerEngine) send(ctx context.Context, p *parts, tags []tag, m *meter) (string, error) {
	known, err := d.there(ctx, p)
	if err != nil {
		return "", err
	}
	if len(known) > 0 {
		id, err := d.loadArchive(ctx, p, tags, m, known)
		if id != "" || ctx.Err() != nil {
			return id, err
		}
	}
	id, err := d.loadArchive(ctx, p, tags, m, nil)
	if err == nil && id == "" {
		err = fmt.Errorf("%s took the image but does not have it", d.host.Address)
	}
	return id, err
}

// loadArchive sends an archive, and returns the id under which the image is there then. Engines have been seen to
// ignore what they do not understand, so only their own word counts.
func (d *dockerEngine) loadArchive(ctx context.Context, p *parts, tags []tag, m *meter, without map[v1.Hash]bool) (string, error) {
	files, err := archiveFiles(p, tags, without, d.info.Contents)
	if err != nil {
		return "", err
	}
	m.event.Item, m.event.Total = d.Name(), m.event.Done+archiveSize(files)
	err = stream(func(w io.Writer) error {
		m.w = w
		return writeArchive(ctx, m, files)
	}, func(r io.Reader) error { return d.api.Load(ctx, r) })
	if err != nil {
		return "", err
	}
	id, err := d.find(ctx, p, tags)
	if id != "" {
		d.hold(id, p)
	}
	return id, err
}

// there returns the layers that need not be in an archive.
func (d *dockerEngine) there(ctx context.Context, p *parts) (map[v1.Hash]bool, error) {
	switch {
	case d.info.Contents:
		return d.contents(ctx, p)
	case !d.info.Partial:
		return nil, nil
	}
	n, err := d.known(ctx, p.diffIDs)
	if err != nil {
		return nil, err
	}
	there := map[v1.Hash]bool{}
	for _, l := range p.layers[:n] {
		there[l.digest] = true
	}
	return there, nil
}

// known returns how many of the lowest layers the engine has. It knows layers by their chain (the specification's
// chainID), so a layer counts only if all below it are the same, too: the longest common beginning with any image.
func (d *dockerEngine) known(ctx context.Context, diffIDs []v1.Hash) (int, error) {
	ids, err := d.api.Images(ctx)
	if err != nil {
		return 0, err
	}
	ids = ids[:min(len(ids), maxImages)]
	if n := d.heldOf(ids, diffIDs); n >= len(diffIDs)-1 { // all but the first-party code
		return n, nil
	}
	common := make([]int, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i, id := range ids {
		g.Go(func() error {
			img, err := d.api.Image(ctx, id)
			if img != nil { // nil if it was removed meanwhile
				common[i] = commonLayers(diffIDs, img.RootFS.Layers)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil || len(ids) == 0 {
		return 0, err
	}
	return slices.Max(common), nil
}

// commonLayers returns how many layers two images share, from the lowest on.
func commonLayers(diffIDs []v1.Hash, theirs []string) int {
	n := 0
	for n < min(len(diffIDs), len(theirs)) && diffIDs[n].String() == theirs[n] {
		n++
	}
	return n
}
