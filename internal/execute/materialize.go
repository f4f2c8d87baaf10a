package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/store"
)

// rootFormat is part of the keys of what Materialize stores. It changes when the directories would look different.
const rootFormat = 1

// LayerBlob names a layer: its compressed blob in the store, and the digest of the tar in it.
type LayerBlob struct {
	Digest string
	DiffID string
}

// layerKey and rootKey are what the stored directories depend on.
type layerKey struct {
	Format int
	DiffID string
}

type rootKey struct {
	Format  int
	DiffIDs []string
}

// mountPoints are what a sandbox mounts on, and what every materialised root therefore has.
var mountPoints = struct{ dirs, files []string }{
	dirs:  []string{"proc", "dev", "tmp", "etc"},
	files: []string{"etc/resolv.conf", "etc/hosts"},
}

// Materialize returns a directory with the files of these layers, the lowest first, made once for each list. Each
// layer is unpacked once, whoever uses it, and its files are hard links in the roots, so that a root costs directory
// entries only. Nobody may change a file in there: it is the same one in other roots.
func Materialize(ctx context.Context, st *store.Store, layers []LayerBlob) (string, error) {
	key := rootKey{Format: rootFormat}
	for _, l := range layers {
		key.DiffIDs = append(key.DiffIDs, l.DiffID)
	}
	return st.Dir(ctx, "roots", store.Key(key), func(root string) error {
		if err := mergeAll(ctx, st, layers, root); err != nil {
			return err
		}
		return addMountPoints(root)
	})
}

// MaterializeOn is Materialize with files of no layer on top, which fill writes into an empty folder. The key says of what
// all of it is a function.
func MaterializeOn(ctx context.Context, st *store.Store, layers []LayerBlob, key string, fill func(dir string) error) (string, error) {
	return st.Dir(ctx, "roots", key, func(root string) error {
		if len(layers) == 0 { // nobody else has these files
			return errors.Join(fill(root), addMountPoints(root))
		}
		if err := mergeAll(ctx, st, layers, root); err != nil {
			return err
		}
		top, err := st.Dir(ctx, "layers", key, fill)
		if err != nil {
			return err
		}
		return errors.Join(merge(ctx, top, root), addMountPoints(root))
	})
}

// mergeAll lays layers over each other.
func mergeAll(ctx context.Context, st *store.Store, layers []LayerBlob, root string) error {
	dirs, err := unpackAll(ctx, st, layers)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := merge(ctx, dir, root); err != nil {
			return err
		}
	}
	return nil
}

// unpackAll unpacks the layers that are not unpacked yet, several at once, and returns their directories.
func unpackAll(ctx context.Context, st *store.Store, layers []LayerBlob) ([]string, error) {
	dirs := make([]string, len(layers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, l := range layers {
		g.Go(func() (err error) {
			dirs[i], err = st.Dir(ctx, "layers", store.Key(layerKey{rootFormat, l.DiffID}), func(dir string) error {
				return unpackBlob(ctx, st, l, dir)
			})
			return err
		})
	}
	return dirs, g.Wait()
}

func unpackBlob(ctx context.Context, st *store.Store, l LayerBlob, dir string) error {
	path, ok := st.Blob(l.Digest)
	if !ok {
		return fmt.Errorf("layer %s: %w in the store", l.Digest, os.ErrNotExist)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unpack(ctx, f, l.DiffID, dir); err != nil {
		return fmt.Errorf("layer %s: %w", l.Digest, err)
	}
	return nil
}

// addMountPoints makes what the layers lack. A root whose /etc is a link to elsewhere gets an error, not a file there.
func addMountPoints(root string) error {
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, dir := range mountPoints.dirs {
		if err := r.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	for _, file := range mountPoints.files {
		f, err := r.OpenFile(filepath.FromSlash(file), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
