//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestReaders gives a layout and an archive to all that read them.
func TestReaders(t *testing.T) {
	l := needDocker(t, "podman", "skopeo", "umoci")
	t.Parallel()
	dir := l.temp(t)
	oci, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "image.tar")
	name := fmt.Sprintf("lithe.test/reader-%x:1", rand.Uint64())
	m := l.build(t, l.project(t, "hello-world"), call{args: []string{"-o", "oci:" + oci, "-o", "docker-archive:" + archive, "-t", name}})
	for _, o := range m.Outputs {
		if o.Reference != m.Digest {
			t.Errorf("%s has %s, not %s", o.Destination, o.Reference, m.Digest)
		}
	}
	t.Run("docker", func(t *testing.T) {
		t.Cleanup(func() { quietly("docker", "rmi", "--force", name) })
		docker(t, "load", "--input", archive)
		greets(t, docker(t, "run", "--rm", "--network", "none", name))
	})
	t.Run("podman", func(t *testing.T) {
		p := newPodman(t, l)
		p.run(t, "load", "--input", archive)
		greets(t, p.run(t, "run", "--rm", "--network", "none", name))
		id := p.run(t, "pull", "--quiet", "oci:"+oci)
		greets(t, p.run(t, "run", "--rm", "--network", "none", id))
	})
	t.Run("skopeo", func(t *testing.T) {
		if digest := command(t, "skopeo", "inspect", "--format", "{{.Digest}}", "oci:"+oci+":"+name); strings.TrimSpace(digest) != m.Digest {
			t.Errorf("skopeo reads the digest %s, not %s", digest, m.Digest)
		}
		to := filepath.Join(dir, "copied")
		command(t, "skopeo", "copy", "--quiet", "--preserve-digests", "oci:"+oci+":"+name, "dir:"+to)
		for _, layer := range m.layers() {
			if info, err := os.Stat(filepath.Join(to, strings.TrimPrefix(layer.Digest, "sha256:"))); err != nil || info.Size() != layer.Size {
				t.Errorf("%s layer after a copy: %v", layer.Kind, err)
			}
		}
		command(t, "skopeo", "copy", "--quiet", "docker-archive:"+archive, "dir:"+filepath.Join(dir, "copied archive"))
	})
	t.Run("umoci", func(t *testing.T) {
		tags := strings.Split(strings.TrimSpace(command(t, "umoci", "ls", "--layout", oci)), "\n")
		if !slices.Contains(tags, name) {
			t.Errorf("umoci sees %q", tags)
		}
		// Its command line takes no name with a colon, so the layout gets a plain one.
		plain := filepath.Join(dir, "plain")
		command(t, "skopeo", "copy", "--quiet", "--preserve-digests", "oci:"+oci+":"+name, "oci:"+plain+":image")
		bundle := filepath.Join(dir, "bundle")
		command(t, "umoci", "unpack", "--image", plain+":image", bundle)
		if _, err := os.Stat(filepath.Join(bundle, "rootfs/venv/bin/hello-world")); err != nil {
			t.Error(err)
		}
	})
	t.Run("go-containerregistry", func(t *testing.T) {
		img, err := tarball.ImageFromPath(archive, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, img := range map[string]v1.Image{"layout": layoutImage(t, oci), "archive": img} {
			if err := validate.Image(img); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		// An archive holds no manifest: the digest of a layout alone is lithe's.
		if got, err := layoutImage(t, oci).Digest(); err != nil || got.String() != m.Digest {
			t.Errorf("digest %s, not %s (%v)", got, m.Digest, err)
		}
	})
}

func greets(t *testing.T, out string) {
	t.Helper()
	if out != "Hello, world!" {
		t.Errorf("printed %q", out)
	}
}

// layoutImage opens the only image of a layout.
func layoutImage(t *testing.T, dir string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in %s", len(manifest.Manifests), dir)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
