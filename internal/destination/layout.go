package destination

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/diag"
)

const (
	layoutFile     = "oci-layout"
	layoutContent  = `{"imageLayoutVersion":"1.0.0"}`
	indexFile      = "index.json"
	refName        = "org.opencontainers.image.ref.name"
	containerdName = "io.containerd.image.name"
	maxIndex       = 64 << 20 // bytes; a layout with hundreds of thousands of images
	lockPoll       = 50 * time.Millisecond
)

var ociKind = kind{name: "oci", place: "DIR", open: func(place string) Destination { return layout(place) }}

// layout is an OCI image layout: a directory with blobs by digest, and an index that names images.
type layout string

// Write adds the image to the layout, or makes the layout. An image of the same name loses its name; blobs that are
// there stay as they are.
func (l layout) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	c, tags, err := prepare(img, opt)
	if err != nil {
		return Result{}, err
	}
	unlock, err := l.prepare(ctx)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	sent, err := l.addBlobs(ctx, c.all(), opt.On)
	if err != nil {
		return Result{}, err
	}
	return Result{Digest: c.root().digest.String(), Sent: sent}, l.addToIndex(c, tags)
}

// prepare makes an empty layout where there is none, and keeps other writers out.
func (l layout) prepare(ctx context.Context) (unlock func(), err error) {
	if err := l.refuseOther(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(l.path("blobs", "sha256"), 0o777); err != nil {
		return nil, notWritable(string(l), err)
	}
	// The one file of a layout that never changes is also its lock, so that no file of ours stays behind.
	lock := flock.New(l.path(layoutFile), flock.SetFlag(os.O_CREATE|os.O_RDONLY), flock.SetPermissions(0o666))
	if ok, err := lock.TryLockContext(ctx, lockPoll); err != nil || !ok {
		return nil, fmt.Errorf("%s: %w", l, err)
	}
	if err := errors.Join(l.mark(), l.sweep()); err != nil {
		lock.Unlock()
		return nil, err
	}
	return func() { lock.Unlock() }, nil
}

// mark fills the file that makes a directory a layout, in place since it is the lock.
func (l layout) mark() error {
	info, err := os.Stat(l.path(layoutFile))
	if err != nil || info.Size() > 0 {
		return err
	}
	return os.WriteFile(l.path(layoutFile), []byte(layoutContent), 0o666)
}

// sweep removes what killed runs left. Whoever calls it holds the lock, so nobody writes these files now.
func (l layout) sweep() error {
	left, err := filepath.Glob(l.path("blobs", "sha256", "*.tmp"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// Check finds a folder that Write would refuse.
func (l layout) Check(context.Context, []string) error { return l.refuseOther() }

// refuseOther keeps lithe from spreading blobs in a directory that is used for something else.
func (l layout) refuseOther() error {
	files, err := os.ReadDir(string(l))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
		return nil
	}
	if err != nil {
		return notWritable(string(l), err)
	}
	known := func(f os.DirEntry) bool { return f.Name() == layoutFile || f.Name() == "blobs" }
	if !slices.ContainsFunc(files, known) {
		return &diag.Error{Pos: diag.Position{File: string(l)}, Code: "not-a-layout",
			What: "is neither empty nor an OCI layout", Hint: "name a new directory"}
	}
	return nil
}

// addBlobs copies what is missing.
func (l layout) addBlobs(ctx context.Context, blobs []blob, on func(Event)) (sent int64, err error) {
	for _, b := range blobs {
		path := l.path("blobs", b.digest.Algorithm, b.digest.Hex)
		if info, err := os.Stat(path); err == nil && info.Size() == b.size {
			continue
		}
		if err := writeFile(path, func(f *os.File) error { return b.copyTo(ctx, f) }); err != nil {
			return sent, err
		}
		sent += b.size
		if on != nil {
			on(Event{Item: b.digest.String(), Done: b.size, Total: b.size})
		}
	}
	return sent, nil
}

// addToIndex makes the image reachable.
func (l layout) addToIndex(c *content, tags []tag) error {
	index, err := l.readIndex()
	if err != nil {
		return err
	}
	for _, d := range descriptors(c.descriptor(), tags) {
		index.Manifests = append(slices.DeleteFunc(index.Manifests, func(old v1.Descriptor) bool {
			return c.replaces(d, old)
		}), d)
	}
	data, err := encode(index)
	if err != nil {
		return err
	}
	return l.replace(indexFile, data)
}

// replaces reports whether an image takes the place of an old one: the same name, or no name and one of its platforms,
// so that a layout which is built into again and again without a name holds one image.
func (c *content) replaces(d, old v1.Descriptor) bool {
	if d.Annotations[refName] != old.Annotations[refName] {
		return false
	}
	if d.Annotations[refName] != "" || d.Digest == old.Digest || old.MediaType.IsIndex() {
		return true
	}
	return old.Platform != nil && slices.ContainsFunc(c.images, func(p *parts) bool { return old.Platform.Equals(*p.platform) })
}

// descriptors returns the image's entries in an index, one for each name.
func descriptors(d v1.Descriptor, tags []tag) []v1.Descriptor {
	if len(tags) == 0 {
		return []v1.Descriptor{d}
	}
	var out []v1.Descriptor
	for _, t := range tags {
		d.Annotations = map[string]string{refName: t.written, containerdName: t.full}
		out = append(out, d)
	}
	return out
}

// readIndex returns the layout's index, an empty one where there is none.
func (l layout) readIndex() (*v1.IndexManifest, error) {
	index := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	f, err := os.Open(l.path(indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return index, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxIndex))
	if err != nil {
		return nil, err
	}
	bad := &diag.Error{Pos: diag.Position{File: l.path(indexFile)}, Code: "bad-layout", What: "is not the index of an OCI layout",
		Hint: "name another directory, or remove this one"}
	if bad.Err = json.Unmarshal(data, index); bad.Err != nil || index.SchemaVersion != 2 {
		return nil, bad
	}
	return index, nil
}

// replace writes a file of the layout whole.
func (l layout) replace(name string, data []byte) error {
	return writeFile(l.path(name), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// path returns the place of a file of the layout.
func (l layout) path(elem ...string) string {
	return filepath.Join(append([]string{string(l)}, elem...)...)
}
