package build_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/baseimages"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// onImage is a project on an image of the registry, with a lock, and the options to build it.
func onImage(t *testing.T, r *baseimages.Registry, image string) (string, build.Options) {
	t.Helper()
	s := newSite(t, pyindex.Wheel{Name: "colours", Version: "2.0"}, pyindex.Wheel{Name: "fast", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_x86_64"},
		pyindex.Wheel{Name: "fast", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_aarch64"}, pyindex.Wheel{Name: "fast", Version: "1.0", Tag: "cp313-cp313-musllinux_1_2_x86_64"})
	dir := filepath.Join(t.TempDir(), "greeter")
	write(t, dir, greeter("hello", "colours", "fast"))
	s.lock(t, dir)
	opt := s.options(t, dir)
	opt.Base = r.Host + "/" + image
	return dir, opt
}

func TestImageBase(t *testing.T) {
	r := baseimages.Serve(t)
	r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 5), baseimages.Slim("arm64", 5))
	_, opt := onImage(t, r, "python:3.13-slim")
	result := run(t, opt)
	p := result.Platforms[0]
	var kinds []string
	for _, l := range p.Layers {
		kinds = append(kinds, string(l.Kind))
	}
	if diff := cmp.Diff([]string{"base", "base", "base", "base", "interpreter", "wheels", "wheels", "project"}, kinds); diff != "" {
		t.Error(diff)
	}
	config := p.Plan.Config
	env := []string{"PATH=/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LANG=C.UTF-8",
		"PYTHONFAULTHANDLER=1", "PYTHONUNBUFFERED=1", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "GPG_KEY=7169"}
	if diff := cmp.Diff(env, config.Env); diff != "" {
		t.Error(diff)
	}
	if config.User != "65532:65532" || !config.Created.Equal(baseimages.Created) || config.ExposedPorts != nil || config.Labels["maintainer"] != "" ||
		!strings.HasPrefix(config.Labels["org.opencontainers.image.base.digest"], "sha256:") {
		t.Errorf("config is %+v", config)
	}
	manifest, err := p.Image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range manifest.Layers {
		if l.MediaType != "application/vnd.oci.image.layer.v1.tar+gzip" || (l.Annotations == nil) != (i < 4 || i == len(manifest.Layers)-1) {
			t.Errorf("layer %d is %+v", i, l)
		}
	}
	again := opt
	again.Store = t.TempDir()
	again.Locked = true
	if second := run(t, again); second.Digest != result.Digest {
		t.Errorf("digest %s from the lock, %s before", second.Digest, result.Digest)
	}
}

// TestImageBaseIsNotDownloaded builds where the store knows the base and has nothing of it any more: a change of the source
// moves no layer of it to a destination that has them.
func TestImageBaseIsNotDownloaded(t *testing.T) {
	r := baseimages.Serve(t)
	r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 5))
	dir, opt := onImage(t, r, "python:3.13-slim")
	layout := filepath.Join(t.TempDir(), "layout")
	opt.Outputs = []string{"oci:" + layout}
	first := run(t, opt)
	if got := r.Asked("GET", "/blobs/"); len(got) != 5 { // the config, and each layer once
		t.Errorf("the first build asked for %q", got)
	}
	for _, l := range first.Platforms[0].Layers {
		if l.Remote {
			sum := strings.TrimPrefix(l.Digest, "sha256:")
			if err := os.Remove(filepath.Join(opt.Store, "blobs", "sha256", sum[:2], sum)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, dir, map[string]string{"greeter/__init__.py": "def main():\n    print('changed')\n"})
	second := run(t, opt)
	if diff := compare(first, second); len(diff.gone) != 1 || len(diff.added) != 1 {
		t.Errorf("the change moved %+v", diff)
	}
	if got := r.Asked(); len(got) != 0 {
		t.Errorf("the second build asked for %q", got)
	}

	// Another destination has nothing, and gets all of it.
	opt.Outputs = []string{"oci:" + filepath.Join(t.TempDir(), "other")}
	run(t, opt)
	if got := r.Asked("GET", "/blobs/"); len(got) != 4 {
		t.Errorf("a new destination made lithe ask for %q", got)
	}
}

// TestImageBaseMoves changes what the name of the base means.
func TestImageBaseMoves(t *testing.T) {
	r := baseimages.Serve(t)
	r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 5), baseimages.Slim("arm64", 5))
	dir, opt := onImage(t, r, "python:3.13-slim")
	first := run(t, opt)
	r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 6), baseimages.Slim("arm64", 6))
	if same := run(t, opt); same.Digest != first.Digest {
		t.Error("the image moved without --upgrade")
	}
	// One more platform is taken from the pinned index, not from the new one.
	opt.Platforms = []string{"linux/amd64", "linux/arm64"}
	both := run(t, opt)
	if got := both.Platforms[1].Plan.Python; got != "3.13.5" || both.Platforms[0].Digest != first.Digest {
		t.Errorf("arm64 has Python %s, and amd64 is %s", got, both.Platforms[0].Digest)
	}
	changes, err := build.Lock(t.Context(), opt, true)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(changes, "\n")
	for _, want := range []string{"linux/amd64: " + r.Host + "/python:3.13-slim sha256:", "linux/arm64: python 3.13.5 -> 3.13.6"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if moved := run(t, opt); moved.Platforms[0].Plan.Python != "3.13.6" {
		t.Errorf("Python is %s", moved.Platforms[0].Plan.Python)
	}
	if err := os.Remove(filepath.Join(dir, "lithe.lock")); err != nil {
		t.Fatal(err)
	}
	opt.Locked = true
	if _, err := build.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "there is no lithe.lock") {
		t.Errorf("--locked without a lock: %v", err)
	}
}

func TestImageBaseOfMusl(t *testing.T) {
	r := baseimages.Serve(t)
	r.Push(t, "alpine:3", baseimages.Alpine("amd64", 5))
	_, opt := onImage(t, r, "alpine:3")
	p := run(t, opt).Platforms[0]
	i := slices.IndexFunc(p.Plan.Packages, func(p plan.Package) bool { return p.Name == "fast" })
	if got := p.Plan.Packages[i].Filename; got != "fast-1.0-cp313-cp313-musllinux_1_2_x86_64.whl" {
		t.Errorf("the wheel is %s", got)
	}
	raw, err := p.Image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Layers []struct{ MediaType string } }
	if err := json.Unmarshal(raw, &manifest); err != nil || manifest.Layers[0].MediaType != "application/vnd.oci.image.layer.v1.tar+zstd" {
		t.Errorf("layers are %+v (%v)", manifest.Layers, err)
	}
	if p.Plan.Config.User != "1000:1000" {
		t.Errorf("the user is %s", p.Plan.Config.User)
	}
	root, err := p.Materialize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(filepath.Join(root, "venv/bin/python")); err != nil || target != "/usr/local/bin/python3.13" {
		t.Errorf("the environment's interpreter is %s (%v)", target, err)
	}
}
