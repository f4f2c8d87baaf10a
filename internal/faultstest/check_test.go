package faultstest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// checkStore finds what a build that has ended must not leave: temporary files, locks, and blobs of other bytes than
// their names say. Unfinished downloads may stay for the next run, unless the build was to finish them.
func checkStore(dir string, finished bool) error {
	folders := []string{"tmp", "locks"}
	if finished {
		folders = append(folders, "partial")
	}
	for _, folder := range folders {
		if left := files(filepath.Join(dir, folder)); len(left) > 0 {
			return fmt.Errorf("left in the store: %q", left)
		}
	}
	for _, path := range files(filepath.Join(dir, "blobs", "sha256")) {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != filepath.Base(path) {
			return fmt.Errorf("%s has other bytes: %x", path, sum)
		}
	}
	return nil
}

// files returns the files below a folder, none for one that is missing.
func files(dir string) (all []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// checkImage finds a layout that is neither absent nor complete, and anything unfinished beside it. The digest is that of
// the image, "" where none may be there.
func checkImage(path, digest string) error {
	beside, err := os.ReadDir(filepath.Dir(path))
	if err != nil && digest == "" && errors.Is(err, syscall.ENOTDIR) {
		return nil // the row has put a file in the place of the folder
	}
	if err != nil {
		return err
	}
	for _, e := range beside {
		if name := e.Name(); name != ".keep" && name != filepath.Base(path) {
			return fmt.Errorf("left beside the image: %s", name)
		}
	}
	if digest == "" {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there: %v", path, files(path))
		}
		return nil
	}
	index, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest.String() != digest {
		return fmt.Errorf("the layout has %v, not %s", manifest.Manifests, digest)
	}
	return validate.Index(index)
}

// The checks themselves find what they are for.
func TestChecks(t *testing.T) {
	w := newWorld(t)
	if err := checkStore(w.store, true); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"store/tmp/run-1/blob", "store/locks/blob/x", "store/partial/files/x", "store/blobs/sha256/aa/" + string(bytes.Repeat([]byte("a"), 64))} {
		w.write(name, "x")
		if checkStore(w.store, true) == nil {
			t.Errorf("%s was not found", name)
		}
		if err := os.RemoveAll(filepath.Join(w.root, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkImage(w.image, ""); err != nil {
		t.Error(err)
	}
	w.write("images/app/oci-layout", "x")
	if checkImage(w.image, "") == nil || checkImage(w.image, "sha256:"+hexOf("x")) == nil {
		t.Error("half an image was not found")
	}
	w.write("images/.app.123", "x")
	if checkImage(filepath.Join(w.root, "images", "other"), "") == nil {
		t.Error("a temporary file was not found")
	}
}

func hexOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
