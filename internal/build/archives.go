package build

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// takeArchives brings wheels that stand in the project's folder into the store, where each is under its locked hash.
func (b *builder) takeArchives(d *decision) error {
	for _, v := range d.variants {
		for _, pkg := range v.packages {
			if pkg.Path == "" {
				continue
			}
			if _, ok := b.store.Blob(pkg.Hash); ok {
				continue
			}
			if err := b.takeArchive(d.inputs, pkg); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) takeArchive(in *inputs, pkg plan.Package) error {
	full, err := in.inFolder(pkg.Path, "", pkg.Name, pkg.Pos)
	if err != nil {
		return err
	}
	f, err := os.Open(full)
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &diag.Error{Pos: pkg.Pos, Code: "no-file", What: fmt.Sprintf("%s: %s is not a file", pkg.Name, pkg.Path)}
	case info.Size() > maxArchive:
		return &diag.Error{Pos: pkg.Pos, Code: "too-large", What: fmt.Sprintf("%s: %s is larger than %d bytes", pkg.Name, pkg.Path, int64(maxArchive))}
	}
	return b.putArchive(io.LimitReader(f, maxArchive), pkg)
}

// putArchive keeps a file that has the hash which the lock names.
func (b *builder) putArchive(r io.Reader, pkg plan.Package) error {
	want, extra := pkg.Hash, []string{}
	if !strings.HasPrefix(want, "sha256:") {
		want, extra = "", []string{want}
	}
	w, err := b.store.Create(extra...)
	if err != nil {
		return err
	}
	defer w.Abort() //nolint:errcheck // nothing is left to abort after a commit
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	if _, err := w.Commit(want); err != nil {
		if errors.Is(err, store.ErrMismatch) {
			return &diag.Error{Pos: pkg.Pos, Code: "hash-mismatch", What: fmt.Sprintf("%s %s: %s: %v", pkg.Name, pkg.Version, pkg.Path, err), Err: err,
				Hint: "the file is not the one that was locked; lock again if you meant to change it"}
		}
		return err
	}
	return nil
}

// maxArchive is the largest wheel in a project in bytes; the largest on PyPI have some gigabytes.
const maxArchive = 16 << 30
