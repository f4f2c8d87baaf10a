package bench

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// engine is the Docker engine that the docker command reaches. What this run put into it is removed again: images by their
// names, and of the build cache what was not there before. Where the engine is for this benchmark alone, all of the cache is.
type engine struct {
	version    string
	disposable bool
	known      map[string]bool // images, and records of the build cache, from before
	grounds    []string        // images of our own that stay to the end
	registry   string          // that base images come back from
	bases      []string        // that are in the registry
	made       []string        // ids of images that were built
	names      []string        // of ours that they have
}

// newEngine looks whether one answers.
func newEngine(ctx context.Context, disposable bool) (*engine, error) {
	e := &engine{disposable: disposable, known: map[string]bool{}}
	out, err := e.run(ctx, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return nil, err
	}
	e.version = strings.TrimSpace(out)
	records, err := e.cache(ctx)
	if err != nil {
		return nil, err
	}
	images, err := e.run(ctx, "image", "ls", "--all", "--no-trunc", "--quiet")
	for _, id := range append(records, strings.Fields(images)...) {
		e.known[id] = true
	}
	return e, err
}

// run runs docker and returns what it prints.
func (e *engine) run(ctx context.Context, args ...string) (string, error) {
	cmd := e.command(ctx, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// cache returns the ids of the build cache's records.
func (e *engine) cache(ctx context.Context) ([]string, error) {
	out, err := e.run(ctx, "system", "df", "-v", "--format", "{{json .BuildCache}}")
	if err != nil {
		return nil, err
	}
	var records []struct{ ID string }
	if err := json.Unmarshal([]byte(out), &records); err != nil {
		return nil, fmt.Errorf("docker system df: %w", err)
	}
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// prune removes the records that this run made. One that another rests on goes after it.
func (e *engine) prune(ctx context.Context) error {
	if e.disposable {
		_, err := e.run(ctx, "builder", "prune", "--all", "--force")
		return err
	}
	for left := -1; ; {
		ids, err := e.cache(ctx)
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return e.known[id] })
		if len(ids) == 0 || len(ids) == left { // what is left belongs to a build that runs
			return nil
		}
		left = len(ids)
		for _, id := range ids {
			if _, err := e.run(ctx, "builder", "prune", "--all", "--force", "--filter", "id="+id); err != nil {
				return err
			}
		}
	}
}

// remove removes names of images; none is fine.
func (e *engine) remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		if out, err := e.run(ctx, "image", "ls", "--quiet", name); err != nil || strings.TrimSpace(out) == "" {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := e.run(ctx, "image", "rm", "--force", name); err != nil {
			return err
		}
	}
	return nil
}

// publish pushes base images to the registry, those that the engine has: other names are stages.
func (e *engine) publish(ctx context.Context, names []string) error {
	for _, name := range names {
		if _, err := e.imageID(ctx, name); err != nil || slices.Contains(e.bases, name) {
			continue
		}
		for _, args := range [][]string{{"tag", name, e.published(name)}, {"push", "--quiet", e.published(name)}, {"image", "rm", e.published(name)}} {
			if _, err := e.run(ctx, args...); err != nil {
				return err
			}
		}
		e.bases = append(e.bases, name)
	}
	return nil
}

// note returns what the engine calls an image, and keeps it to be removed.
func (e *engine) note(ctx context.Context, name string) (string, error) {
	id, err := e.imageID(ctx, name)
	if err == nil {
		e.made, e.names = append(e.made, id), append(e.names, name)
	}
	return id, err
}

// forget removes the images that were noted, whatever they are called by now.
func (e *engine) forget(ctx context.Context) error {
	if err := e.remove(ctx, e.names...); err != nil {
		return err
	}
	for _, id := range e.made {
		// It may be the same image as one of the user's, from before or from meanwhile: builds of lithe repeat.
		tags, err := e.run(ctx, "image", "inspect", "--format", "{{join .RepoTags \" \"}}", id)
		if e.known[id] || err != nil || strings.TrimSpace(tags) != "" {
			continue
		}
		if _, err := e.run(ctx, "image", "rm", "--force", id); err != nil && !strings.Contains(err.Error(), "No such image") {
			return err
		}
	}
	e.made, e.names = nil, nil
	return nil
}

// published is the name of a base image in our registry.
func (e *engine) published(name string) string { return e.registry + "/bases/" + name }

// lose removes every image of an engine that is for this benchmark alone.
func (e *engine) lose(ctx context.Context) error {
	out, err := e.run(ctx, "image", "ls", "--all", "--quiet")
	if err != nil {
		return err
	}
	if ids := strings.Fields(out); len(ids) > 0 {
		if _, err := e.run(ctx, append([]string{"image", "rm", "--force"}, ids...)...); err != nil && !strings.Contains(err.Error(), "No such image") {
			return err
		}
	}
	return e.prune(ctx)
}

// restore brings the base images back.
func (e *engine) restore(ctx context.Context) error {
	for _, name := range e.bases {
		for _, args := range [][]string{{"pull", "--quiet", e.published(name)}, {"tag", e.published(name), name}, {"image", "rm", e.published(name)}} {
			if _, err := e.run(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *engine) imageID(ctx context.Context, name string) (string, error) {
	out, err := e.run(ctx, "image", "inspect", "--format", "{{.Id}}", name)
	return strings.TrimSpace(out), err
}

// maxManifest is in bytes, of what `docker save` says of an image.
const maxManifest = 16 << 20

// unpackedSize adds up the tar files of an image's layers.
func (e *engine) unpackedSize(ctx context.Context, name string) (int64, error) {
	cmd := e.command(ctx, "save", name)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	total, err := layerSizes(pipe)
	_, _ = io.Copy(io.Discard, pipe)
	return total, errors.Join(err, cmd.Wait())
}

// layerSizes reads an archive of `docker save`.
func layerSizes(r io.Reader) (total int64, err error) {
	sizes := map[string]int64{}
	var manifest []struct{ Layers []string }
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
		sizes[h.Name] = h.Size
		if h.Name == "manifest.json" {
			data, err := io.ReadAll(io.LimitReader(archive, maxManifest))
			if err != nil {
				return 0, err
			}
			if err := json.Unmarshal(data, &manifest); err != nil {
				return 0, err
			}
		}
	}
	if len(manifest) != 1 {
		return 0, errors.New("docker save: no manifest of one image")
	}
	for _, l := range manifest[0].Layers {
		total += sizes[l]
	}
	return total, nil
}

// tidy removes what stayed to the end.
func (e *engine) tidy(ctx context.Context) error {
	return errors.Join(e.forget(ctx), e.remove(ctx, e.grounds...), e.prune(ctx))
}

// noDocker reports that the docker command is not there.
func noDocker() bool {
	_, err := exec.LookPath("docker")
	return err != nil
}
