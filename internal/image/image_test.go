package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/store"
)

// TestGolden holds the digest that format 1 promises, and shows what is behind it.
func TestGolden(t *testing.T) {
	st, layers := sample(t)
	img := build(t, config(), layers, st)
	raw, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	const wantConfig = `{"created":"2026-01-02T03:04:05Z","architecture":"amd64","os":"linux","config":{` +
		`"User":"65532:65532","ExposedPorts":{"8000/tcp":{},"9000/udp":{}},"Env":["PATH=/venv/bin","A=b"],` +
		`"Entrypoint":["/venv/bin/hello"],"Cmd":["--a","<&>"],"Volumes":{"/data":{}},"WorkingDir":"/app",` +
		`"Labels":{"a":"1","b":"2"},"StopSignal":"SIGINT","Healthcheck":{"Test":["CMD","/venv/bin/ok"],` +
		`"Interval":30000000000,"Timeout":3000000000,"Retries":3}},"rootfs":{"type":"layers","diff_ids":["D0","D1"]},` +
		`"history":[{"created":"2026-01-02T03:04:05Z","created_by":"lithe: wheel numpy 2.5.5"},` +
		`{"created":"2026-01-02T03:04:05Z","created_by":"lithe: project hello 1.0"}]}`
	want := strings.NewReplacer("D0", layers[0].DiffID, "D1", layers[1].DiffID).Replace(wantConfig)
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Error(diff)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want := "sha256:b304717fe95316d77adae27db5b2d936d158184718803696b510c23aeac3f89f"; digest.String() != want {
		t.Errorf("digest is %s, not %s; a change must raise layer.Format", digest, want)
	}
}

// TestDeterministic builds the same image again from another store.
func TestDeterministic(t *testing.T) {
	st, layers := sample(t)
	first := build(t, config(), layers, st)
	st, layers = sample(t)
	second := build(t, config(), layers, st)
	a, _ := first.RawManifest()
	b, _ := second.RawManifest()
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Error(diff)
	}
}

// TestValid asks go-containerregistry, which reads every layer and compares it with what manifest and config say.
func TestValid(t *testing.T) {
	st, layers := sample(t)
	if err := validate.Image(build(t, config(), layers, st)); err != nil {
		t.Error(err)
	}
}

// TestSchemas validates what we write by the specification's schemas.
func TestSchemas(t *testing.T) {
	schemas := compile(t)
	st, layers := sample(t)
	for name, c := range map[string]struct {
		cfg    plan.Config
		layers []layer.Record
	}{
		"full":  {config(), layers},
		"least": {plan.Config{Platform: plan.Platform{OS: "linux", Arch: "arm64"}}, layers[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			img := build(t, c.cfg, c.layers, st)
			manifest, err := img.RawManifest()
			if err != nil {
				t.Fatal(err)
			}
			config, err := img.RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if err := validateJSON(schemas["manifest"], string(manifest)); err != nil {
				t.Errorf("%v\n%s", err, manifest)
			}
			if err := validateJSON(schemas["config"], string(config)); err != nil {
				t.Errorf("%v\n%s", err, config)
			}
		})
	}
}

// TestLayoutSchemas validates the files that a layout has besides the image.
func TestLayoutSchemas(t *testing.T) {
	schemas := compile(t)
	st, layers := sample(t)
	dir := filepath.Join(t.TempDir(), "layout")
	d, err := destination.Parse("oci:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(t.Context(), destination.Image{Manifests: []v1.Image{build(t, config(), layers, st)}}, destination.Options{Tags: []string{"app:1", "app:2"}}); err != nil {
		t.Fatal(err)
	}
	for kind, name := range map[string]string{"index": "index.json", "layout": "oci-layout"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := validateJSON(schemas[kind], string(data)); err != nil {
			t.Errorf("%v\n%s", err, data)
		}
	}
}

