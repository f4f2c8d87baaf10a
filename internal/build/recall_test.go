package build_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/catalogue"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/memregistry"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// fleet is a project that machines with empty stores build and push, one after the other.
type fleet struct {
	*site
	registry *memregistry.Registry
	dir      string
}

func newFleet(t *testing.T, wheels ...pyindex.Wheel) *fleet {
	t.Helper()
	f := &fleet{site: newSite(t, append(slices.Clone(goldenWheels), wheels...)...), registry: memregistry.Serve(t)}
	f.dir = f.project(t, greeter("hello", "greet", "big"))
	return f
}

// machine returns the options of a new one.
func (f *fleet) machine(t *testing.T, repository string) build.Options {
	t.Helper()
	opt := f.options(t, f.dir)
	opt.Push, opt.Reuse, opt.Tags = true, build.ReuseRegistry, []string{f.registry.Host + "/" + repository + ":1"}
	return opt
}

// edit changes the source.
func (f *fleet) edit(t *testing.T, greeting string) {
	t.Helper()
	write(t, f.dir, map[string]string{"greeter/__init__.py": fmt.Sprintf("def main():\n    print(%q)\n", greeting)})
}

// downloads returns what was fetched from the index and the mirror since it was asked last.
func (f *fleet) downloads() (files []string) {
	for _, path := range append(f.index.Requests(), f.mirror.Requests()...) {
		if strings.HasSuffix(path, ".whl") || strings.HasSuffix(path, ".deb") {
			files = append(files, filepath.Base(path))
		}
	}
	return files
}

// quiet forgets all that was asked so far.
func (f *fleet) quiet() {
	f.downloads()
	f.registry.Traffic()
}

// made returns the layers of a result that come from nowhere, as "kind packages".
func builtHere(result *build.Result) (made []string) {
	for _, l := range result.Platforms[0].Layers {
		if !l.Reused && !l.Remote {
			made = append(made, strings.TrimSpace(string(l.Kind)+" "+strings.Join(l.Packages, ", ")))
		}
	}
	return made
}

// alone is the digest of what a machine builds that asks nobody.
func (f *fleet) alone(t *testing.T) string {
	t.Helper()
	return run(t, f.options(t, f.dir)).Digest
}

// TestFreshMachine counts all that a machine with an empty store moves when only the source changed: its layer, the
// configuration, manifests and the catalogue, and no file of the index or the mirror.
func TestFreshMachine(t *testing.T) {
	for _, tokens := range []bool{false, true} {
		t.Run(fmt.Sprintf("tokens %t", tokens), func(t *testing.T) {
			f := newFleet(t)
			if tokens {
				f.registry.WantTokens()
			}
			first := run(t, f.machine(t, "team/app"))
			if n := len(builtHere(first)); n != len(first.Platforms[0].Layers) {
				t.Errorf("the first build made %d layers of %d", n, len(first.Platforms[0].Layers))
			}
			f.edit(t, "good morning")
			f.quiet()
			second := run(t, f.machine(t, "team/app"))
			traffic := f.registry.Traffic()
			if files := f.downloads(); len(files) != 0 {
				t.Errorf("downloads: %q", files)
			}
			if got := builtHere(second); !slices.Equal(got, []string{"project greeter 1.0"}) {
				t.Errorf("made %q", got)
			}
			layers := len(second.Platforms[0].Layers)
			top := second.Platforms[0].Layers[layers-1].Size
			if n := traffic.Count(`^HEAD .*/blobs/`); n != layers-1+4 { // and the source, the config, and two blobs of the catalogue
				t.Errorf("%d questions for blobs of %d layers", n, layers)
			}
			if n := traffic.Count(`^GET .*/blobs/`); n != 1 {
				t.Errorf("%d blobs were pulled", n)
			}
			t.Logf("%d layers, %d requests, %d bytes up of which %d are the source's, %d down", layers, len(traffic.Requests), traffic.Up, top, traffic.Down)
			if rest := traffic.Up + traffic.Down - top; rest > 30_000 || len(traffic.Requests) > layers+24 {
				t.Errorf("%d requests, %d bytes beside the source:\n%s", len(traffic.Requests), rest, strings.Join(traffic.Requests, "\n"))
			}
			if want := f.alone(t); second.Digest != want {
				t.Errorf("digest %s, alone %s", second.Digest, want)
			}
		})
	}
}

