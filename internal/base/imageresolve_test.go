package base

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/baseimages"
)

func TestParseImage(t *testing.T) {
	sum := "sha256:" + strings.Repeat("a", 64)
	for name, want := range map[string]string{
		"python:3.13-slim":                     "docker.io/library/python:3.13-slim",
		"docker.io/library/debian:trixie":      "docker.io/library/debian:trixie",
		"team/app":                             "docker.io/team/app:latest",
		"registry.example/python":              "registry.example/python:latest",
		"registry.example:5000/a/b:1":          "registry.example:5000/a/b:1",
		"localhost:5000/python":                "localhost:5000/python:latest",
		"registry.example/python@" + sum:       "registry.example/python@" + sum,
		"registry.example/python:3@" + sum:     "registry.example/python:3@" + sum,
		"debian@" + sum:                        "docker.io/library/debian@" + sum,
		"cgr.dev/chainguard/python:latest-dev": "cgr.dev/chainguard/python:latest-dev",
		"gcr.io/distroless/python3-debian12":   "gcr.io/distroless/python3-debian12:latest",
		"index.docker.io/library/python:3.13":  "docker.io/library/python:3.13",
		"debian/snapshot:trixie":               "docker.io/debian/snapshot:trixie",
	} {
		got, err := Parse(name)
		if got != want || err != nil || !IsImage(got) {
			t.Errorf("Parse(%q) = %q, %v; want %q", name, got, err, want)
		}
		if again, err := Parse(got); again != got || err != nil {
			t.Errorf("Parse(%q) = %q, %v: a full name changes", got, again, err)
		}
	}
	if got := repository("registry.example:5000/a/b:1@" + sum); got != "registry.example:5000/a/b" {
		t.Errorf("the repository is %q", got)
	}
}

// imageOptions asks a registry with a store of its own.
func imageOptions(t *testing.T, name string, platforms ...string) Options {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return Options{Name: name, Platforms: platforms, Registry: registry.New(registry.Options{}), Store: st}
}

func TestResolveImage(t *testing.T) {
	r := baseimages.Serve(t)
	digest := r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 5), baseimages.Slim("arm64", 5))
	name := r.Host + "/python:3.13-slim"
	opt := imageOptions(t, name, "linux/amd64", "linux/arm64")
	pins, err := Resolve(t.Context(), nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pins.Name != name || pins.Image != digest || !pins.Created.Equal(baseimages.Created) || pins.Repository() != r.Host+"/python" {
		t.Errorf("pins are %+v", pins)
	}
	for _, platform := range opt.Platforms {
		f, err := pins.Facts(platform)
		want := Facts{Python: "3.13.5", ABI: "cp313", Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}, Interpreter: "/usr/local/bin/python3.13"}
		if diff := cmp.Diff(want, f); diff != "" || err != nil {
			t.Errorf("%s: %v %s", platform, err, diff)
		}
	}
	selection, _ := pins.Selection("linux/arm64")
	if l := selection.Image.Layers; len(l) != 4 || l[0].Unpacked%512 != 0 || l[0].Unpacked == 0 || l[0].MediaType != "" {
		t.Errorf("layers are %+v", selection.Image.Layers)
	}

	// What the name means changes; what was pinned does not.
	r.Push(t, "python:3.13-slim", baseimages.Slim("amd64", 6), baseimages.Slim("arm64", 6))
	pinned := opt
	pinned.Digest, pinned.Platforms = pins.Image, []string{"linux/arm64"}
	again, err := Resolve(t.Context(), nil, pinned, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(selection, again.Platforms[0]); diff != "" || again.Image != digest {
		t.Error(diff)
	}
	moved, err := Resolve(t.Context(), nil, opt, nil)
	if err != nil || moved.Image == digest || moved.Platforms[0].Image.Python != "3.13.6" {
		t.Errorf("the name still means %+v (%v)", moved, err)
	}
}

