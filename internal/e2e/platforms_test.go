//go:build linux

package e2e

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const bothPlatforms = "linux/amd64,linux/arm64"

// TestPlatforms builds for two architectures on one, which emulates nothing, and looks into what came out.
func TestPlatforms(t *testing.T) {
	l := need(t, "skopeo", "umoci")
	t.Parallel()
	for _, example := range []string{"hello-world", "fastapi-service"} {
		t.Run(example, func(t *testing.T) {
			dir := l.temp(t)
			oci, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "image.tar")
			// Without a PATH no emulator can be found, and what has an empty store must make everything.
			m := l.build(t, l.project(t, example), call{store: filepath.Join(dir, "store"), env: []string{"PATH=/nonexistent"},
				args: []string{"--platform", bothPlatforms, "-t", "app:1", "-o", "oci:" + oci, "-o", "oci-archive:" + archive}})
			for _, o := range m.Outputs {
				if o.Reference != m.Digest {
					t.Errorf("%s has %s, not the index %s", o.Destination, o.Reference, m.Digest)
				}
			}
			if first := l.first[example].Digest; m.Platforms[0].Digest != first {
				t.Errorf("linux/amd64 is %s in the index, and %s alone", m.Platforms[0].Digest, first)
			}
			readIndex(t, m, oci, archive)
			img := imageFor(t, oci, "arm64")
			merged := checkContents(t, readLayers(t, img))
			isForArm64(t, merged)
			runsNothingHere(t, merged)
		})
	}
}

// readIndex gives an index to all that read them. umoci takes one image, which skopeo picks.
func readIndex(t *testing.T, m metadata, oci, archive string) {
	t.Helper()
	index, err := layoutIndex(t, oci)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	for _, source := range []string{"oci:" + oci, "oci-archive:" + archive} {
		to := filepath.Join(t.TempDir(), "all")
		command(t, "skopeo", "copy", "--quiet", "--all", "--preserve-digests", source, "dir:"+to)
		for _, p := range m.Platforms {
			for _, layer := range p.Layers {
				if info, err := os.Stat(filepath.Join(to, strings.TrimPrefix(layer.Digest, "sha256:"))); err != nil || info.Size() != layer.Size {
					t.Errorf("%s: %s layer of %s after a copy: %v", source, layer.Kind, p.Platform, err)
				}
			}
		}
	}
	for _, p := range m.Platforms {
		_, arch, _ := strings.Cut(p.Platform, "/")
		one := filepath.Join(t.TempDir(), "one")
		command(t, "skopeo", "copy", "--quiet", "--override-arch", arch, "--preserve-digests", "oci:"+oci, "oci:"+one+":image")
		if got, err := layoutImage(t, one).Digest(); err != nil || got.String() != p.Digest {
			t.Errorf("skopeo picks %v for %s, not %s (%v)", got, p.Platform, p.Digest, err)
		}
		bundle := filepath.Join(t.TempDir(), "bundle")
		command(t, "umoci", "unpack", "--image", one+":image", bundle)
		if _, err := os.Stat(filepath.Join(bundle, "rootfs/venv/pyvenv.cfg")); err != nil {
			t.Errorf("%s: %v", p.Platform, err)
		}
	}
}

// layoutIndex opens the only index of a layout.
func layoutIndex(t *testing.T, dir string) (v1.ImageIndex, error) {
	t.Helper()
	all, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in %s", len(manifest.Manifests), dir)
	}
	return all.ImageIndex(manifest.Manifests[0].Digest)
}

// imageFor opens the image of an architecture in the only index of a layout.
func imageFor(t *testing.T, dir, arch string) v1.Image {
	t.Helper()
	index, err := layoutIndex(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture != arch {
			continue
		}
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	t.Fatalf("no image for %s in %s", arch, dir)
	return nil
}

// isForArm64 checks that every binary is for that architecture, and that the loader it names is there.
func isForArm64(t *testing.T, merged map[string]file) {
	t.Helper()
	binaries, programs := 0, 0
	for name, f := range merged {
		if !bytes.HasPrefix(f.data, []byte(elf.ELFMAG)) {
			continue
		}
		binaries++
		object, err := elf.NewFile(bytes.NewReader(f.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if object.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is for %s", name, object.Machine)
		}
		for _, segment := range object.Progs {
			if segment.Type != elf.PT_INTERP {
				continue
			}
			programs++
			text, err := io.ReadAll(segment.Open())
			if err != nil {
				t.Fatal(err)
			}
			loader := resolve(merged, strings.Trim(string(text), "/\x00"))
			if f := merged[loader]; f.Mode&0o111 == 0 || !bytes.HasPrefix(f.data, []byte(elf.ELFMAG)) {
				t.Errorf("%s wants the loader %s, which is no program", name, loader)
			}
		}
	}
	if binaries < 20 || programs == 0 {
		t.Errorf("%d binaries, %d programs: the walk is broken", binaries, programs)
	}
}

// resolve follows the links of an image.
func resolve(merged map[string]file, name string) string {
	done := ""
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		done, rest = path.Join(done, rest[0]), rest[1:]
		link := merged[done].Linkname
		switch {
		case link == "":
		case path.IsAbs(link):
			done, rest = "", append(strings.Split(link[1:], "/"), rest...)
		default:
			done, rest = path.Dir(done), append(strings.Split(link, "/"), rest...)
		}
	}
	return done
}

// runsNothingHere shows that this machine cannot start a program of the image, so that nobody has.
func runsNothingHere(t *testing.T, merged map[string]file) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(program, merged["usr/bin/python3.13"].data, 0o755); err != nil {
		t.Fatal(err)
	}
	err := exec.Command(program, "--version").Run()
	if _, ran := errors.AsType[*exec.ExitError](err); err == nil || ran {
		t.Skip("this machine emulates arm64 for whoever asks, so that it cannot be told whether somebody did")
	}
	if !errors.Is(err, syscall.ENOEXEC) {
		t.Errorf("a program for arm64 fails with %v", err)
	}
}