// A machine with an empty store and nothing changed makes nothing at all.
func TestNothingChangedOnFreshMachine(t *testing.T) {
	f := newFleet(t)
	first := run(t, f.machine(t, "team/app"))
	f.quiet()
	second := run(t, f.machine(t, "team/app"))
	traffic := f.registry.Traffic()
	if got := append(builtHere(second), f.downloads()...); len(got) != 0 || second.Digest != first.Digest {
		t.Errorf("made or fetched %q, %s then %s", got, first.Digest, second.Digest)
	}
	if traffic.Up != 0 || traffic.Count("^PUT") != 0 {
		t.Errorf("%d bytes went up: %q", traffic.Up, traffic.Requests)
	}
}

// A changed dependency costs what it costs, and nothing else does.
func TestOneDependencyOnFreshMachine(t *testing.T) {
	f := newFleet(t, pyindex.Wheel{Name: "big", Version: "1.1", Size: 1 << 20})
	write(t, f.dir, greeter("hello", "greet", "big==1.0"))
	f.lock(t, f.dir)
	run(t, f.machine(t, "team/app"))
	write(t, f.dir, greeter("hello", "greet", "big==1.1"))
	f.lock(t, f.dir)
	f.quiet()
	second := run(t, f.machine(t, "team/app"))
	if got := builtHere(second); !slices.Equal(got, []string{"wheel big 1.1", "project greeter 1.0"}) {
		t.Errorf("made %q", got)
	}
	if want := f.alone(t); second.Digest != want {
		t.Errorf("digest %s, alone %s", second.Digest, want)
	}
}

// Off by default: nothing is asked, and no catalogue is written.
func TestReuseIsOff(t *testing.T) {
	f := newFleet(t)
	opt := f.machine(t, "team/app")
	opt.Reuse = ""
	run(t, opt)
	if f.registry.Manifest("team/app", catalogue.Tag) != nil || f.registry.Traffic().Count(catalogue.Tag) != 0 {
		t.Error("a catalogue was looked for or written")
	}
}

// Layers that the registry lost are made again: when it says so, and when it finds out in the middle of the push.
func TestLostLayers(t *testing.T) {
	f := newFleet(t)
	first := run(t, f.machine(t, "team/app"))
	gone := first.Platforms[0].Layers[2]
	f.registry.Lose("team/app", gone.Digest)
	f.edit(t, "good morning")
	second := run(t, f.machine(t, "team/app"))
	if got := builtHere(second); !slices.Contains(got, strings.TrimSpace(string(gone.Kind)+" "+strings.Join(gone.Packages, ", "))) || len(got) != 2 {
		t.Errorf("made %q", got)
	}
	if f.registry.Blob("team/app", gone.Digest) == nil || second.Digest != f.alone(t) {
		t.Error("the layer is not there again, or the digest is another one")
	}

	f.edit(t, "good evening")
	var once atomic.Bool
	f.registry.Before(func(r *http.Request) { // right before the image is named
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/1") && once.CompareAndSwap(false, true) {
			for _, l := range first.Platforms[0].Layers[:3] {
				f.registry.Lose("team/app", l.Digest)
			}
		}
	})
	third := run(t, f.machine(t, "team/app"))
	for _, l := range third.Platforms[0].Layers {
		if f.registry.Blob("team/app", l.Digest) == nil {
			t.Errorf("the registry lacks %s %v", l.Kind, l.Packages)
		}
	}
	if !once.Load() || third.Digest != f.alone(t) {
		t.Errorf("digest %s", third.Digest)
	}
}

