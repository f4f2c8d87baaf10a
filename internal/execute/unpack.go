package execute

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/layerblob"
)

const (
	maxLayerEntries = 1 << 20  // the largest images have some 300,000 files in all
	maxLayerBytes   = 64 << 30 // no layer that a registry takes is larger
	maxPath         = 4096     // PATH_MAX
	maxLayerNames   = 1 << 27  // bytes of all paths; those of the largest images have a fifth
)

// unpacker writes one layer into a directory of its own. It follows no link that the layer made: the parent of every
// entry is a directory that it made itself, and os.Root holds it inside should that be wrong.
type unpacker struct {
	root    *os.Root
	made    map[string]bool // directories
	current *os.Root        // the directory of the last entry: most entries come in order
	at      string
	buffer  []byte
	left    int64 // bytes that may still be written
	names   int   // bytes of the paths so far
}

// unpack unpacks a tar, compressed or not, into dir and verifies the digest of the tar.
func unpack(ctx context.Context, blob io.Reader, diffID, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	plain, err := layerblob.Open(blob)
	if err != nil {
		return err
	}
	defer plain.Close()
	hash := sha256.New()
	stream := io.TeeReader(plain, hash)
	u := &unpacker{root: root, made: map[string]bool{".": true}, buffer: make([]byte, 256<<10), left: maxLayerBytes}
	defer u.leave()
	if err := u.entries(ctx, tar.NewReader(stream)); err != nil {
		return err
	}
	// What follows the end of the archive belongs to the digest.
	if _, err := io.CopyBuffer(io.Discard, io.LimitReader(stream, u.left), u.buffer); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); got != diffID {
		return fmt.Errorf("the uncompressed layer is %s, not %s", got, diffID)
	}
	return nil
}

// entries unpacks one entry after the other.
func (u *unpacker) entries(ctx context.Context, archive *tar.Reader) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n >= maxLayerEntries {
			return fmt.Errorf("more than %d entries", maxLayerEntries)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := u.entry(header, archive); err != nil {
			return fmt.Errorf("%.200q: %w", header.Name, err)
		}
	}
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name, err := inside(h.Name)
	if err != nil {
		return err
	}
	if err := u.spend(name); err != nil {
		return err
	}
	if name == "." {
		return nil // the root's own mode is the store's business
	}
	if err := u.enter(path.Dir(name)); err != nil {
		return err
	}
	base := path.Base(name)
	switch h.Typeflag {
	case tar.TypeDir:
		return u.dir(name, h.FileInfo().Mode())
	case tar.TypeReg:
		return u.file(base, h, content)
	case tar.TypeSymlink:
		return u.make(base, func() error { return u.current.Symlink(h.Linkname, base) })
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return nil // some bases have a /dev; the sandbox brings its own
	case tar.TypeLink:
		target, err := inside(h.Linkname)
		if err != nil {
			return err
		}
		return u.make(base, func() error { return u.root.Link(target, name) })
	}
	return fmt.Errorf("entry of type %q", h.Typeflag)
}

// spend counts the bytes of paths, those of folders that no entry names among them: an entry may bring thousands.
func (u *unpacker) spend(name string) error {
	if u.names += len(name); u.names > maxLayerNames {
		return fmt.Errorf("paths of more than %d bytes", maxLayerNames)
	}
	return nil
}

// inside returns the clean form of a path that must not leave the layer.
func inside(name string) (string, error) {
	if len(name) > maxPath || strings.ContainsRune(name, 0) {
		return "", errors.New("not a path")
	}
	if path.IsAbs(name) {
		return "", errors.New("absolute path")
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", errors.New("path out of the layer")
	}
	return clean, nil
}

// enter makes a directory current, and makes it and its parents if they are missing.
func (u *unpacker) enter(dir string) error {
	if u.current != nil && u.at == dir {
		return nil
	}
	u.leave()
	if err := u.parents(dir); err != nil {
		return err
	}
	current, err := u.root.OpenRoot(dir)
	u.current, u.at = current, dir
	return err
}

func (u *unpacker) leave() {
	if u.current != nil {
		_ = u.current.Close()
		u.current = nil
	}
}

// parents makes a directory and those above it. What is there and was not made here as a directory is an error.
func (u *unpacker) parents(dir string) error {
	if u.made[dir] {
		return nil
	}
	if err := u.parents(path.Dir(dir)); err != nil {
		return err
	}
	if err := u.spend(dir); err != nil {
		return err
	}
	if err := u.root.Mkdir(dir, 0o755); err != nil {
		return err // among others: the layer has something else there
	}
	u.made[dir] = true
	return nil
}

// dir makes a directory. The owner may always do everything, or the next entry could not be written.
func (u *unpacker) dir(name string, mode fs.FileMode) error {
	if err := u.parents(name); err != nil {
		return err
	}
	return u.root.Chmod(name, mode&(fs.ModePerm|fs.ModeSticky)|0o700)
}

// file writes a file. Set-id bits are dropped: nothing that runs in a root may gain rights.
func (u *unpacker) file(base string, h *tar.Header, content io.Reader) error {
	if u.left -= h.Size; u.left < 0 {
		return fmt.Errorf("more than %d bytes in one layer", int64(maxLayerBytes))
	}
	var f *os.File
	err := u.make(base, func() (err error) {
		f, err = u.current.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{f}, content, u.buffer)
	mode := h.FileInfo().Mode()&fs.ModePerm | 0o400
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return u.current.Chtimes(base, h.ModTime, h.ModTime)
}

// onlyWriter hides ReadFrom of os.File, which would bring a buffer of its own for every file.
type onlyWriter struct{ io.Writer }

// make makes something at base; if a tar has two entries of one path, the last one counts. A directory that has
// entries stays, and that is an error.
func (u *unpacker) make(base string, create func() error) error {
	err := create()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := u.current.Remove(base); err != nil {
		return err
	}
	delete(u.made, path.Join(u.at, base))
	return create()
}
