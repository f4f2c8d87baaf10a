package layer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// TestCached shows that a layer is made once, and what is known about it then.
func TestCached(t *testing.T) {
	st := newStore(t)
	builds := 0
	build := func() (layer.Contents, error) {
		builds++
		return layer.Contents{Entries: sample(t), Packages: []string{"b 2", "a 1", "b 2"}, Scripts: []string{"venv/bin/f2py"},
			Licences: []string{"MIT"}}, nil
	}
	first, reused, err := layer.Cached(t.Context(), st, "key", plan.WheelsLayer, build)
	if err != nil || reused {
		t.Fatal(reused, err)
	}
	data, blob := write(t, sample(t))
	want := layer.Record{Blob: blob, Format: 1, Key: "key", Kind: "wheels", Packages: []string{"a 1", "b 2"},
		Files:   layer.Files{Count: len(list(t, data)), Digest: "sha256:10c47070e190cfbfb8be8f595a859f2e9b9f4b44db0e41513e2b7a2fbb12725a"},
		Scripts: []string{"venv/bin/f2py"}, Licences: []string{"MIT"},
		Loading: layer.Loading{Links: []layer.Link{{Path: "app/far", Target: strings.Repeat("../", 50) + "x"},
			{Path: "bin", Target: "usr/bin"}, {Path: "venv/bin/python", Target: "/usr/bin/python3.13"}}}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	second, reused, err := layer.Cached(t.Context(), st, "key", plan.WheelsLayer, build)
	if err != nil || !reused || builds != 1 {
		t.Errorf("reused %v after %d builds: %v", reused, builds, err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if err := validate.Layer(layer.Open(st, second)); err != nil {
		t.Error(err)
	}
}

// TestCachedRepairs shows that a record without its blob, or with a blob that was cut, is not believed.
func TestCachedRepairs(t *testing.T) {
	for name, damage := range map[string]func(string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return replace(path, []byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			build := func() (layer.Contents, error) { return layer.Contents{Entries: sample(t)}, nil }
			rec, _, err := layer.Cached(t.Context(), st, "key", plan.WheelLayer, build)
			if err != nil {
				t.Fatal(err)
			}
			path, _ := st.Blob(rec.Digest)
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			again, reused, err := layer.Cached(t.Context(), st, "key", plan.WheelLayer, build)
			if err != nil || reused || again.Digest != rec.Digest {
				t.Errorf("reused %v: %v", reused, err)
			}
			if err := validate.Layer(layer.Open(st, again)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCachedOnce asks for one layer from many goroutines.
func TestCachedOnce(t *testing.T) {
	st := newStore(t)
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, _, err := layer.Cached(t.Context(), st, "key", plan.WheelLayer, func() (layer.Contents, error) {
				builds.Add(1)
				return layer.Contents{Entries: sample(t)}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if builds.Load() != 1 {
		t.Errorf("%d builds", builds.Load())
	}
}

// TestCachedFails shows that a failure leaves nothing, and no goroutine.
func TestCachedFails(t *testing.T) {
	st := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("no network")
	before := runtime.NumGoroutine()
	for name, build := range map[string]func() (layer.Contents, error){
		"build": func() (layer.Contents, error) { return layer.Contents{}, broken },
		"content": func() (layer.Contents, error) {
			return layer.Contents{Entries: []entry.Entry{{Path: "a", Size: 1, Mode: 0o644, Content: failing{broken}}}}, nil
		},
	} {
		if _, _, err := layer.Cached(ctx, st, name, plan.WheelLayer, build); !errors.Is(err, broken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, _, err := layer.Cached(ctx, st, "cancelled", plan.WheelLayer, func() (layer.Contents, error) {
		cancel()
		return layer.Contents{Entries: sample(t)}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// One that has told its end may still be on its way out.
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// TestObjects shows what is recorded about shared libraries and programs.
func TestObjects(t *testing.T) {
	lib := tinyelf.Object{Soname: "libx.so.1", Needed: []tinyelf.Need{
		{Library: "libc.so.6", Versions: []string{"GLIBC_2.4", "GLIBC_2.34"}}, {Library: "libm.so.6"}},
		Defines: []string{"X_1.0"}, Runpath: "$ORIGIN/../x.libs:/opt"}.Bytes()
	cut := lib[:100]
	large := deflated(t, append(bytes.Clone(lib), make([]byte, 33<<20)...), 1)
	large.Path = "venv/large.so"
	rec, _, err := layer.Cached(t.Context(), newStore(t), "key", plan.WheelLayer, func() (layer.Contents, error) {
		return layer.Contents{Entries: []entry.Entry{
			entry.NewFile("venv/libx.so.1", lib, false), entry.NewFile("venv/cut.so", cut, false), large,
			entry.NewFile("venv/text", []byte(strings.Repeat("text ", 30)), false), entry.NewFile("venv/tiny", []byte("\x7fELF"), false),
		}, Owners: map[string]string{"venv/large.so": "x"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := layer.Object{Path: "venv/large.so", Package: "x", Machine: "EM_X86_64", Class: 64, Soname: "libx.so.1", Needed: []string{"libc.so.6", "libm.so.6"},
		Runpath: []string{"$ORIGIN/../x.libs", "/opt"}, Requires: []string{"libc.so.6 GLIBC_2.34", "libc.so.6 GLIBC_2.4"},
		Provides: []string{"X_1.0"}}
	second := want
	second.Path, second.Package = "venv/libx.so.1", ""
	if diff := cmp.Diff([]layer.Object{want, second}, rec.Objects); diff != "" {
		t.Error(diff)
	}
	if rec.GLIBC != "2.34" {
		t.Errorf("glibc %s", rec.GLIBC)
	}
}

// failing is content that cannot be read.
type failing struct{ err error }

func (f failing) Open() (io.ReadCloser, error) { return f, nil }
func (f failing) Read([]byte) (int, error)     { return 0, f.err }
func (f failing) Close() error                 { return nil }

func newStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// replace writes a file that may be read-only.
func replace(path string, data []byte) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// TestConfirm shows that contents which are refused after all are no layer, and are asked for after they were read.
func TestConfirm(t *testing.T) {
	st := newStore(t)
	refused := errors.New("not what was promised")
	for _, want := range []error{refused, nil} {
		_, reused, err := layer.Cached(t.Context(), st, "key", plan.WheelLayer, func() (layer.Contents, error) {
			entries := sample(t)
			read := &once{Content: entries[2].Content}
			entries[2].Content = read
			return layer.Contents{Entries: entries, Confirm: func() error {
				if !read.opened {
					t.Error("it is confirmed before it is read")
				}
				return want
			}}, nil
		})
		if !errors.Is(err, want) || reused {
			t.Errorf("reused %v: %v", reused, err)
		}
		if _, found := layer.Find(st, "key"); found != (want == nil) {
			t.Errorf("found %v after %v", found, want)
		}
	}
}

// once tells whether it was opened.
type once struct {
	entry.Content
	opened bool
}

func (o *once) Open() (io.ReadCloser, error) { o.opened = true; return o.Content.Open() }

// TestPromise shows that a stream is compared with its hash while it is copied.
func TestPromise(t *testing.T) {
	for _, right := range []bool{true, false} {
		e := sample(t)[1]
		data := randomBytes(rand.New(rand.NewPCG(9, 9)), 100_000)
		p := &promised{stream: e.Content.(*stream), sum: sha256.Sum256(data)}
		if !right {
			p.sum[0]++
		}
		e.Content = p
		if _, err := layer.Write(io.Discard, []entry.Entry{e}); (err == nil) != right || !p.asked {
			t.Errorf("right %v, asked %v: %v", right, p.asked, err)
		}
	}
}

// promised is a stream with a hash.
type promised struct {
	*stream
	sum   [32]byte
	asked bool
}

func (p *promised) Promise() (hash.Hash, func([]byte) error) {
	return sha256.New(), func(sum []byte) error {
		if p.asked = true; !bytes.Equal(sum, p.sum[:]) {
			return errors.New("another one")
		}
		return nil
	}
}