// An output that needs bytes gets those of the registry, compared with digest and diffID.
func TestReuseWithLayout(t *testing.T) {
	f := newFleet(t)
	first := run(t, f.machine(t, "team/app"))
	f.quiet()
	opt := f.machine(t, "team/app")
	opt.Outputs = []string{"oci:" + filepath.Join(t.TempDir(), "layout")}
	second := run(t, opt)
	if files := f.downloads(); len(files) != 0 || second.Digest != first.Digest {
		t.Errorf("downloads %q, %s then %s", files, first.Digest, second.Digest)
	}
	if n := f.registry.Traffic().Count(`^GET .*/blobs/`); n != len(first.Platforms[0].Layers)+1 {
		t.Errorf("%d blobs were pulled", n)
	}
}

// Layers of other projects come from the repository of layers, by mounts, or through this machine where there are none.
func TestLayerRepository(t *testing.T) {
	for _, mounts := range []bool{true, false} {
		t.Run(fmt.Sprintf("mounts %t", mounts), func(t *testing.T) {
			f := newFleet(t)
			if !mounts {
				f.registry.RefuseMounts()
			}
			opt := f.machine(t, "team/one")
			opt.LayerRepository = f.registry.Host + "/team/layers"
			first := run(t, opt)
			f.edit(t, "other")
			f.quiet()
			opt = f.machine(t, "team/two")
			opt.LayerRepository = f.registry.Host + "/team/layers"
			second := run(t, opt)
			traffic := f.registry.Traffic()
			if got := append(builtHere(second), f.downloads()...); !slices.Equal(got, []string{"project greeter 1.0"}) {
				t.Errorf("made or fetched %q", got)
			}
			layers := len(first.Platforms[0].Layers)
			if pulled := traffic.Count(`^GET .*/blobs/`); mounts && pulled != 1 || !mounts && pulled != layers {
				t.Errorf("%d blobs were pulled of %d layers", pulled, layers)
			}
			if digest := f.alone(t); second.Digest != digest {
				t.Errorf("digest %s, alone %s", second.Digest, digest)
			}
			_, named, err := catalogue.ParseManifest(f.registry.Manifest("team/layers", catalogue.Tag))
			if err != nil || len(named) != layers-1 {
				t.Errorf("the repository of layers names %d of %d: %v", len(named), layers-1, err)
			}
		})
	}
}

