package destination

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// podman is Podman, by its command: it needs no service. It pulls from an OCI layout and reads from there the layers
// that it lacks, so the layout holds links to those in the store and nothing is copied twice.
type podman struct{ command }

// findPodman returns Podman if its command is here.
func findPodman(_ context.Context, opt EngineOptions) (Engine, error) {
	path, err := opt.LookPath("podman")
	if err != nil {
		return nil, fmt.Errorf("podman: %w", errNoEngine)
	}
	return podman{command{"podman", path, opt.Trace}}, nil
}

// Name returns "podman".
func (p podman) Name() string { return p.name }

// Command returns the command.
func (p podman) Command() []string { return []string{p.path} }

// Write loads the image.
func (p podman) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	return load(ctx, img, opt, p)
}

// podmanImage is an element of `podman image inspect`.
type podmanImage struct {
	ID       string `json:"Id"` // without "sha256:"
	RepoTags []string
	RootFS   struct{ Layers []string }
}

// find looks for the image. The same config in another manifest, as an archive of Docker's would have brought it, is
// another image to us.
func (p podman) find(ctx context.Context, parts *parts, _ []tag) (string, error) {
	images, err := p.inspect(ctx, parts.config.digest.Hex)
	if err != nil {
		// Podman says no in words only. Whatever is wrong will be said again by what follows.
		return "", ctx.Err()
	}
	for _, img := range images {
		if img.ID == parts.config.digest.Hex {
			return img.ID, nil
		}
	}
	return "", nil
}

// inspect asks for images by id.
func (p podman) inspect(ctx context.Context, ids ...string) ([]podmanImage, error) {
	out, err := p.run(ctx, nil, append([]string{"image", "inspect"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var images []podmanImage
	return images, json.Unmarshal([]byte(out), &images)
}

// tag names an image that is there.
func (p podman) tag(ctx context.Context, id string, tags []tag) error {
	if len(tags) == 0 {
		return nil
	}
	args := []string{"tag", id}
	for _, t := range tags {
		args = append(args, t.short())
	}
	_, err := p.run(ctx, nil, args...)
	return err
}

// send lets Podman pull what it lacks; if that fails, everything; if that fails too, as with a Podman in a virtual
// machine that does not see our files, it sends an archive.
func (p podman) send(ctx context.Context, parts *parts, tags []tag, m *meter) (string, error) {
	missing, err := p.missing(ctx, parts)
	if err != nil {
		return "", err
	}
	id := parts.config.digest.Hex
	for _, layers := range [][]blob{missing, unique(parts.layers)} {
		if err = p.pull(ctx, parts, layers, tags, m); err == nil {
			return id, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	if loadErr := p.load(ctx, parts, tags, m); loadErr != nil {
		return "", fmt.Errorf("%w; %w", err, loadErr)
	}
	return id, p.tag(ctx, id, tags)
}

// arch asks Podman, which may be in a virtual machine.
func (p podman) arch(ctx context.Context) (string, error) {
	out, err := p.run(ctx, nil, "info", "--format", "{{.Host.Arch}}")
	return strings.TrimSpace(out), err
}

// missing returns the layers that no image of Podman has.
func (p podman) missing(ctx context.Context, parts *parts) ([]blob, error) {
	out, err := p.run(ctx, nil, "images", "--quiet", "--no-trunc")
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(strings.ReplaceAll(out, "sha256:", ""))
	have := map[string]bool{}
	if len(ids) > 0 {
		images, err := p.inspect(ctx, ids[:min(len(ids), maxImages)]...)
		if err != nil {
			return nil, err
		}
		for _, img := range images {
			for _, diffID := range img.RootFS.Layers {
				have[diffID] = true
			}
		}
	}
	var missing []blob
	for i, l := range parts.layers {
		if !have[parts.diffIDs[i].String()] {
			missing = append(missing, l)
		}
	}
	return unique(missing), nil
}

// pull makes a layout with these layers and lets Podman pull it.
func (p podman) pull(ctx context.Context, parts *parts, layers []blob, tags []tag, m *meter) error {
	dir, err := os.MkdirTemp(lowerCaseDir(), "lithe-podman-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	blobs := append(layers[:len(layers):len(layers)], parts.config, parts.manifest)
	if err := linkLayout(ctx, layout(dir), parts, blobs); err != nil {
		return err
	}
	if _, err := p.run(ctx, nil, "pull", "--quiet", "oci:"+dir); err != nil {
		return err
	}
	sent := m.event.Done + total(blobs)
	m.event = Event{Item: p.name, Done: sent, Total: sent}
	if m.on != nil {
		m.on(m.event)
	}
	id := parts.config.digest.Hex
	if err := p.tag(ctx, id, tags); err != nil {
		return err
	}
	return p.untag(ctx, id, filepath.Base(dir))
}

// lowerCaseDir returns a directory for temporary files whose path can be a part of an image's name, since Podman
// makes a name of it.
func lowerCaseDir() string {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && dir == strings.ToLower(dir) {
			return dir
		}
	}
	return ""
}

// untag takes away the name that Podman made of the layout's path.
func (p podman) untag(ctx context.Context, id, base string) error {
	images, err := p.inspect(ctx, id)
	if err != nil {
		return err
	}
	for _, img := range images {
		for _, name := range img.RepoTags {
			if !strings.Contains(name, "/"+base+":") {
				continue
			}
			if _, err := p.run(ctx, nil, "untag", id, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkLayout makes a layout whose blobs are links where they are files already.
func linkLayout(ctx context.Context, dir layout, parts *parts, blobs []blob) error {
	if err := os.MkdirAll(dir.path("blobs", "sha256"), 0o755); err != nil {
		return err
	}
	for _, b := range blobs {
		if err := linkBlob(ctx, dir.path("blobs", b.digest.Algorithm, b.digest.Hex), b); err != nil {
			return err
		}
	}
	index, err := encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: descriptors(parts.descriptor(), nil)})
	if err != nil {
		return err
	}
	if err := dir.replace(layoutFile, []byte(layoutContent)); err != nil {
		return err
	}
	return dir.replace(indexFile, index)
}

// linkBlob puts a blob at path.
func linkBlob(ctx context.Context, path string, b blob) error {
	if b.path != nil {
		target, err := b.path()
		if err != nil {
			return err
		}
		if target, err = filepath.Abs(target); err != nil {
			return err
		}
		return os.Symlink(target, path)
	}
	return writeFile(path, func(f *os.File) error { return b.copyTo(ctx, f) })
}
