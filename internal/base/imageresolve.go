package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/baseimage"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

// Dates that lithe.lock can hold, and the one of an image that has none.
var (
	noDate   = time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)
	lastDate = time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// resolveImage asks the registry what a name means today, and reads of the image what a plan must know. This downloads
// its layers, once; whoever has the pins needs them only to compile.
func resolveImage(ctx context.Context, name string, opt Options, on func(Event)) (*Pins, error) {
	if opt.Registry == nil || opt.Store == nil {
		return nil, errors.New("no client to ask a registry with")
	}
	asked := name
	if opt.Digest != "" {
		asked = repository(name) + "@" + opt.Digest
	}
	on(Event{Stage: "index", Item: asked})
	remote, err := opt.Registry.Resolve(ctx, asked)
	if err != nil {
		return nil, err
	}
	pins := &Pins{Name: name, Image: remote.Digest}
	for _, platform := range opt.Platforms {
		image, created, err := pinImage(ctx, remote, platform, opt, on)
		if err != nil {
			return nil, aboutImage(name, platform, err)
		}
		if created.After(pins.Created) {
			pins.Created = created
		}
		pins.Platforms = append(pins.Platforms, Selection{Platform: platform, Image: image})
	}
	return pins, nil
}

// aboutImage says of which image a problem is.
func aboutImage(name, platform string, err error) error {
	problems, ok := diag.Problems(err)
	if !ok {
		return fmt.Errorf("base %s for %s: %w", name, platform, err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Code, "base-") {
			p.What = fmt.Sprintf("base %s for %s: %s", name, platform, p.What)
		}
	}
	return err
}

// pinImage reads the image of one platform.
func pinImage(ctx context.Context, remote *registry.Remote, platform string, opt Options, on func(Event)) (*Image, time.Time, error) {
	digest, err := manifestFor(remote, platform)
	if err != nil {
		return nil, time.Time{}, err
	}
	raw, rawConfig, err := opt.Registry.Image(ctx, remote.Repository, digest)
	if err != nil {
		return nil, time.Time{}, err
	}
	manifest, config, err := parseImage(raw, rawConfig, platform)
	if err != nil {
		return nil, time.Time{}, err
	}
	image := &Image{Manifest: digest}
	if image.Layers, err = imageLayers(manifest, config); err != nil {
		return nil, time.Time{}, err
	}
	paths, err := FetchImage(ctx, remote.Repository, image.Layers, opt, on)
	if err != nil {
		return nil, time.Time{}, err
	}
	err = image.read(ctx, paths, config, platform)
	return image, dateOf(config), err
}

// read fills in the facts.
func (i *Image) read(ctx context.Context, paths []string, config *v1.ConfigFile, platform string) error {
	var layers []baseimage.Layer
	for n, l := range i.Layers {
		layers = append(layers, baseimage.Layer{DiffID: l.DiffID, Open: func() (io.ReadCloser, error) { return os.Open(paths[n]) }})
	}
	f, err := baseimage.Read(ctx, layers, baseimage.Config{User: config.Config.User, Env: config.Config.Env}, platform)
	if err != nil {
		return err
	}
	for n := range i.Layers {
		i.Layers[n].Unpacked = f.Unpacked[n]
	}
	i.Python, i.ABI, i.Libc, i.Interpreter = f.Python, f.ABI, f.Libc.String(), f.Interpreter
	i.User, i.Certificates, i.Env = f.User, f.Certificates, f.Env
	i.Suite, _ = SuiteOf(f.Release)
	return nil
}

// manifestFor returns the digest of a platform's manifest.
func manifestFor(remote *registry.Remote, platform string) (string, error) {
	if !remote.Index {
		return remote.Digest, nil
	}
	children, err := remote.Manifests()
	if err != nil {
		return "", err
	}
	var has []string
	for _, c := range children {
		if c.Platform == nil {
			continue
		}
		name := c.Platform.OS + "/" + c.Platform.Architecture
		if name == platform && (c.Platform.Variant == "" || c.Platform.Variant == "v8") && c.MediaType.IsImage() {
			return c.Digest.String(), nil
		}
		has = append(has, strings.TrimSuffix(name+"/"+c.Platform.Variant, "/"))
	}
	return "", platformProblem(platform, "it is for %s only", strings.Join(has, ", "))
}