// TestDescriptors shows which layers can be found again in a registry.
func TestDescriptors(t *testing.T) {
	st, layers := sample(t)
	m, err := build(t, config(), layers, st).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{{image.KeyAnnotation: "key of numpy"}, nil}
	var got []map[string]string
	for i, d := range m.Layers {
		got = append(got, d.Annotations)
		if d.MediaType != types.OCILayer || d.Digest.String() != layers[i].Digest || d.Size != layers[i].Size {
			t.Errorf("layer %d: %+v", i, d)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m.MediaType != types.OCIManifestSchema1 || m.Annotations["org.opencontainers.image.title"] != "hello" {
		t.Errorf("manifest: %+v", m)
	}
}

// TestMissingBlob shows that an image is complete without its blobs, but cannot be read.
func TestMissingBlob(t *testing.T) {
	_, layers := sample(t)
	empty, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	list, err := build(t, config(), layers, empty).Layers()
	if err != nil {
		t.Fatal(err)
	}
	if size, err := list[0].Size(); err != nil || size != layers[0].Size {
		t.Errorf("size is %d, %v", size, err)
	}
	if _, err := list[0].Compressed(); err == nil || !strings.Contains(err.Error(), layers[0].Digest) {
		t.Errorf("got %v", err)
	}
}

func TestRefused(t *testing.T) {
	st, layers := sample(t)
	bad := []layer.Record{{Kind: plan.BaseLayer, Blob: layer.Blob{Digest: "sha256:short"}}}
	for name, c := range map[string]struct {
		change func(*plan.Config)
		layers []layer.Record
		want   string
	}{
		"no platform": {func(c *plan.Config) { c.Platform.Arch = "" }, layers, "platform"},
		"environment": {func(c *plan.Config) { c.Env = []string{"PATH"} }, layers, `"PATH" is not KEY=value`},
		"no key":      {func(c *plan.Config) { c.Env = []string{"=x"} }, layers, "KEY=value"},
		"far future":  {func(c *plan.Config) { c.Created = time.Unix(1e12, 0) }, layers, "RFC 3339"},
		"bad digest":  {func(*plan.Config) {}, bad, "layer of base"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			c.change(&cfg)
			_, err := image.New(cfg, c.layers, st)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	st, layers := sample(t)
	img := build(t, config(), layers, st)
	diffID, _ := v1.NewHash(layers[1].DiffID)
	l, err := img.LayerByDiffID(diffID)
	if err != nil {
		t.Fatal(err)
	}
	if digest, _ := l.Digest(); digest.String() != layers[1].Digest {
		t.Errorf("got %s", digest)
	}
	if _, err := img.LayerByDigest(diffID); err == nil {
		t.Error("found a layer by a wrong digest")
	}
}

func build(t *testing.T, cfg plan.Config, layers []layer.Record, st *store.Store) v1.Image {
	t.Helper()
	img, err := image.New(cfg, layers, st)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func config() plan.Config {
	return plan.Config{
		Created:    time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 0)),
		Platform:   plan.Platform{OS: "linux", Arch: "amd64"},
		Env:        []string{"PATH=/venv/bin", "A=b"},
		Entrypoint: []string{"/venv/bin/hello"}, Cmd: []string{"--a", "<&>"},
		User: "65532:65532", WorkingDir: "/app",
		Labels:       map[string]string{"b": "2", "a": "1"},
		Annotations:  map[string]string{"org.opencontainers.image.title": "hello"},
		ExposedPorts: []string{"9000/udp", "8000/tcp"}, Volumes: []string{"/data"}, StopSignal: "SIGINT",
		Healthcheck: &project.Healthcheck{Command: []string{"/venv/bin/ok"}, Interval: 30 * time.Second,
			Timeout: 3 * time.Second, Retries: 3},
	}
}

// sample returns a store with two layers.
func sample(t *testing.T) (*store.Store, []layer.Record) {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out []layer.Record
	for _, c := range []struct {
		kind            plan.LayerKind
		key, name, path string
	}{
		{plan.WheelLayer, "key of numpy", "numpy 2.5.5", "venv/lib/numpy.py"},
		{plan.ProjectLayer, "key of hello", "hello 1.0", "app/hello.py"},
	} {
		rec, _, err := layer.Cached(t.Context(), st, c.key, c.kind, func() (layer.Contents, error) {
			return layer.Contents{Entries: []entry.Entry{entry.NewFile(c.path, []byte(c.name), false)},
				Packages: []string{c.name}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return st, out
}
