package sdist

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Caps on what one source distribution may hold.
const (
	maxMembers  = 200_000   // with directories that members stand in; the largest known, of scientific libraries, have some 30 000
	maxUnpacked = 4 << 30   // bytes, links to files counting as files; the largest known have some 500 MB
	maxZip      = 128 << 20 // bytes of a .zip, all members of which are known before the first is read; those of old have some ten MB
	maxPath     = 1024      // bytes of a path
	ratioFrom   = 16 << 20  // bytes; below it any ratio is harmless
	maxRatio    = 200       // unpacked to packed; deflate reaches 1032, real sources stay below 30
)

// Type is what a member is. Devices, sockets and pipes do not exist in a source distribution.
type Type uint8

// The types of members.
const (
	File Type = iota
	Dir
	Symlink
	HardLink // the same file as an earlier member
)

// Member is one file, directory or link, below the top directory of the archive.
type Member struct {
	Path       string // slash-separated, relative, clean
	Type       Type
	Executable bool   // of a file; no other bit of its mode counts
	Link       string // of a symbolic link its target as written, which stays below the top; of a hard link the earlier path
	Size       int64  // of a file
}

// ErrUnsafe is in every error about an archive that is not unpacked because of what it holds.
var ErrUnsafe = errors.New("is not unpacked")

// Read calls visit for each member of an archive, in its order. The file name says which kind of archive it is. The content
// is that of a file, nil for all else, and need not be read to its end.
func Read(archive io.ReaderAt, size int64, filename string, visit func(m Member, content io.Reader) error) error {
	r := &reader{packed: size, visit: visit, seen: map[string]Type{}, sizes: map[string]int64{}}
	section := io.NewSectionReader(archive, 0, size)
	var err error
	if strings.HasSuffix(filename, ".zip") {
		err = r.zip(section, size)
	} else {
		err = r.tar(section)
	}
	if err == nil && r.top == "" {
		err = fmt.Errorf("%w: it is empty", ErrUnsafe)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filename, err)
	}
	return nil
}

// reader checks one archive as a whole: what one member may be depends on those before it.
type reader struct {
	packed   int64
	unpacked int64
	members  int
	top      string
	seen     map[string]Type
	sizes    map[string]int64 // of files and of links to them
	linked   int64            // bytes of what hard links stand for, which are copies where they are written
	visit    func(Member, io.Reader) error
}

// block is the unit of tar in bytes.
const block = 512

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsafe, fmt.Sprintf(format, args...))
}

func (r *reader) tar(archive io.Reader) error {
	zr, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	stream := &counted{from: zr, reader: r}
	tr := tar.NewReader(stream)
	for {
		// An archive ends with a block of zeros. The reader of the library does without; what is cut off has none.
		end := (r.unpacked + block - 1) / block * block
		h, err := tr.Next()
		if errors.Is(err, io.EOF) && r.unpacked < end+block {
			return io.ErrUnexpectedEOF
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader { // of git archive: a comment
			continue
		}
		m, err := tarMember(h)
		if err != nil {
			return err
		}
		if err := r.member(h.Name, m, tr); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			return err
		}
	}
	// What stands behind the end of the archive must still agree with the checksum.
	_, err = io.Copy(io.Discard, stream)
	return err
}

func tarMember(h *tar.Header) (Member, error) {
	m := Member{Executable: h.Mode&0o111 != 0, Size: h.Size}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") { // bytes that are in no archive, which nothing would count
			return m, refuse("%s is a file with holes", printable(h.Name))
		}
	}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		m.Type = Dir
	case tar.TypeSymlink:
		m.Type, m.Link = Symlink, h.Linkname
	case tar.TypeLink:
		m.Type, m.Link = HardLink, h.Linkname
	default:
		return m, refuse("%s is a device or something else that is no file", printable(h.Name))
	}
	return m, nil
}

func (r *reader) zip(archive io.ReaderAt, size int64) error {
	if size > maxZip {
		return refuse("it has %d bytes, more than %d", size, maxZip)
	}
	zr, err := zip.NewReader(archive, size)
	if err != nil {
		return err
	}
	for _, f := range zr.File {
		m := Member{Executable: f.Mode()&0o111 != 0, Size: int64(f.UncompressedSize64)} //nolint:gosec // too large ones are negative
		switch {
		case f.Mode().IsDir():
			m.Type = Dir
		case f.Mode()&fs.ModeType != 0:
			return refuse("%s is a link or something else that is no file", printable(f.Name))
		}
		if err := r.zipFile(f, m); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) zipFile(f *zip.File, m Member) error {
	content, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", printable(f.Name), err)
	}
	defer content.Close()
	stream := &counted{from: content, reader: r}
	if err := r.member(f.Name, m, stream); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stream) // to its checksum
	return err
}

