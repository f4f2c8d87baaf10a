package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/compressed"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/store"
)

// standalonePrunings decides what of an archive goes into an image, by its paths there.
var standalonePrunings = []pruning{
	{drop, "usr/local/bin/*-config", "for builds"},
	{keep, "usr/local/bin/python", "the interpreter"},
	{keep, "usr/local/bin/python3", "the interpreter"},
	{keep, "usr/local/bin/python3.*", "the interpreter"},
	{drop, "usr/local/bin/**", "programs: nothing runs them, an intruder could"},
	{drop, "usr/local/include/**", "headers are for builds"},
	{drop, "usr/local/share/**", "manuals, and descriptions of terminals, which Debian's base has none of either"},
	{drop, "usr/local/lib/pkgconfig/**", "for builds"},
	{drop, "usr/local/lib/*.a", "for builds"},
	{drop, "usr/local/lib/python3.*/config-*/**", "for builds"},
	{drop, "usr/local/lib/libtcl*", "needs a display"},
	{drop, "usr/local/lib/libtk*", "needs a display"},
	{drop, "usr/local/lib/tcl*/**", "needs a display"},
	{drop, "usr/local/lib/tk*/**", "needs a display"},
	{drop, "usr/local/lib/itcl*/**", "needs a display"},
	{drop, "usr/local/lib/thread*/**", "needs a display"},
	{drop, "usr/local/lib/python3.*/lib-dynload/_tkinter.*", "needs Tcl/Tk and a display"},
	{drop, "usr/local/lib/python3.*/tkinter/**", "needs Tcl/Tk and a display"},
	{drop, "usr/local/lib/python3.*/turtle.py", "needs Tcl/Tk and a display"},
	{drop, "usr/local/lib/python3.*/turtledemo/**", "needs Tcl/Tk and a display"},
	{drop, "usr/local/lib/python3.*/idlelib/**", "needs Tcl/Tk and a display"},
	{drop, "usr/local/lib/python3.*/ensurepip/**", "installs pip"},
	{drop, "usr/local/lib/python3.*/site-packages/**", "pip; packages are in /venv"},
	{drop, "usr/local/lib/python3.*/test/**", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/*/tests/**", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/*/test/**", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/lib-dynload/_test*.so", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/lib-dynload/_ctypes_test.*.so", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/lib-dynload/_xxtestfuzz.*.so", "tests of the standard library"},
	{drop, "usr/local/lib/python3.*/lib-dynload/xx*.so", "samples for authors of extensions"},
	{drop, "usr/local/lib/python3.*/**/__pycache__/**", "lithe makes its own, which are reproducible"},
}

// interpreterOf fetches and unpacks the archive of a selection.
func interpreterOf(ctx context.Context, client *fetch.Client, a *Archive, opt Options, on func(Event)) (*unpacked, error) {
	file, err := fetchArchive(ctx, client, a, opt, on)
	if err != nil {
		return nil, err
	}
	u, err := unpackStandalone(file, a, standalonePrunings, keptContent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(a.Path), err)
	}
	return u, nil
}

// fetchArchive returns the path of the verified archive.
func fetchArchive(ctx context.Context, client *fetch.Client, a *Archive, opt Options, on func(Event)) (string, error) {
	if !fs.ValidPath(a.Path) || strings.ContainsAny(a.Path, `\?#%`) {
		return "", badPin("Python %s is locked at %q, which is no plain path below a mirror", a.Python, a.Path)
	}
	url := opt.standaloneURL(a.Path)
	file, err := client.Blob(ctx, fetch.Request{URLs: []string{url}, Digest: a.Hash, Size: a.Size, Name: path.Base(a.Path)}, func(done, _ int64) {
		on(Event{Stage: "fetch", Item: path.Base(a.Path), Done: done, Total: a.Size})
	})
	switch {
	case errors.Is(err, fetch.ErrNotFound):
		return "", &diag.Error{Code: "superseded", What: fmt.Sprintf("Python %s is gone from %s", a.Version(), fetch.Redact(url)),
			Hint: "`lithe lock --upgrade` moves the base to what is there; --standalone-mirror names another mirror", Err: err}
	case errors.Is(err, store.ErrMismatch) || errors.Is(err, fetch.ErrSize):
		return "", &diag.Error{Code: "hash-mismatch", What: err.Error(), Err: err,
			Hint: "the mirror, or something on the way, changed the file: find out why, or name another mirror with --standalone-mirror"}
	}
	return file, err
}

// unpackStandalone reads an archive, prunes it, and puts it to its place. What becomes of contents is the caller's matter.
func unpackStandalone(file string, a *Archive, rows []pruning, content func(entry.Entry, io.Reader) (entry.Content, error)) (*unpacked, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := compressed.NewReader(f, path.Base(a.Path), 2*maxUnpacked)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	entries, err := archive.ReadTar(plain, archive.Options{MaxSize: maxUnpacked, Content: content})
	if err != nil {
		return nil, err
	}
	u := &unpacked{pin: Pin{Name: "cpython", Version: a.Version(), Part: KindInterpreter}}
	for _, e := range entries {
		if e.Path == "python" && e.Type == entry.Dir {
			continue
		}
		var ok bool
		if e.Path, ok = standalonePath(e.Path); !ok {
			return nil, fmt.Errorf("%q is not below python/, where everything of an archive is", e.Path)
		}
		if fateOf(rows, e.Path) == drop {
			u.gone = append(u.gone, e.Path)
			continue
		}
		u.entries = append(u.entries, e)
	}
	program := path.Join(standalonePrefix, "bin", "python"+Minor(a.Python))
	if !slices.ContainsFunc(u.entries, func(e entry.Entry) bool { return e.Path == program && e.Type == entry.File }) {
		return nil, fmt.Errorf("it has no interpreter bin/python%s", Minor(a.Python))
	}
	return u, u.relocate()
}

// keptContent keeps a file in memory unless it is pruned: then it is not wanted there.
func keptContent(e entry.Entry, r io.Reader) (entry.Content, error) {
	if name, ok := standalonePath(e.Path); !ok || fateOf(standalonePrunings, name) == drop {
		_, err := io.Copy(io.Discard, r)
		return entry.Bytes(nil), err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxUnpacked)) // ReadTar counts all files together
	return entry.Bytes(data), err
}

// standalonePath returns where a file of an archive is in an image; the path itself where it does not belong there.
func standalonePath(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "python/")
	if !ok {
		return name, false
	}
	return path.Join(standalonePrefix, rest), true
}

// buildPrefix is where the archives were built: /install as a whole path or its beginning, after a flag or in quotes, and
// not the end of a path such as /usr/bin/install.
var buildPrefix = lazyregexp.New(`(^|['"=:\s]|-[IL])/install(['"/:\s]|$)`)

// relocate makes sysconfig and pkg-config tell the place in the image. Python itself goes by where it finds itself.
func (u *unpacked) relocate() error {
	for i, e := range u.entries {
		if e.Type != entry.File || !strings.HasPrefix(path.Base(e.Path), "_sysconfigdata_") && path.Ext(e.Path) != ".pc" {
			continue
		}
		data, err := e.Read()
		if err != nil {
			return err
		}
		for range 2 { // neighbours share the character between them
			data = buildPrefix.Get().ReplaceAll(data, []byte("${1}/"+standalonePrefix+"${2}"))
		}
		u.entries[i] = entry.NewFile(e.Path, data, false)
	}
	return nil
}
