package execute

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"

	"github.com/lithe-build/lithe/internal/store"
)

// tarKey is what a directory of MaterializeTar depends on.
type tarKey struct {
	Format int
	Key    string
}

// MaterializeTar returns a directory with the files of a tar that write writes, made once for each key, which must stand
// for all that the tar depends on. Where ready is not nil it completes the directory before anybody else sees it.
func MaterializeTar(ctx context.Context, st *store.Store, key string, write func(io.Writer) error, ready func(root string) error) (string, error) {
	return st.Dir(ctx, "roots", tarRoot(key), func(root string) error {
		if err := unpackTar(ctx, write, root); err != nil {
			return err
		}
		if err := addMountPoints(root); err != nil || ready == nil {
			return err
		}
		return ready(root)
	})
}

// HasTar reports whether MaterializeTar has made the directory of a key.
func HasTar(st *store.Store, key string) bool { return st.HasDir("roots", tarRoot(key)) }

func tarRoot(key string) string { return store.Key(tarKey{Format: rootFormat, Key: key}) }

// unpackTar unpacks a tar while it is written.
func unpackTar(ctx context.Context, write func(io.Writer) error, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	u := &unpacker{root: root, made: map[string]bool{".": true}, buffer: make([]byte, 256<<10), left: maxLayerBytes}
	defer u.leave()
	err = u.entries(ctx, tar.NewReader(r))
	if err == nil { // what follows the end of the archive
		_, err = io.Copy(io.Discard, r)
	}
	_ = r.CloseWithError(errStopped)
	if cause := <-written; cause != nil && !errors.Is(cause, errStopped) {
		return cause
	}
	return err
}

// errStopped ends whoever writes a tar that nobody reads any more.
var errStopped = errors.New("the tar is not read any more")
