package destination

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

var dockerArchiveKind = kind{name: "docker-archive", place: "FILE", open: func(place string) Destination { return archive(place) }}

// archive is a tar that `docker load`, `podman load` and `nerdctl load` read. As those of Docker since 25 it is an
// OCI layout as well, with the layers compressed, so that engines that know digests keep ours.
type archive string

// Write makes the file, or replaces it.
func (a archive) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	c, tags, err := prepare(img, opt)
	if err != nil {
		return Result{}, err
	}
	p, platform := c.one(runtime.GOARCH)
	files, err := archiveFiles(p, tags, nil, false)
	if err != nil {
		return Result{}, err
	}
	sent, err := writeArchiveFile(ctx, string(a), files, opt.On)
	return Result{Digest: p.manifest.digest.String(), Sent: sent, Platform: platform}, err
}

// Check finds a place that Write would refuse.
func (a archive) Check(context.Context, []string) error { return checkFile(string(a)) }

// writeArchiveFile makes the file of an archive.
func writeArchiveFile(ctx context.Context, path string, files []archiveFile, on func(Event)) (sent int64, err error) {
	m := &meter{event: Event{Item: path, Total: archiveSize(files)}, on: on}
	err = writeFile(path, func(f *os.File) error {
		m.w = f
		return writeArchive(ctx, m, files)
	})
	return m.event.Done, err
}

// archiveFile is a file of an archive.
type archiveFile struct {
	name string
	blob
}

// loadEntry is an element of manifest.json, which Docker reads.
type loadEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// archiveFiles returns what an archive holds, small files first. Layers of `without` are named and left out, which engines
// accept for layers that they have. Docker's own store does so only where the archive does not claim to be an OCI layout,
// and containerd's only where it does.
func archiveFiles(p *parts, tags []tag, without map[v1.Hash]bool, layout bool) ([]archiveFile, error) {
	entry := loadEntry{Config: blobName(p.config), Layers: []string{}}
	for _, tag := range tags {
		entry.RepoTags = append(entry.RepoTags, tag.short())
	}
	for _, l := range p.layers {
		entry.Layers = append(entry.Layers, blobName(l))
	}
	files, err := appendJSON(nil, "manifest.json", []loadEntry{entry})
	sent := slices.DeleteFunc(unique(p.layers), func(l blob) bool { return without[l.digest] })
	blobs := append([]blob{p.config}, sent...)
	if err == nil && (layout || len(without) == 0) {
		files, err = appendLayoutFiles(files, p.descriptor(), tags)
		blobs = append(blobs, p.manifest)
	}
	if err != nil {
		return nil, err
	}
	for _, b := range blobs {
		files = append(files, archiveFile{blobName(b), b})
	}
	return files, nil
}

// appendLayoutFiles makes the archive an OCI layout.
func appendLayoutFiles(files []archiveFile, root v1.Descriptor, tags []tag) ([]archiveFile, error) {
	files, err := appendJSON(files, layoutFile, json.RawMessage(layoutContent))
	if err != nil {
		return nil, err
	}
	return appendJSON(files, indexFile, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: descriptors(root, tags)})
}

// appendJSON adds a file with the JSON of a value.
func appendJSON(files []archiveFile, name string, v any) ([]archiveFile, error) {
	data, err := encode(v)
	if err != nil {
		return nil, err
	}
	b, err := bytesBlob(data)
	return append(files, archiveFile{name, b}), err
}

// archiveSize returns how long an archive will be.
func archiveSize(files []archiveFile) int64 {
	const block = 512
	n := int64(2 * block)
	for _, f := range files {
		n += block + (f.size+block-1)/block*block
	}
	return n
}

// writeArchive writes the files as a tar.
func writeArchive(ctx context.Context, w io.Writer, files []archiveFile) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		if err := t.WriteHeader(tarHeader(f.name, f.size)); err != nil {
			return err
		}
		if err := f.copyTo(ctx, t); err != nil {
			return err
		}
	}
	return t.Close()
}

// tarHeader has every field fixed. The format is USTAR but for blobs of 8 GiB and more.
func tarHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644,
		ModTime: time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)}
}

// blobName is a blob's place in a layout.
func blobName(b blob) string { return "blobs/" + b.digest.Algorithm + "/" + b.digest.Hex }
