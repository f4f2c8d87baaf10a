package destination

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// nerdctl is containerd, by the nerdctl command. It loads whole archives only, but keeps our manifest, so that an
// image which is there can be told by its digest.
type nerdctl struct{ command }

// findNerdctl returns nerdctl if its command is here.
func findNerdctl(_ context.Context, opt EngineOptions) (Engine, error) {
	path, err := opt.LookPath("nerdctl")
	if err != nil {
		return nil, fmt.Errorf("nerdctl: %w", errNoEngine)
	}
	return nerdctl{command{"nerdctl", path, opt.Trace}}, nil
}

// Name returns "nerdctl".
func (n nerdctl) Name() string { return n.name }

// Command returns the command.
func (n nerdctl) Command() []string { return []string{n.path} }

// Write loads the image.
func (n nerdctl) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	return load(ctx, img, opt, n)
}

// find looks for an image of the first name that has our manifest: containerd knows images by name only.
func (n nerdctl) find(ctx context.Context, p *parts, tags []tag) (string, error) {
	if len(tags) == 0 {
		return "", nil
	}
	out, err := n.run(ctx, nil, "image", "inspect", tags[0].short())
	if err != nil {
		return "", ctx.Err() // not there; whatever else is wrong will be said again by load
	}
	var images []struct{ RepoDigests []string }
	if err := json.Unmarshal([]byte(out), &images); err != nil {
		return "", fmt.Errorf("nerdctl image inspect: %w", err)
	}
	ours := func(digest string) bool { return strings.HasSuffix(digest, "@"+p.manifest.digest.String()) }
	for _, img := range images {
		if slices.ContainsFunc(img.RepoDigests, ours) {
			return tags[0].short(), nil
		}
	}
	return "", nil
}

// arch is that of this machine, where nerdctl finds its containerd.
func (n nerdctl) arch(context.Context) (string, error) { return runtime.GOARCH, nil }

// tag gives more names to an image that has the first one.
func (n nerdctl) tag(ctx context.Context, id string, tags []tag) error {
	for _, t := range tags {
		if t.short() == id {
			continue
		}
		if _, err := n.run(ctx, nil, "tag", id, t.short()); err != nil {
			return err
		}
	}
	return nil
}

// send loads the whole archive. Without a name there is nothing by which containerd could know the image.
func (n nerdctl) send(ctx context.Context, p *parts, tags []tag, m *meter) (string, error) {
	if len(tags) == 0 {
		tags = []tag{digestTag(p)}
	}
	err := n.load(ctx, p, tags, m)
	return tags[0].short(), err
}

// digestTag names an image by itself.
func digestTag(p *parts) tag {
	t := tag{repo: "lithe", version: p.manifest.digest.Hex[:12]}
	t.written = t.short()
	t.full = "docker.io/library/" + t.short()
	return t
}
