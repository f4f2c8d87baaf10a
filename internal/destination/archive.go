package destination

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

var dockerArchiveKind = kind{name: "docker-archive", place: "FILE", open: func(place string) Destination { return archive(place) }}

// archive is a tar that `docker load`, `podman load` and `nerdctl load` read. As those of Docker since 25 it is an
// OCI layout as well, with the layers compressed, so that engines that know digests keep ours.
type archive string

// Write makes the file, or replaces it.
func (a archive) Write(ctx context.Context, img v1.Image, opt Options) (Result, error) {
	tags, err := parseTags(opt.Tags)
	if err != nil {
		return Result{}, err
	}
	p, err := takeApart(img)
	if err != nil {
		return Result{}, err
	}
	m := &meter{event: Event{Item: string(a), Total: total(p.all())}, on: opt.On}
	err = writeFile(string(a), func(f *os.File) error {
		m.w = f
		return writeArchive(ctx, m, p, tags, 0)
	})
	if err != nil {
		return Result{}, err
	}
	return Result{Digest: p.manifest.digest.String(), Sent: m.event.Done}, nil
}

// loadEntry is an element of manifest.json, which Docker reads.
type loadEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// writeArchive writes the image as a tar. The lowest `without` layers are named and left out, which Docker accepts
// for layers that it has; such an archive is no OCI layout and does not claim to be one.
func writeArchive(ctx context.Context, w io.Writer, p *parts, tags []tag, without int) error {
	t := tar.NewWriter(w)
	blobs := append([]blob{p.config}, unique(p.layers[without:])...)
	if without == 0 {
		if err := writeLayoutFiles(t, p, tags); err != nil {
			return err
		}
		blobs = append(blobs, p.manifest)
	}
	entry := loadEntry{Config: blobName(p.config), Layers: []string{}}
	for _, tag := range tags {
		entry.RepoTags = append(entry.RepoTags, tag.short())
	}
	for _, l := range p.layers {
		entry.Layers = append(entry.Layers, blobName(l))
	}
	if err := writeJSON(t, "manifest.json", []loadEntry{entry}); err != nil {
		return err
	}
	for _, b := range blobs {
		if err := t.WriteHeader(tarHeader(blobName(b), b.size)); err != nil {
			return err
		}
		if err := b.copyTo(ctx, t); err != nil {
			return err
		}
	}
	return t.Close()
}

// writeLayoutFiles makes the archive an OCI layout.
func writeLayoutFiles(t *tar.Writer, p *parts, tags []tag) error {
	if err := writeBytes(t, layoutFile, []byte(layoutContent)); err != nil {
		return err
	}
	return writeJSON(t, indexFile, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: descriptors(p, tags)})
}

// writeJSON adds a file with the JSON of a value.
func writeJSON(t *tar.Writer, name string, v any) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	return writeBytes(t, name, data)
}

// writeBytes adds a file.
func writeBytes(t *tar.Writer, name string, data []byte) error {
	if err := t.WriteHeader(tarHeader(name, int64(len(data)))); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}

// tarHeader has every field fixed. The format is USTAR but for blobs of 8 GiB and more.
func tarHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644,
		ModTime: time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)}
}

// blobName is a blob's place in a layout.
func blobName(b blob) string { return "blobs/" + b.digest.Algorithm + "/" + b.digest.Hex }
