// Package destinationtest is what every destination must pass.
//
// It is imported by tests only. A destination brings itself and a way to read back what it holds; the images come
// from here.
package destinationtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/diag"
)

// Subject is a fresh destination.
type Subject struct {
	Destination destination.Destination
	// Read returns the image that has a name in the destination, nil if none has. An empty name is for images that
	// were written without one.
	Read func(t testing.TB, name string) v1.Image
	// ReadIndex returns the index that has a name in the destination, nil if none has. A nil function is for
	// destinations that hold one platform.
	ReadIndex func(t testing.TB, name string) []byte
	// Full makes a name of one of the suite's, where the destination takes only names of its own; such a destination
	// takes no image without a name. Nil leaves them.
	Full func(name string) string
	// Arch is the engine's machine as Go names it, for destinations that hold one platform; "" is this one.
	Arch string
	// Rewrites tells that the destination is one file, which is written whole each time, and holds one image.
	Rewrites bool
	// Whole tells that an image is sent whole unless it is there.
	Whole bool
}

// Run tests a destination. Each test opens its own.
func Run(t *testing.T, open func(t testing.TB) Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"written":   testWritten,
		"unnamed":   testUnnamed,
		"again":     testAgain,
		"changed":   testChanged,
		"names":     testNames,
		"index":     testIndex,
		"platform":  testPlatform,
		"bad names": testBadNames,
		"broken":    testBroken,
		"cancelled": testCancelled,
		"progress":  testProgress,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// testWritten shows that what went in is there.
func testWritten(t *testing.T, s Subject) {
	img := NewImage(t, "1")
	res := write(t, s, img, "app:1")
	if res.Sent < sizeOf(t, img) {
		t.Errorf("sent %d bytes of %d", res.Sent, sizeOf(t, img))
	}
	same(t, s, "app:1", img)
}

// testUnnamed shows that an image needs no name, and that a newer one takes its place.
func testUnnamed(t *testing.T, s Subject) {
	if s.Full != nil {
		_, err := s.Destination.Write(t.Context(), Single(NewImage(t, "1")), destination.Options{})
		if problems, ok := diag.Problems(err); !ok || problems[0].Code != "no-tag" {
			t.Errorf("got %v", err)
		}
		return
	}
	write(t, s, NewImage(t, "1"))
	img := NewImage(t, "2")
	write(t, s, img)
	same(t, s, "", img)
}

// testAgain shows that nothing moves when everything is there.
func testAgain(t *testing.T, s Subject) {
	img := NewImage(t, "1")
	first := write(t, s, img, "app:1")
	second := write(t, s, img, "app:1")
	if !s.Rewrites && second.Sent != 0 || s.Rewrites && second.Sent != first.Sent {
		t.Errorf("sent %d bytes again, %d at first", second.Sent, first.Sent)
	}
	same(t, s, "app:1", img)
}

// testChanged shows that a name moves to the new image, and that the layers below are not sent again.
func testChanged(t *testing.T, s Subject) {
	write(t, s, NewImage(t, "1"), "app:1")
	img := NewImage(t, "2")
	res := write(t, s, img, "app:1")
	if !s.Rewrites && !s.Whole && (res.Sent == 0 || res.Sent > 20_000) {
		t.Errorf("sent %d bytes", res.Sent)
	}
	same(t, s, "app:1", img)
}

// testNames shows that an image can have several names, and a destination several images.
func testNames(t *testing.T, s Subject) {
	first, second := NewImage(t, "1"), NewImage(t, "2")
	write(t, s, first, "app:1", "registry.example:5000/team/app:1.0-rc_1", "app")
	names := []string{"app:1", "registry.example:5000/team/app:1.0-rc_1", "app:latest"}
	if !s.Rewrites {
		write(t, s, second, "app:2")
		same(t, s, "app:2", second)
	}
	for _, name := range names {
		same(t, s, name, first)
	}
}

// testBadNames shows that all bad names are reported, and nothing is written.
func testBadNames(t *testing.T, s Subject) {
	tags := []string{"App:1", s.name("good"), "a b", "x@sha256:0"}
	_, err := s.Destination.Write(t.Context(), Single(NewImage(t, "1")), destination.Options{Tags: tags})
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 3 || problems[0].Code != "bad-tag" {
		t.Errorf("got %v", err)
	}
	if s.Read(t, s.name("good:latest")) != nil {
		t.Error("the image was written")
	}
}

// testBroken shows that a failure leaves the name with the old image.
func testBroken(t *testing.T, s Subject) {
	old := NewImage(t, "1")
	write(t, s, old, "app:1")
	broken := errors.New("disk is gone")
	for name, img := range map[string]v1.Image{
		"unreadable": breakLayer(NewImage(t, "2"), func() (io.ReadCloser, error) { return nil, broken }),
		"short":      breakLayer(NewImage(t, "2"), func() (io.ReadCloser, error) { return os.Open(os.DevNull) }),
	} {
		_, err := s.Destination.Write(t.Context(), Single(img), destination.Options{Tags: []string{s.name("app:1")}})
		if err == nil || name == "unreadable" && !errors.Is(err, broken) {
			t.Errorf("%s: got %v", name, err)
		}
		same(t, s, "app:1", old)
	}
	next := NewImage(t, "2")
	write(t, s, next, "app:1")
	same(t, s, "app:1", next)
}

// testCancelled shows that an ended context ends the work.
func testCancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Destination.Write(ctx, Single(NewImage(t, "1")), destination.Options{Tags: []string{s.name("app:1")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s.Read(t, s.name("app:1")) != nil {
		t.Error("the image was written")
	}
}

// testProgress shows that events tell of all bytes, and never of more than all.
func testProgress(t *testing.T, s Subject) {
	done := map[string]int64{}
	on := func(e destination.Event) {
		if e.Done > e.Total || e.Done < done[e.Item] || e.Item == "" {
			t.Errorf("event %+v after %d", e, done[e.Item])
		}
		done[e.Item] = e.Done
	}
	opt := destination.Options{On: on}
	if s.Full != nil {
		opt.Tags = []string{s.name("app:1")}
	}
	res, err := s.Destination.Write(t.Context(), Single(NewImage(t, "1")), opt)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, n := range done {
		sum += n
	}
	if sum != res.Sent {
		t.Errorf("events tell of %d bytes, %d were sent", sum, res.Sent)
	}
}

// testIndex shows that all platforms are there under one name, that writing them again moves nothing, and that a newer
// image takes the name. A destination that holds one platform takes one of them, and says which.
func testIndex(t *testing.T, s Subject) {
	img := NewIndex(t, "1")
	res := s.write(t, img, "app:1")
	if s.ReadIndex == nil {
		if res.Platform == "" {
			t.Fatal("no platform was told")
		}
		return
	}
	if want := must(t, img.Index.Digest); res.Digest != want.String() || res.Platform != "" {
		t.Errorf("got %+v, not %s", res, want)
	}
	if got, want := s.ReadIndex(t, s.name("app:1")), must(t, img.Index.RawManifest); !bytes.Equal(got, want) {
		t.Errorf("index is %s, not %s", got, want)
	}
	if again := s.write(t, img, "app:1"); !s.Rewrites && again.Sent != 0 {
		t.Errorf("sent %d bytes again", again.Sent)
	}
	one := NewImage(t, "2")
	write(t, s, one, "app:1")
	same(t, s, "app:1", one)
}

// testPlatform shows that a destination for one platform takes its own: of a machine of either sort.
func testPlatform(t *testing.T, s Subject) {
	if s.ReadIndex != nil {
		t.Skip("holds all platforms")
	}
	img := NewIndex(t, "1")
	res := s.write(t, img, "app:1")
	arch := strings.TrimPrefix(res.Platform, "linux/")
	want := s.Arch
	if want == "" {
		want = runtime.GOARCH
	}
	if arch != want && slices.Contains([]string{"amd64", "arm64"}, want) {
		t.Errorf("took %s for %s", res.Platform, want)
	}
	for _, m := range img.Manifests {
		if must(t, m.ConfigFile).Architecture == arch {
			same(t, s, "app:1", m)
		}
	}
}

// name is what the destination calls one of the suite's names.
func (s Subject) name(name string) string {
	if s.Full == nil || name == "" {
		return name
	}
	return s.Full(name)
}

// write writes what may have several platforms.
func (s Subject) write(t testing.TB, img destination.Image, tags ...string) destination.Result {
	t.Helper()
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = s.name(tag)
	}
	res, err := s.Destination.Write(t.Context(), img, destination.Options{Tags: names})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// write writes an image and checks the digest.
func write(t testing.TB, s Subject, img v1.Image, tags ...string) destination.Result {
	t.Helper()
	res := s.write(t, Single(img), tags...)
	if want := must(t, img.Digest); res.Digest != want.String() {
		t.Errorf("digest is %s, not %s", res.Digest, want)
	}
	return res
}

// same fails unless the image of a name has this config and these layers. Manifests are compared where the
// destination keeps them.
func same(t testing.TB, s Subject, name string, want v1.Image) {
	t.Helper()
	got := s.Read(t, s.name(name))
	if got == nil {
		t.Fatalf("%q is not there", name)
	}
	if g, w := must(t, got.ConfigName), must(t, want.ConfigName); g != w {
		t.Fatalf("%q has config %s, not %s", name, g, w)
	}
	var contents [2][]v1.Hash
	for i, img := range []v1.Image{got, want} {
		for _, l := range must(t, img.Layers) {
			r := must(t, l.Uncompressed)
			h, _, err := v1.SHA256(r)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			contents[i] = append(contents[i], h)
		}
	}
	if !slices.Equal(contents[0], contents[1]) {
		t.Errorf("%q has layers %v, not %v", name, contents[0], contents[1])
	}
}

// must returns a value that there must be.
func must[T any](t testing.TB, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return v
}