func TestResolveImageKinds(t *testing.T) {
	r := baseimages.Serve(t)
	musl := wheeltag.Libc{Family: "musl", Major: 1, Minor: 2}
	for name, test := range map[string]struct {
		spec        baseimages.Spec
		libc        wheeltag.Libc
		interpreter string
		user        string
		mediaType   types.MediaType
	}{
		"distroless": {baseimages.Distroless("amd64", 5), wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}, "/usr/bin/python3.13", "65532:65532", ""},
		"alpine":     {baseimages.Alpine("amd64", 5), musl, "/usr/local/bin/python3.13", "1000:1000", types.OCILayerZStd},
	} {
		t.Run(name, func(t *testing.T) {
			r.Push(t, name+":1", test.spec)
			pins, err := Resolve(t.Context(), nil, imageOptions(t, r.Host+"/"+name+":1", "linux/amd64"), nil)
			if err != nil {
				t.Fatal(err)
			}
			f, err := pins.Facts("linux/amd64")
			image := pins.Platforms[0].Image
			if err != nil || f.Libc != test.libc || f.Interpreter != test.interpreter || image.User != test.user ||
				image.Layers[0].MediaType != string(test.mediaType) {
				t.Errorf("facts are %+v of %+v (%v)", f, image, err)
			}
		})
	}
}

func TestResolveImageRefuses(t *testing.T) {
	r := baseimages.Serve(t)
	foreign := baseimages.Slim("amd64", 5)
	foreign.Layers[1].MediaType = types.DockerForeignLayer
	encrypted := baseimages.Distroless("amd64", 5)
	encrypted.Layers[0].MediaType = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
	r.Push(t, "foreign:1", foreign)
	r.Push(t, "encrypted:1", encrypted)
	r.Push(t, "empty:1", baseimages.Spec{Layers: []baseimages.Layer{{Files: baseimages.Files{"etc/x": "1"}}}, Config: v1.Config{}})
	r.Push(t, "arm:1", baseimages.Slim("arm64", 5))
	r.Push(t, "two:1", baseimages.Slim("arm64", 5), baseimages.Spec{Arch: "s390x", Layers: []baseimages.Layer{{Files: baseimages.Files{"a": "b"}}}})
	r.Push(t, "liar:1", func() baseimages.Spec { s := baseimages.Slim("arm64", 5); s.Arch = "amd64"; return s }())
	for image, want := range map[string]string{
		"foreign:1":   "its layer 2 of 4 is of type \"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\"",
		"encrypted:1": "cannot be part of another image",
		"empty:1":     "base " + r.Host + "/empty:1 for linux/amd64: it has no Python: neither python3 nor python is in",
		"arm:1":       "it is for linux/arm64",
		"two:1":       "it is for linux/arm64, linux/s390x only",
		"liar:1":      "is for EM_AARCH64, and the image says that it is for linux/amd64",
		"nothing:1":   "is not in the registry",
	} {
		_, err := Resolve(t.Context(), nil, imageOptions(t, r.Host+"/"+image, "linux/amd64"), nil)
		if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", image, err, want)
		}
	}
}

func TestSkeleton(t *testing.T) {
	var got []string
	for _, e := range Skeleton(Facts{Python: "3.13.5", ABI: "cp313", Interpreter: "/usr/local/bin/python3.13"}) {
		got = append(got, strings.TrimSuffix(e.Path+" -> "+e.Link, " -> "))
		if e.Path == "venv/pyvenv.cfg" {
			if text, err := e.Read(); err != nil || !strings.HasPrefix(string(text), "home = /usr/local/bin\n") {
				t.Errorf("pyvenv.cfg is %q (%v)", text, err)
			}
		}
		if e.Path == "tmp" && e.Mode.Perm() != 0o777 || e.Type == entry.Dir && e.Path != "tmp" && e.Mode.Perm()&0o022 != 0 {
			t.Errorf("%s has mode %v", e.Path, e.Mode)
		}
	}
	want := []string{"tmp", "venv", "venv/bin", "venv/bin/python -> /usr/local/bin/python3.13", "venv/bin/python3 -> python",
		"venv/bin/python3.13 -> python", "venv/lib", "venv/lib/python3.13", "venv/lib/python3.13/site-packages", "venv/pyvenv.cfg"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
