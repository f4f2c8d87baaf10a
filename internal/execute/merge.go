package execute

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Marks in a layer that take files of lower layers away (image-spec, layer.md, "Whiteouts").
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// merge lays an unpacked layer over root, as overlayfs would show it. A directory of the layer replaces anything
// but a directory, so nothing is ever written through a link: every parent in root is a real directory by then.
func merge(ctx context.Context, layer, root string) error {
	return filepath.WalkDir(layer, func(from string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, err := filepath.Rel(layer, from)
		if err != nil {
			return err
		}
		to := filepath.Join(root, name)
		switch {
		case d.IsDir():
			return mergeDir(from, to, name == ".")
		case d.Name() == opaque:
			return nil // mergeDir saw to it
		case strings.HasPrefix(d.Name(), whiteout):
			hidden := strings.TrimPrefix(d.Name(), whiteout)
			if hidden == "" || hidden == "." || hidden == ".." {
				return errors.New(name + ": whiteout of nothing")
			}
			if _, err := os.Lstat(filepath.Join(filepath.Dir(from), hidden)); err == nil {
				return nil // the layer's own file replaces the one below
			}
			return os.RemoveAll(filepath.Join(filepath.Dir(to), hidden))
		}
		return mergeFile(from, to, d.Type())
	})
}

// mergeDir makes a directory, or keeps the one of the layers below and gives it the mode of this layer.
func mergeDir(from, to string, top bool) error {
	if _, err := os.Lstat(filepath.Join(from, opaque)); err == nil && !top {
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	if top {
		return nil
	}
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	below, err := os.Lstat(to)
	switch {
	case err == nil && !below.IsDir():
		err = errors.Join(os.Remove(to), os.Mkdir(to, 0o700))
	case errors.Is(err, fs.ErrNotExist):
		err = os.Mkdir(to, 0o700)
	}
	if err != nil {
		return err
	}
	return os.Chmod(to, info.Mode()&(fs.ModePerm|fs.ModeSticky))
}

// mergeFile puts a file or link in the place of whatever is there.
func mergeFile(from, to string, kind fs.FileMode) error {
	put := func() error { return link(from, to) }
	if kind&fs.ModeSymlink != 0 {
		put = func() error {
			target, err := os.Readlink(from)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
	}
	err := put()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return put()
}

// link gives a file a second name, or copies it where that is refused: the file has too many names already, or it
// belongs to another user of the store (fs.protected_hardlinks).
func link(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
