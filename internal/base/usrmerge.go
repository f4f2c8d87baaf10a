package base

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// moved lists the directories that are links into usr on a merged system. A tar entry below such a link would hide it
// in some engines, so paths are rewritten instead.
// See https://www.freedesktop.org/wiki/Software/systemd/TheCaseForTheUsrMerge/.
var moved = []string{"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"}

// merged returns the entry at its usr-merged path, or false for one of the moved directories itself, packaged as a
// directory (bookworm) or as a link (trixie): links are made once, by mergeLinks.
func merged(e entry.Entry) (entry.Entry, bool) {
	if slices.Contains(moved, e.Path) {
		return entry.Entry{}, false
	}
	from := e.Path
	e.Path = mergedPath(from)
	if e.Type == entry.Symlink {
		e.Link = mergedLink(from, e.Path, e.Link)
	}
	return e, true
}

// mergedPath returns where a path is on a merged system.
func mergedPath(name string) string {
	top, _, below := strings.Cut(name, "/")
	if below && slices.Contains(moved, top) {
		return "usr/" + name
	}
	return name
}

// mergedLink keeps a relative target pointing at the same file when the link has moved one level down.
func mergedLink(from, to, target string) string {
	if from == to || path.IsAbs(target) {
		return target
	}
	want := mergedPath(path.Join("/", path.Dir(from), target)[1:])
	if path.Join(path.Dir(to), target) == want {
		return target
	}
	return relative(path.Dir(to), want)
}

// relative returns the way from a directory to a path. Both are relative to the same root and clean.
func relative(dir, target string) string {
	a, b := strings.Split(dir, "/"), strings.Split(target, "/")
	for len(a) > 0 && len(b) > 1 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return strings.Repeat("../", len(a)) + strings.Join(b, "/")
}

// mergeLinks returns the links for the directories that exist below usr.
func mergeLinks(entries []entry.Entry) []entry.Entry {
	present := map[string]bool{}
	for _, e := range entries {
		markParents(present, e.Path)
	}
	var links []entry.Entry
	for _, name := range moved {
		if present["usr/"+name] {
			links = append(links, entry.NewSymlink(name, "usr/"+name))
		}
	}
	return links
}