// Of two that write at once neither loses what it knows.
func TestTwoWriters(t *testing.T) {
	f := newFleet(t, pyindex.Wheel{Name: "checker", Version: "3.0"})
	other := &fleet{site: f.site, registry: f.registry, dir: f.project(t, greeter("hello", "greet", "checker"))}
	var both sync.WaitGroup
	opts := []build.Options{f.machine(t, "team/app"), other.machine(t, "team/app")}
	opts[1].Tags = []string{f.registry.Host + "/team/app:2"}
	results := make([]*build.Result, 2)
	var meeting sync.WaitGroup // each reads the catalogue before the other has written it
	meeting.Add(2)
	var puts atomic.Int32
	f.registry.Before(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/"+catalogue.Tag) && puts.Add(1) <= 2 {
			meeting.Done()
			meeting.Wait()
		}
	})
	for i, opt := range opts {
		both.Go(func() {
			var err error
			if results[i], err = build.Run(t.Context(), opt); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if t.Failed() {
		return
	}
	f.registry.Before(nil)
	forgotten := func(result *build.Result) (names []string) {
		known := read(t, f.registry, "team/app")
		for _, l := range result.Platforms[0].Layers {
			if _, ok := known.Find("layer", l.Key); !ok {
				names = append(names, fmt.Sprint(l.Kind, l.Packages))
			}
		}
		return names
	}
	if a, b := forgotten(results[0]), forgotten(results[1]); len(a) > 0 && len(b) > 0 {
		t.Errorf("of both some layers are forgotten: %q and %q", a, b)
	}
	for _, opt := range opts { // no registry can tell a writer that it overtook another, which its next build makes good
		if names := forgotten(run(t, opt)); len(names) > 0 {
			t.Errorf("after another build %q are forgotten", names)
		}
	}
}

// read returns the catalogue of a repository.
func read(t *testing.T, r *memregistry.Registry, repository string) *catalogue.Catalogue {
	t.Helper()
	digest, _, err := catalogue.ParseManifest(r.Manifest(repository, catalogue.Tag))
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.Parse(r.Blob(repository, digest))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestVerifyLayers has somebody put another layer under a wheel's key: whoever verifies is told, and what the catalogue
// said is in nobody's store.
func TestVerifyLayers(t *testing.T) {
	f := newFleet(t)
	first := run(t, f.machine(t, "team/app"))
	opt := f.machine(t, "team/app")
	opt.VerifyLayers = build.VerifyAll
	if verified := run(t, opt); verified.Digest != first.Digest || len(builtHere(verified)) != len(first.Platforms[0].Layers) {
		t.Errorf("verified %s, made %q", verified.Digest, builtHere(verified))
	}
	victim, foreign := first.Platforms[0].Layers[2], first.Platforms[0].Layers[3]
	evil := victim.Record
	evil.Blob = foreign.Blob
	r, err := catalogue.New("layer", evil.Key, evil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := read(t, f.registry, "team/app").Merge([]catalogue.Record{r}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := catalogue.Manifest(blob, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.registry.Add("team/app", blob)
	f.registry.Replace("team/app", catalogue.Tag, raw)

	_, err = build.Run(t.Context(), onStore(opt, t.TempDir()))
	if problem, ok := diag.Problems(err); !ok || problem[0].Code != "layer-differs" {
		t.Errorf("verified: %v", err)
	}
	trusting := f.machine(t, "team/app")
	if run(t, trusting).Digest == first.Digest {
		t.Fatal("the wrong layer was not taken, so this shows nothing")
	}
	alone := f.options(t, f.dir)
	alone.Store = trusting.Store
	if result := run(t, alone); result.Digest != first.Digest {
		t.Error("what a registry said went into the store")
	}
}

// Whatever stands in the place of a catalogue, the build goes on without.
func TestBrokenCatalogue(t *testing.T) {
	f := newFleet(t)
	first := run(t, f.machine(t, "team/app"))
	digest, _, err := catalogue.ParseManifest(f.registry.Manifest("team/app", catalogue.Tag))
	if err != nil {
		t.Fatal(err)
	}
	for name, manifest := range map[string]string{
		"another image": string(f.registry.Manifest("team/app", "1")), "no JSON": "{", "a lost blob": strings.Replace(
			string(f.registry.Manifest("team/app", catalogue.Tag)), digest, "sha256:"+strings.Repeat("a", 64), 1)} {
		f.registry.Replace("team/app", catalogue.Tag, []byte(manifest))
		var warned atomic.Bool // events come side by side
		opt := f.machine(t, "team/app")
		opt.On = func(e build.Event) {
			if e.Level == "warning" {
				warned.Store(true)
			}
		}
		if result := run(t, opt); result.Digest != first.Digest || !warned.Load() || len(builtHere(result)) != len(first.Platforms[0].Layers) {
			t.Errorf("%s: digest %s, warned %t", name, result.Digest, warned.Load())
		}
		if c := read(t, f.registry, "team/app"); len(c.Records) < len(first.Platforms[0].Layers) {
			t.Errorf("%s: %d records afterwards", name, len(c.Records))
		}
	}
}

// onStore returns the options with another store.
func onStore(opt build.Options, dir string) build.Options {
	opt.Store = dir
	return opt
}
