package destination

import (
	"context"
)

var ociArchiveKind = kind{name: "oci-archive", place: "FILE", open: func(place string) Destination { return ociArchive(place) }}

// ociArchive is a tar of an OCI layout: one file that holds all platforms, as skopeo and `podman load` read it. Its
// bytes are a function of the image and its names.
type ociArchive string

// Check finds a place that Write would refuse.
func (a ociArchive) Check(context.Context, []string) error { return checkFile(string(a)) }

// Write makes the file, or replaces it.
func (a ociArchive) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	c, tags, err := prepare(img, opt)
	if err != nil {
		return Result{}, err
	}
	files, err := appendLayoutFiles(nil, c.descriptor(), tags)
	if err != nil {
		return Result{}, err
	}
	for _, b := range c.all() {
		files = append(files, archiveFile{blobName(b), b})
	}
	sent, err := writeArchiveFile(ctx, string(a), files, opt.On)
	return Result{Digest: c.root().digest.String(), Sent: sent}, err
}