func platformProblem(platform, format string, args ...any) error {
	return &diag.Error{Code: "base-platform", What: fmt.Sprintf(format, args...), Hint: "choose an image that exists for " + platform + ", or build for other platforms"}
}

// parseImage reads manifest and config, which must be of an image for the platform.
func parseImage(raw, rawConfig []byte, platform string) (*v1.Manifest, *v1.ConfigFile, error) {
	var manifest v1.Manifest
	var config v1.ConfigFile
	if err := errors.Join(json.Unmarshal(raw, &manifest), json.Unmarshal(rawConfig, &config)); err != nil {
		return nil, nil, err
	}
	if !manifest.Config.MediaType.IsConfig() {
		return nil, nil, &diag.Error{Code: "base-no-image", What: fmt.Sprintf("it is no image but an artifact of type %q", manifest.Config.MediaType),
			Hint: "name an image"}
	}
	if is := config.OS + "/" + config.Architecture; is != platform {
		return nil, nil, platformProblem(platform, "it is for %s", is)
	}
	if len(manifest.Layers) != len(config.RootFS.DiffIDs) || len(manifest.Layers) == 0 {
		return nil, nil, fmt.Errorf("its manifest has %d layers and its config %d", len(manifest.Layers), len(config.RootFS.DiffIDs))
	}
	return &manifest, &config, nil
}

// ociTypes are the media types of layers that can be part of another image, with OCI's name of each.
var ociTypes = map[types.MediaType]types.MediaType{
	types.OCILayer: "", types.DockerLayer: "", // "" is OCI's with gzip
	types.OCIUncompressedLayer: types.OCIUncompressedLayer, types.DockerUncompressedLayer: types.OCIUncompressedLayer,
	types.OCILayerZStd: types.OCILayerZStd, "application/vnd.docker.image.rootfs.diff.tar.zstd": types.OCILayerZStd,
}

// imageLayers lists the layers of a manifest.
func imageLayers(m *v1.Manifest, config *v1.ConfigFile) ([]ImageLayer, error) {
	var layers []ImageLayer
	for i, d := range m.Layers {
		mediaType, ok := ociTypes[d.MediaType]
		if !ok || len(d.URLs) > 0 {
			return nil, &diag.Error{Code: "base-layer", What: fmt.Sprintf("its layer %d of %d is of type %q, which cannot be part of another image "+
				"(foreign, encrypted or unknown)", i+1, len(m.Layers), d.MediaType), Hint: "choose an image of plain layers"}
		}
		layers = append(layers, ImageLayer{Digest: d.Digest.String(), DiffID: config.RootFS.DiffIDs[i].String(), Size: d.Size,
			MediaType: string(mediaType)})
	}
	return layers, nil
}

// FetchImage brings layers into the store, from the repository that has them, and returns their files.
func FetchImage(ctx context.Context, repository string, layers []ImageLayer, opt Options, on func(Event)) ([]string, error) {
	on = serialized(on)
	var total int64
	for _, l := range layers {
		total += l.Size
	}
	var done atomic.Int64
	paths := make([]string, len(layers))
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range layers {
		g.Go(func() (err error) {
			var before int64
			paths[i], err = opt.Registry.Blob(ctx, opt.Store, repository, l.Digest, l.Size, func(now, _ int64) {
				on(Event{Stage: "fetch", Item: l.Digest, Done: done.Add(now - before), Total: total})
				before = now
			})
			return err
		})
	}
	return paths, g.Wait()
}

// dateOf returns when the image was made, by its own word.
func dateOf(config *v1.ConfigFile) time.Time {
	created := config.Created.UTC().Truncate(time.Second)
	if created.Year() < 1970 || created.After(lastDate) {
		return noDate
	}
	return created
}