// member checks one, and shows it.
func (r *reader) member(written string, m Member, content io.Reader) error {
	if r.members++; r.members > maxMembers {
		return refuse("it has more than %d members", maxMembers)
	}
	if m.Size < 0 || m.Size > maxUnpacked {
		return refuse("%s has %d bytes", printable(written), m.Size)
	}
	full, err := cleaned(written)
	if err != nil {
		return err
	}
	if full == "." {
		return nil
	}
	top, below, _ := strings.Cut(full, "/")
	switch {
	case r.top == "" && below == "" && m.Type != Dir:
		return refuse("%s stands at the top, where one directory should be", printable(written))
	case r.top == "":
		r.top = top
	case r.top != top:
		return refuse("it has two top directories, %s and %s", printable(r.top), printable(top))
	}
	if below == "" {
		if m.Type != Dir {
			return refuse("%s is no directory", printable(top))
		}
		return nil
	}
	m.Path = below
	if err := r.checkLink(&m); err != nil {
		return err
	}
	if err := r.place(m); err != nil {
		return err
	}
	if m.Type != File {
		content, m.Size = nil, 0
	}
	return r.visit(m, content)
}

// cleaned returns a path of an archive without what means nothing.
func cleaned(written string) (string, error) {
	switch {
	case len(written) > maxPath:
		return "", refuse("a path has %d bytes", len(written))
	case written == "" || strings.ContainsAny(written, "\\\x00"):
		return "", refuse("%s is not a path", printable(written))
	case strings.HasPrefix(written, "/"):
		return "", refuse("%s is an absolute path", printable(written))
	}
	for part := range strings.SplitSeq(written, "/") {
		if part == ".." {
			return "", refuse("%s leads out of the archive", printable(written))
		}
	}
	return path.Clean(written), nil
}

// checkLink refuses links that lead out.
func (r *reader) checkLink(m *Member) error {
	switch m.Type {
	case Symlink:
		target := path.Join(path.Dir(m.Path), m.Link)
		if m.Link == "" || path.IsAbs(m.Link) || strings.ContainsAny(m.Link, "\\\x00") || climbsLate(m.Link) ||
			target == ".." || strings.HasPrefix(target, "../") {
			return refuse("%s is a link out of it, to %s", printable(m.Path), printable(m.Link))
		}
	case HardLink:
		target, err := cleaned(m.Link)
		if err != nil {
			return err
		}
		m.Link = strings.TrimPrefix(target, r.top+"/")
		if t, ok := r.seen[m.Link]; !ok || t != File && t != HardLink || m.Link == m.Path {
			return refuse("%s is a link to %s, which is no file before it", printable(m.Path), printable(m.Link))
		}
		m.Size = r.sizes[m.Link]
		if r.linked += m.Size; r.linked > maxUnpacked {
			return refuse("its links stand for more than %d bytes", int64(maxUnpacked))
		}
	}
	return nil
}

// climbsLate tells targets that go up after they went down. Where they lead depends on other links.
func climbsLate(target string) bool {
	down := false
	for part := range strings.SplitSeq(target, "/") {
		if part == ".." && down {
			return true
		}
		down = down || part != ".." && part != "." && part != ""
	}
	return false
}

// place refuses what would be written through a link or over something of another type. Of two files at one path the later
// one counts, as in tar.
func (r *reader) place(m Member) error {
	for dir := path.Dir(m.Path); dir != "."; dir = path.Dir(dir) {
		if t, ok := r.seen[dir]; ok && t != Dir {
			return refuse("%s stands below %s, which is no directory", printable(m.Path), printable(dir))
		} else if ok {
			break
		}
		if r.members++; r.members > maxMembers {
			return refuse("it has more than %d members", maxMembers)
		}
		r.seen[dir] = Dir
	}
	if t, ok := r.seen[m.Path]; ok && (t != m.Type || t == Symlink || t == HardLink) {
		return refuse("%s is in it twice", printable(m.Path))
	}
	r.seen[m.Path] = m.Type
	if m.Type == File || m.Type == HardLink {
		r.sizes[m.Path] = m.Size
	}
	return nil
}

// counted stops a stream that unpacks to more than any source distribution has.
type counted struct {
	from   io.Reader
	reader *reader
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	r := c.reader
	r.unpacked += int64(n)
	switch {
	case r.unpacked > maxUnpacked:
		return n, refuse("it has more than %d bytes", int64(maxUnpacked))
	case r.unpacked > ratioFrom && r.unpacked/maxRatio > r.packed:
		return n, refuse("its %d bytes become more than %d times as many", r.packed, maxRatio)
	}
	return n, err
}

// printable keeps what an archive says from being more than text.
func printable(s string) string { return fmt.Sprintf("%.200q", s) }
