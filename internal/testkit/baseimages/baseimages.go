// Package baseimages makes the images that bases of tests are: slim-like, distroless-like and Alpine-like ones.
//
// Slim, Distroless and Alpine consist of ELF files without code, for tests that run nothing of an image. RealSlim and the
// like make ones that run, of the layers of an image that lithe assembled from Debian's packages, and of a Python that
// is built on musl.
package baseimages

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Created is the date of all images.
var Created = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// Files is what a layer has: contents by path. "-> target" is a link; a path that ends with a slash is a directory.
type Files map[string]string

// With returns a copy with some files added, or replaced.
func (f Files) With(more Files) Files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

// Layer is one layer, of OCI's or Docker's media type.
type Layer struct {
	Files     Files
	Tar       []byte          // in place of files
	MediaType types.MediaType // "" means OCI's with gzip
}

// Spec describes an image.
type Spec struct {
	Arch   string // "" means amd64
	Layers []Layer
	Config v1.Config
	Docker bool // manifest and config have Docker's media types
}

// Image makes an image.
func Image(s Spec) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if s.Docker {
		img = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.DockerManifestSchema2), types.DockerConfigJSON)
	}
	for _, l := range s.Layers {
		layer, err := l.pack()
		if err != nil {
			return nil, err
		}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, MediaType: layer.mediaType}); err != nil {
			return nil, err
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created, file.Config = "linux", s.Arch, v1.Time{Time: Created}, s.Config
	if s.Arch == "" {
		file.Architecture = "amd64"
	}
	return mutate.ConfigFile(img, file)
}

// packed is a layer with the digest of its tar.
type packed struct {
	v1.Layer
	diffID    v1.Hash
	mediaType types.MediaType
}

// DiffID returns the hash of the tar.
func (p packed) DiffID() (v1.Hash, error) { return p.diffID, nil }

func (l Layer) pack() (packed, error) {
	p := packed{mediaType: l.MediaType}
	if p.mediaType == "" {
		p.mediaType = types.OCILayer
	}
	tarball := l.Tar
	var err error
	if tarball == nil {
		tarball, err = l.Files.tar()
	}
	if err != nil {
		return p, err
	}
	if p.diffID, _, err = v1.SHA256(bytes.NewReader(tarball)); err != nil {
		return p, err
	}
	blob, err := compress(tarball, p.mediaType)
	p.Layer = static.NewLayer(blob, p.mediaType)
	return p, err
}

// compress makes a blob of the kind that its type says.
func compress(data []byte, mediaType types.MediaType) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch {
	case strings.HasSuffix(string(mediaType), "zstd"):
		w, err = zstd.NewWriter(&out)
	case strings.HasSuffix(string(mediaType), "gzip"):
		w = gzip.NewWriter(&out)
	default:
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// tar writes the files in the order of their paths.
func (f Files) tar() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		content := f[name]
		h := &tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg, Size: int64(len(content)), ModTime: Created}
		switch target, link := strings.CutPrefix(content, "-> "); {
		case strings.HasSuffix(name, "/"):
			h.Typeflag = tar.TypeDir
		case link:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, target, 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if h.Size == 0 {
			continue
		}
		if _, err := io.WriteString(w, content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
