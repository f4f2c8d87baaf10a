package layer

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/store"
)

// Caps on a layer that others made.
const (
	maxObjectFile = 8 << 30 // bytes of one library; the largest of a CUDA image has 2 GB
	maxFacts      = 1 << 18 // objects, links and removed paths; a whole distribution's image has some thousand
	maxPlain      = 1 << 22 // other files
	maxSearches   = 1 << 8  // files with folders for the loader; a distribution has some ten
)

// opaque is the name that empties a folder. Others that begin with whiteout remove one file or folder.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts.
const opaque = ".wh..wh..opq"

// Inspect reads the tar of a layer that others made, and returns what the loader would see of it. The caller has
// verified the bytes, or does so while they are read; what is left of r is the caller's to read.
func Inspect(ctx context.Context, st *store.Store, r io.Reader) (Loading, error) {
	c := newCollector()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return c.finish(), nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = c.member(h, t, st.Temp)
		}
		if err != nil {
			return Loading{}, fmt.Errorf("reading a layer: %w", err)
		}
	}
}

// member reads one member of a tar.
func (c *collector) member(h *tar.Header, r io.Reader, tmp scratch) error {
	if len(h.Name) > maxPath+1 || len(h.Linkname) > maxPath {
		return fmt.Errorf("a path of more than %d bytes", maxPath)
	}
	name := cleanName(h.Name)
	if c.names += len(name); c.names > maxNames {
		return fmt.Errorf("%s: the paths of the layer have more than %d bytes", start(name), maxNames)
	}
	if err := c.full(); err != nil {
		return err
	}
	if len(c.Objects)+len(c.Links)+len(c.Removed) > maxFacts || len(c.plain) > maxPlain || len(c.Search) > maxSearches {
		return fmt.Errorf("%s: the layer has more files than lithe takes", name)
	}
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		c.Removed = append(c.Removed, cmp.Or(dir, "/"))
		return nil
	case strings.HasPrefix(base, whiteout):
		if gone := strings.TrimPrefix(base, whiteout); gone != "" {
			c.Removed = append(c.Removed, dir+gone)
		}
		return nil
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if h.Size > maxObjectFile {
			return fmt.Errorf("%s has %d bytes, more than lithe takes", name, h.Size)
		}
		return c.file(name, r, h.Size, "", tmp)
	case tar.TypeSymlink:
		c.link(name, h.Linkname)
	case tar.TypeLink:
		c.hardLink(name, cleanName(h.Linkname))
	}
	return nil
}

// hardLink gives a file a second name.
func (c *collector) hardLink(name, target string) {
	i, ok := c.at[target]
	if !ok {
		c.other(name)
		return
	}
	o := c.Objects[i]
	o.Path = name
	c.object(o)
}

// cleanName makes "./usr/lib/" and "/usr/lib" usr/lib. What climbs out of the root stays in it.
func cleanName(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
