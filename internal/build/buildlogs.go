package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// logKind names the folders of logs in the store: of a wheel under the key of its recipe, of a failure under its own hash.
const logKind = "build-logs"

// maxKeptLog is how many bytes of the end of a log stay beside a wheel, which nobody may ever look at. Of a failure all stay.
const maxKeptLog = 1 << 20

// logOf is where the log of a recipe stays.
func (b *builder) logOf(r *recipe) string {
	return filepath.Join(b.store.DirPath(logKind, r.key), r.logName())
}

func (r *recipe) logName() string { return r.pkg.Name + ".log" }

// keepLog puts the log of a build into the store. One of an earlier build of the same wheel stays.
func (b *builder) keepLog(ctx context.Context, r *recipe, log *os.File) error {
	_, err := b.store.Dir(ctx, logKind, r.key, func(dir string) error {
		to, err := os.Create(filepath.Join(dir, r.logName()))
		if err != nil {
			return err
		}
		return errors.Join(copyEnd(to, log, maxKeptLog), to.Close())
	})
	return err
}

// copyEnd copies the last bytes of a file, and says so where there were more.
func copyEnd(to io.Writer, from io.ReadSeeker, most int64) error {
	size, err := from.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	skipped := max(0, size-most)
	if skipped > 0 {
		if _, err := fmt.Fprintf(to, "… %d bytes are left out\n", skipped); err != nil {
			return err
		}
	}
	if _, err := from.Seek(skipped, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(from, most))
	return err
}

// keepFailed puts the log of a failed build into the store, and returns its place.
func (b *builder) keepFailed(ctx context.Context, r *recipe, log *os.File) (string, error) {
	if _, err := log.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	blob, err := b.store.Create()
	if err != nil {
		return "", err
	}
	defer blob.Abort() //nolint:errcheck // nothing is left to abort after a commit
	if _, err := io.Copy(blob, log); err != nil {
		return "", err
	}
	digest, err := blob.Commit("")
	if err != nil {
		return "", err
	}
	dir, err := b.store.Dir(ctx, logKind, strings.TrimPrefix(digest, "sha256:"), func(dir string) error {
		return b.store.CopyTo(digest, filepath.Join(dir, r.logName()))
	})
	return filepath.Join(dir, r.logName()), err
}

// sortedRecipes returns all that this run may build, by name.
func (b *builder) sortedRecipes() []*recipe {
	return slices.SortedFunc(maps.Values(b.recipes), func(x, y *recipe) int { return strings.Compare(x.what()+" "+x.key, y.what()+" "+y.key) })
}

// tellLogs says where the logs are of all that was built from source, now or before.
func (b *builder) tellLogs() {
	for _, r := range b.sortedRecipes() {
		if path := b.logOf(r); exists(path) {
			b.opt.Log.Info("built from source", "package", r.what(), "log", path)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
