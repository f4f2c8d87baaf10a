//go:build linux

package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made are the folders of a store with what was made of downloads, beside the layers, and what matters to nobody else.
var made = map[string]bool{
	"dirs": true, "tmp": true, "locks": true, "partial": true,
	"records/bytecode": true, "records/overlaps": true, "records/built": true,
}

// downloads returns a store that has what was downloaded, and nothing that was made of it: no layers, no bytecode, no
// root to run an interpreter in. It belongs to a user.
func (l *lab) downloads(t *testing.T, uid int) string {
	t.Helper()
	return l.storeWithout(t, uid, func(string) bool { return true })
}

// forgetful returns a store that has the base, and has to make all else anew.
func (l *lab) forgetful(t *testing.T, uid int) string {
	t.Helper()
	return l.storeWithout(t, uid, func(kind string) bool { return kind != "base" && kind != "interpreter" })
}

// storeWithout copies the shared store without the layers of some kinds. Bytecode goes with them, since a record does
// not tell which layer it was made for.
func (l *lab) storeWithout(t *testing.T, uid int, drop func(kind string) bool) string {
	t.Helper()
	dropped := l.layerFiles(t, drop)
	to := filepath.Join(l.temp(t), "store")
	err := filepath.WalkDir(l.store, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(l.store, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case made[rel]:
			return fs.SkipDir
		case dropped[rel]:
			return nil
		case d.IsDir():
			err = os.MkdirAll(target, 0o755)
		default:
			err = copyFile(target, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary name of a build that another test runs
		}
		if err != nil {
			return err
		}
		return os.Chown(target, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// layerFiles returns the paths in the store of layers of some kinds: records, and the blobs that only they have.
func (l *lab) layerFiles(t *testing.T, want func(kind string) bool) map[string]bool {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(l.store, "records", "layer-*", "*.json"))
	if err != nil || len(records) == 0 {
		t.Fatalf("no layer records in %s: %v", l.store, err)
	}
	files := map[string]bool{}
	kept := map[string]bool{}
	for _, path := range records {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var record struct{ Value layer }
		if err := json.Unmarshal(data, &record); err != nil || !strings.HasPrefix(record.Value.Digest, "sha256:") {
			t.Fatalf("%s is no layer record: %v", path, err)
		}
		blob := l.blob(t, record.Value.Digest)
		if !want(record.Value.Kind) {
			kept[blob] = true
			continue
		}
		rel, err := filepath.Rel(l.store, path)
		if err != nil {
			t.Fatal(err)
		}
		files[rel], files[blob] = true, true
	}
	for blob := range kept {
		delete(files, blob)
	}
	return files
}

// blob returns the path of a blob in the shared store, relative to it.
func (l *lab) blob(t *testing.T, digest string) string {
	t.Helper()
	hex := strings.TrimPrefix(digest, "sha256:")
	rel := filepath.Join("blobs", "sha256", hex[:2], hex)
	if _, err := os.Stat(filepath.Join(l.store, rel)); err != nil {
		t.Fatal(err)
	}
	return rel
}
