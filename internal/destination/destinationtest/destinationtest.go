// Package destinationtest is what every destination must pass.
//
// It is imported by tests only. A destination brings itself and a way to read back what it holds; the images come
// from here.
package destinationtest

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
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
	_, err := s.Destination.Write(t.Context(), Single(NewImage(t, "1")), destination.Options{Tags: []string{"App:1", "good", "a b", "x@sha256:0"}})
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 3 || problems[0].Code != "bad-tag" {
		t.Errorf("got %v", err)
	}
	if s.Read(t, "good:latest") != nil {
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
		_, err := s.Destination.Write(t.Context(), Single(img), destination.Options{Tags: []string{"app:1"}})
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
	if _, err := s.Destination.Write(ctx, Single(NewImage(t, "1")), destination.Options{Tags: []string{"app:1"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s.Read(t, "app:1") != nil {
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
	res, err := s.Destination.Write(t.Context(), Single(NewImage(t, "1")), destination.Options{On: on})
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

// write writes an image and checks the digest.
func write(t testing.TB, s Subject, img v1.Image, tags ...string) destination.Result {
	t.Helper()
	res, err := s.Destination.Write(t.Context(), Single(img), destination.Options{Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	if want := must(t, img.Digest); res.Digest != want.String() {
		t.Errorf("digest is %s, not %s", res.Digest, want)
	}
	return res
}

// same fails unless the image of a name has this config and these layers. Manifests are compared where the
// destination keeps them.
func same(t testing.TB, s Subject, name string, want v1.Image) {
	t.Helper()
	got := s.Read(t, name)
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
