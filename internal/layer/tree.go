package layer

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

const (
	maxPath      = 4095    // bytes; Linux refuses longer ones (PATH_MAX)
	maxComponent = 255     // bytes; Linux refuses longer ones (NAME_MAX)
	maxEntries   = 1 << 20 // with the folders above them; the largest images have some 300,000 files
	maxNames     = 1 << 28 // bytes of all paths
	whiteout     = ".wh."
)

// merged are the directories that a usr-merged system has below /usr only. A layer that brought one of them would
// hide the base's link, and with it the dynamic loader.
var merged = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// sticky are the directories that everybody may write to.
var sticky = []string{"tmp", "var/tmp"}

// arrange returns the entries sorted, with all their parents, each path once.
func arrange(entries []entry.Entry) ([]entry.Entry, error) {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, entry.Compare)
	out := make([]entry.Entry, 0, len(sorted)+len(sorted)/4)
	seen := make(map[string]entry.Type, cap(out))
	names := 0
	for _, e := range sorted {
		if err := check(e); err != nil {
			return nil, err
		}
		if last := len(out) - 1; last >= 0 && out[last].Path == e.Path {
			same, err := merge(out[last], e)
			if err != nil {
				return nil, err
			}
			out[last] = same
			continue
		}
		parents, err := missingParents(e.Path, seen)
		if err != nil {
			return nil, err
		}
		out = append(append(out, parents...), e)
		seen[e.Path] = e.Type
		for _, added := range out[len(out)-len(parents)-1:] {
			names += len(added.Path)
		}
		if len(out) > maxEntries || names > maxNames {
			return nil, &diag.Error{Code: "too-large", What: fmt.Sprintf("a layer has more than %d files and folders, or paths of more than %d bytes, with those of %s",
				maxEntries, maxNames, start(e.Path)), Hint: "leave out the package or folder that it is from"}
		}
	}
	return out, nil
}

// start is the beginning of a path, for a message.
func start(p string) string { return p[:min(len(p), 80)] }

// missingParents returns the directories above p that the layer has not yet, outermost first, and notes them. Above one that
// it has there is nothing new.
func missingParents(p string, seen map[string]entry.Type) ([]entry.Entry, error) {
	var parents []entry.Entry
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != '/' {
			continue
		}
		dir := p[:i]
		t, ok := seen[dir]
		if ok && t != entry.Dir {
			return nil, fmt.Errorf("%s: %s is not a directory", p, dir)
		}
		if ok {
			break
		}
		seen[dir] = entry.Dir
		parents = append(parents, directory(dir))
	}
	slices.Reverse(parents)
	return parents, nil
}

// directory returns a directory with the metadata that it has in every layer.
func directory(p string) entry.Entry {
	d := entry.NewDir(p)
	if slices.Contains(sticky, p) {
		d.Mode = 0o777 | fs.ModeSticky
	}
	return d
}

// check refuses what no layer of ours may hold. The stages before have refused it with a better message; this is
// the last line of defence for the image's promises.
func check(e entry.Entry) error {
	if err := checkPath(e.Path); err != nil {
		return err
	}
	switch e.Type {
	case entry.File:
		return checkFile(e)
	case entry.Dir:
		if e.Mode&^(fs.ModePerm|fs.ModeSticky) != 0 {
			return fmt.Errorf("%s: a directory cannot have mode %v", e.Path, e.Mode)
		}
	case entry.Symlink:
		if e.Link == "" || len(e.Link) > maxPath || strings.ContainsRune(e.Link, 0) || !utf8.ValidString(e.Link) {
			return fmt.Errorf("%s: bad link target %q", e.Path, e.Link)
		}
	default:
		return fmt.Errorf("%s: unknown type %d", e.Path, e.Type)
	}
	if e.Size != 0 {
		return fmt.Errorf("%s: only files have a size", e.Path)
	}
	return nil
}

// checkFile refuses files with set-user-ID and the like, and files without contents.
func checkFile(e entry.Entry) error {
	if e.Mode&^fs.ModePerm != 0 {
		return fmt.Errorf("%s: a file cannot have mode %v", e.Path, e.Mode)
	}
	if e.Size < 0 || e.Content == nil {
		return fmt.Errorf("%s: a file needs contents and a size", e.Path)
	}
	return nil
}

// checkPath refuses paths that are not clean, that a kernel or an unpacker would read otherwise, or that stand in a
// directory of the times before the usr-merge.
func checkPath(p string) error {
	if !fs.ValidPath(p) || p == "." || path.Clean(p) != p || strings.ContainsRune(p, 0) {
		return fmt.Errorf("%q is not a clean path below the root of the image", p)
	}
	if len(p) > maxPath {
		return fmt.Errorf("path of %d bytes: %.80q…", len(p), p)
	}
	for c := range strings.SplitSeq(p, "/") {
		if len(c) > maxComponent {
			return fmt.Errorf("file name of %d bytes: %.80q…", len(c), c)
		}
		// The layer format would delete a file of the layers below.
		if strings.HasPrefix(c, whiteout) {
			return fmt.Errorf("%q: a name in a layer cannot begin with %s", p, whiteout)
		}
	}
	if first, _, below := strings.Cut(p, "/"); below && slices.Contains(merged, first) {
		return fmt.Errorf("%q must be usr/%s: the image is usr-merged", p, p)
	}
	return nil
}

// merge returns the one entry that two entries of a path are, if they are equal.
func merge(a, b entry.Entry) (entry.Entry, error) {
	different := &diag.Error{Code: "overlap", What: fmt.Sprintf("two different files want to be %s", a.Path),
		Hint: "name the one to keep in `overlaps`"}
	if a.Type != b.Type || a.Mode != b.Mode || a.Link != b.Link || a.Size != b.Size {
		return entry.Entry{}, different
	}
	if a.Type != entry.File {
		return a, nil
	}
	same, err := sameContent(a.Content, b.Content)
	if err != nil {
		return entry.Entry{}, fmt.Errorf("%s: %w", a.Path, err)
	}
	if !same {
		return entry.Entry{}, different
	}
	// Equal bytes may have come by different deflate streams, and which of them is first depends on the order of
	// the input, which must not show.
	a.Content = plain{a.Content}
	return a, nil
}

// plain hides that contents are a deflate stream.
type plain struct{ entry.Content }

// sameContent compares two contents byte by byte.
func sameContent(a, b entry.Content) (bool, error) {
	ra, err := a.Open()
	if err != nil {
		return false, err
	}
	defer ra.Close()
	rb, err := b.Open()
	if err != nil {
		return false, err
	}
	defer rb.Close()
	return sameBytes(bufio.NewReaderSize(ra, chunkSize), bufio.NewReaderSize(rb, chunkSize))
}

// sameBytes reads both to their ends or to the first difference.
func sameBytes(a, b io.ByteReader) (bool, error) {
	for {
		x, errA := a.ReadByte()
		y, errB := b.ReadByte()
		switch {
		case errA == io.EOF && errB == io.EOF:
			return true, nil
		case errA == io.EOF && errB == nil, errB == io.EOF && errA == nil:
			return false, nil
		case errA != nil && errA != io.EOF:
			return false, errA
		case errB != nil && errB != io.EOF:
			return false, errB
		case x != y:
			return false, nil
		}
	}
}
