package layer

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Loading is what the dynamic loader would see of a layer. It tells whether an image is complete when the layers
// themselves are far away.
type Loading struct {
	Objects []Object `json:"objects,omitempty"`
	Links   []Link   `json:"links,omitempty"`
	Search  []Search `json:"search,omitempty"`
	// Removed are the paths of lower layers that this one takes away; one that ends in a slash is a folder which is
	// emptied, "/" the whole image. Layers that are made here have none.
	Removed []string `json:"removed,omitempty"`
}

// Link is a symbolic link that may lead to a library, or to a folder with some.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"` // as written
}

// Search is a file that tells the loader where to look: etc/ld.so.conf and what it may include, or that of musl.
type Search struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// maxSearch is in bytes; a list of folders has some hundred. A longer one is not read: it would go into every record.
const maxSearch = 64 << 10

// maxSaid is in bytes, of all that the objects and links of a layer say; those of a whole distribution have some hundred
// kilobytes.
const maxSaid = 64 << 20

// collector gathers the facts of one layer.
type collector struct {
	Loading
	size  int             // bytes of what objects and links say
	names int             // bytes of all paths, of a layer that others made
	at    map[string]int  // objects by path
	plain map[string]bool // regular files that are no objects
}

func newCollector() *collector { return &collector{at: map[string]int{}, plain: map[string]bool{}} }

// file reads a regular file.
func (c *collector) file(name string, r io.Reader, size int64, owner string, tmp scratch) error {
	if isSearch(name) && size <= maxSearch {
		text, err := io.ReadAll(io.LimitReader(r, size))
		c.Search = append(c.Search, Search{Path: name, Text: string(text)})
		return err
	}
	o, ok, err := object(name, r, size, tmp)
	if err != nil {
		return err
	}
	if !ok {
		c.other(name)
		return nil
	}
	o.Package = owner
	c.object(o)
	return nil
}

func (c *collector) object(o Object) {
	c.size += o.size()
	c.at[o.Path] = len(c.Objects)
	c.Objects = append(c.Objects, o)
}

func (c *collector) other(name string) { c.plain[name] = true }

func (c *collector) link(name, target string) {
	c.size += len(name) + len(target)
	c.Links = append(c.Links, Link{Path: name, Target: target})
}

// full refuses a layer that says more than a record can hold.
func (c *collector) full() error {
	if c.size > maxSaid {
		return &diag.Error{Code: "too-large", What: fmt.Sprintf("the shared objects and links of a layer name more than %d bytes of libraries, versions and paths", maxSaid),
			Hint: "leave out the package that they are from"}
	}
	return nil
}

// finish leaves out the links that lead to files which are no libraries, such as the hundreds of time zones. One that
// leads out of the layer may lead to a library of another, and is kept.
func (c *collector) finish() Loading {
	kept := c.Links[:0]
	for _, l := range c.Links {
		to := strings.TrimPrefix(l.Target, "/")
		if !path.IsAbs(l.Target) {
			to = path.Join(path.Dir(l.Path), l.Target)
		}
		if isLibraryName(l.Path) || !c.plain[path.Clean(to)] {
			kept = append(kept, l)
		}
	}
	c.Links = kept
	return c.Loading
}

// isLibraryName reports a name that programs give to libraries: libx.so, libx.so.1, ld-musl-x86_64.so.1.
func isLibraryName(name string) bool { return strings.Contains(path.Base(name), ".so") }

// isSearch reports the files that tell a loader where to look.
func isSearch(name string) bool {
	dir, base := path.Split(name)
	switch dir {
	case "etc/":
		return base == "ld.so.conf" || strings.HasPrefix(base, "ld-musl-") && strings.HasSuffix(base, ".path")
	case "etc/ld.so.conf.d/":
		return strings.HasSuffix(base, ".conf")
	}
	return false
}
