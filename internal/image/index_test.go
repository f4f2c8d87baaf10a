package image_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/plan"
)

// members are images for two platforms, which have their layers in common.
func members(t *testing.T) []image.Member {
	t.Helper()
	st, layers := sample(t)
	var all []image.Member
	for _, arch := range []string{"amd64", "arm64"} {
		cfg := config()
		cfg.Platform = plan.Platform{OS: "linux", Arch: arch}
		all = append(all, image.Member{Image: build(t, cfg, layers, st), Platform: cfg.Platform})
	}
	return all
}

func TestIndexGolden(t *testing.T) {
	all := members(t)
	index, err := image.NewIndex(all, map[string]string{"b": "<2>", "a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := index.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":667,"digest":"D0","platform":{"architecture":"amd64","os":"linux"}},` +
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":667,"digest":"D1","platform":{"architecture":"arm64","os":"linux","variant":"v8"}}],` +
		`"annotations":{"a":"1","b":"<2>"}}`
	got := strings.NewReplacer(digest(t, all[0].Image), "D0", digest(t, all[1].Image), "D1").Replace(string(raw))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// The configuration of an arm64 image names the variant that the index names: Podman compares them.
func TestVariant(t *testing.T) {
	file, err := members(t)[1].Image.ConfigFile()
	if err != nil || file.Architecture != "arm64" || file.Variant != "v8" {
		t.Errorf("%+v, %v", file.Platform(), err)
	}
}

func TestIndexRefuses(t *testing.T) {
	all := members(t)
	if _, err := image.NewIndex([]image.Member{all[0], all[0]}, nil); err == nil || !strings.Contains(err.Error(), "two images for linux/amd64") {
		t.Errorf("one platform twice: %v", err)
	}
	index, err := image.NewIndex(all[:1], nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := all[1].Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.Image(other); err == nil {
		t.Error("it has an image that it does not name")
	}
	if _, err := index.ImageIndex(other); err == nil {
		t.Error("it has an index")
	}
}
