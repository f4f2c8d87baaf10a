package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/entry"
)

// maxPath is Linux's own longest path; maxName its longest name of a file.
const (
	maxPath = 4095
	maxName = 255
)

// data collects the entries of data.tar.
type data struct {
	opt     Options
	left    int64
	entries []entry.Entry
	places  map[string]int // path → index in entries; implied for a folder that has no entry of its own
	members int
	names   int // bytes of paths and targets so far
}

// implied stands for a folder that only the paths in it tell of.
const implied = -1

// ReadTar reads a tar that is no package, to its end, by the rules for the files of one.
func ReadTar(r io.Reader, opt Options) ([]entry.Entry, error) {
	opt = opt.withDefaults()
	var p Package
	if err := p.readData(r, opt); err != nil {
		return nil, err
	}
	// The compression's checksum stands behind the end marker of the tar.
	_, err := io.Copy(io.Discard, r)
	return p.Entries, err
}

// readData reads data.tar.
func (p *Package) readData(r io.Reader, opt Options) error {
	d := &data{opt: opt, left: opt.MaxSize, places: map[string]int{}}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			p.Entries = d.entries
			return nil
		}
		if err != nil {
			return err
		}
		if d.members++; d.members > maxMembers || len(d.places) > 2*maxMembers {
			return fmt.Errorf("has more than %d members", maxMembers)
		}
		if err := d.add(h, tr); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
		if h.Typeflag == tar.TypeReg && h.Mode&0o6000 != 0 {
			p.Privileged = append(p.Privileged, d.entries[len(d.entries)-1].Path)
		}
	}
}

// add turns a member into an entry.
func (d *data) add(h *tar.Header, r io.Reader) error {
	if d.names += len(h.Name) + len(h.Linkname); d.names > maxNames {
		return fmt.Errorf("all paths have more than %d bytes", maxNames)
	}
	p, err := cleanPath(h.Name)
	if err != nil {
		return err
	}
	if p == "" {
		if h.Typeflag != tar.TypeDir {
			return errors.New("the root is not a folder")
		}
		return nil
	}
	e := entry.Entry{Path: p}
	switch h.Typeflag {
	case tar.TypeDir:
		e = entry.NewDir(p)
		// Only world-writable folders with the sticky bit keep it: /tmp, /var/tmp.
		if h.Mode&0o1777 == 0o1777 {
			e.Mode = 0o777 | fs.ModeSticky
		}
	case tar.TypeReg:
		e, err = d.file(p, h, r)
	case tar.TypeSymlink:
		e, err = entry.NewSymlink(p, h.Linkname), checkTarget(p, h.Linkname)
	case tar.TypeLink:
		e, err = d.hardLink(p, h)
	default:
		err = fmt.Errorf("type %q is not a file, folder or link", h.Typeflag)
	}
	if err != nil {
		return err
	}
	return d.place(e)
}

func (d *data) file(p string, h *tar.Header, r io.Reader) (entry.Entry, error) {
	// Set-user-id bits go with the rest of the mode. The size is charged before anything is read.
	e := entry.Entry{Path: p, Mode: entry.FileMode(h.Mode&0o111 != 0), Size: h.Size}
	if d.left -= h.Size; d.left < 0 {
		return e, fmt.Errorf("the package unpacks to more than %d bytes", d.opt.MaxSize)
	}
	counted := &counter{r: r}
	var err error
	if e.Content, err = d.opt.Content(e, counted); err != nil {
		return e, err
	}
	if counted.n != h.Size {
		return e, fmt.Errorf("%d bytes of %d were read", counted.n, h.Size)
	}
	return e, nil
}

// hardLink shares the contents of an earlier file, as a tar's hard link can only mean one.
func (d *data) hardLink(p string, h *tar.Header) (entry.Entry, error) {
	target, err := cleanPath(h.Linkname)
	if err != nil {
		return entry.Entry{}, fmt.Errorf("hard link to %q: %w", h.Linkname, err)
	}
	i, ok := d.places[target]
	if !ok || i == implied || d.entries[i].Type == entry.Dir {
		return entry.Entry{}, fmt.Errorf("hard link to %q, which is no file before it", h.Linkname)
	}
	e := d.entries[i]
	e.Path = p
	if e.Type == entry.Symlink {
		// Relative targets mean something else in another folder.
		return e, checkTarget(p, e.Link)
	}
	// A layer holds the contents once more, so a bomb of hard links is a bomb.
	if d.left -= e.Size; d.left < 0 {
		return e, fmt.Errorf("the package unpacks to more than %d bytes", d.opt.MaxSize)
	}
	return e, nil
}

// place adds the entry unless something stands in its way: a link or file where its parent folders are, or another
// entry at its path. The same folder may come again.
func (d *data) place(e entry.Entry) error {
	for parent := path.Dir(e.Path); parent != "."; parent = path.Dir(parent) {
		i, ok := d.places[parent]
		if !ok {
			d.places[parent] = implied
			continue
		}
		if i != implied && d.entries[i].Type != entry.Dir {
			return fmt.Errorf("its folder %q is a link or a file in the same package", parent)
		}
		break // those above it are known to be folders
	}
	i, ok := d.places[e.Path]
	switch {
	case ok && e.Type != entry.Dir, ok && i != implied && d.entries[i].Type != entry.Dir:
		return errors.New("another member has the same path")
	case ok && i != implied:
		// Packages list each folder once; a second listing is odd, not dangerous.
		d.entries[i].Mode = e.Mode // as tar does: the last one wins
		return nil
	}
	d.places[e.Path] = len(d.entries)
	d.entries = append(d.entries, e)
	return nil
}

// cleanPath returns the path inside the root, "" for the root itself.
func cleanPath(s string) (string, error) {
	switch {
	case len(s) > maxPath:
		return "", errors.New("the path is too long")
	case !utf8.ValidString(s): // PAX headers of a layer could not hold it
		return "", errors.New("the path is not UTF-8")
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("the path has a control character")
	case strings.HasPrefix(s, "/"):
		return "", errors.New("the path is absolute")
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." {
			return "", errors.New(`the path has ".."`)
		}
		if len(part) > maxName {
			return "", errors.New("a name in the path is too long")
		}
	}
	if clean := path.Clean(s); clean != "." {
		return clean, nil
	}
	return "", nil
}

// checkTarget refuses a symbolic link that would climb above the root. An absolute target is inside by definition.
func checkTarget(from, target string) error {
	if target == "" || len(target) > maxPath || !utf8.ValidString(target) ||
		strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("link target %q is not a path", target[:min(len(target), 80)])
	}
	if path.IsAbs(target) {
		return nil
	}
	if climbed := path.Join(path.Dir(from), target); climbed == ".." || strings.HasPrefix(climbed, "../") {
		return fmt.Errorf("link target %q climbs out of the root", target)
	}
	return nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
