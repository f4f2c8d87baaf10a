package destination_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
	"github.com/lithe-build/lithe/internal/diag"
)

// subjects has one entry for each kind, by its form.
var subjects = map[string]func(testing.TB) destinationtest.Subject{
	"oci:DIR":             openLayout,
	"oci-archive:FILE":    openOCIArchive,
	"docker-archive:FILE": openArchive,
}

// TestKinds runs the suite on every kind that a user can name.
func TestKinds(t *testing.T) {
	forms := destination.Forms()
	for form := range subjects {
		if !slices.Contains(forms, form) {
			t.Errorf("%s is no kind", form)
		}
	}
	for _, form := range forms {
		open, ok := subjects[form]
		if !ok {
			t.Errorf("%s is not tested", form)
			continue
		}
		t.Run(form, func(t *testing.T) { destinationtest.Run(t, open) })
	}
}

func TestParse(t *testing.T) {
	for _, s := range []string{"", "oci", "oci:", "tar:x", ":x", "OCI:x"} {
		d, err := destination.Parse(s)
		problem, ok := errors.AsType[*diag.Error](err)
		if d != nil || !ok || problem.Code != "bad-output" || problem.Hint != "write oci:DIR, oci-archive:FILE or docker-archive:FILE" {
			t.Errorf("%q: %v, %v", s, d, err)
		}
	}
}

// TestBadPlace shows that a place which cannot be written is the user's to mend.
func TestBadPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	for _, where := range []string{"oci:" + file + "/layout", "docker-archive:" + file + "/a.tar", "docker-archive:" + file + "s/a.tar",
		"oci-archive:" + file + "/a.tar", "oci-archive:" + filepath.Dir(file)} {
		d := parse(t, where)
		checker, ok := d.(destination.Checker)
		if !ok {
			t.Fatalf("%s cannot be asked beforehand", where)
		}
		_, err := d.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "1")), destination.Options{})
		for _, err := range []error{checker.Check(t.Context(), nil), err} {
			if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "bad-output" || strings.Contains(problem.Error(), ".tmp") {
				t.Errorf("%s: got %v", where, err)
			}
		}
	}
}

// openLayout reads layouts with go-containerregistry, and validates every image.
func openLayout(t testing.TB) destinationtest.Subject {
	dir := filepath.Join(t.TempDir(), "new", "layout")
	return destinationtest.Subject{
		Destination: parse(t, "oci:"+dir),
		Read: func(t testing.TB, name string) v1.Image {
			t.Helper()
			noTemporaries(t, dir)
			return readLayout(t, dir, name)
		},
		ReadIndex: func(t testing.TB, name string) []byte { return readIndex(t, dir, name) },
	}
}

// readIndex returns the index of a name, and validates what it lists.
func readIndex(t testing.TB, dir, name string) []byte {
	t.Helper()
	root, err := ggcrlayout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range manifest.Manifests {
		if d.Annotations["org.opencontainers.image.ref.name"] != name {
			continue
		}
		index, err := root.ImageIndex(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
		raw, err := index.RawManifest()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return nil
}

// readLayout returns the image of a name; go-containerregistry names nothing, so the names are found here.
func readLayout(t testing.TB, dir, name string) v1.Image {
	t.Helper()
	index, err := ggcrlayout.ImageIndexFromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var found v1.Image
	for _, d := range manifest.Manifests {
		ref := d.Annotations["org.opencontainers.image.ref.name"]
		if ref != name && (ref+":latest" != name || ref == "") {
			continue
		}
		if found != nil {
			t.Errorf("%q is there twice", name)
		}
		if found, err = index.Image(d.Digest); err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(found); err != nil {
			t.Error(err)
		}
	}
	return found
}

// openArchive unpacks archives as Docker does, and checks that they are layouts as well.
func openArchive(t testing.TB) destinationtest.Subject {
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	return destinationtest.Subject{
		Destination: parse(t, "docker-archive:"+file),
		Rewrites:    true,
		Read: func(t testing.TB, name string) v1.Image {
			t.Helper()
			noTemporaries(t, dir)
			data, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				t.Fatal(err)
			}
			return readArchive(t, data, name)
		},
	}
}

// openOCIArchive unpacks archives and reads the layout in them.
func openOCIArchive(t testing.TB) destinationtest.Subject {
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	unpack := func(t testing.TB) string {
		t.Helper()
		noTemporaries(t, dir)
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		return writeFiles(t, untar(t, data))
	}
	return destinationtest.Subject{
		Destination: parse(t, "oci-archive:"+file),
		Rewrites:    true,
		Read: func(t testing.TB, name string) v1.Image {
			t.Helper()
			if layout := unpack(t); layout != "" {
				return readLayout(t, layout, name)
			}
			return nil
		},
		ReadIndex: func(t testing.TB, name string) []byte { return readIndex(t, unpack(t), name) },
	}
}

// writeFiles returns a new directory with these files.
func writeFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for path, data := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readArchive returns the image of an archive.
func readArchive(t testing.TB, data []byte, name string) v1.Image {
	t.Helper()
	files := untar(t, data)
	var entries []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &entries); err != nil || len(entries) != 1 {
		t.Fatalf("manifest.json: %v, %s", err, files["manifest.json"])
	}
	if name != "" && !slices.Contains(entries[0].RepoTags, name) {
		return nil
	}
	img := readLayout(t, writeFiles(t, files), name)
	if img == nil {
		t.Fatalf("%q is in manifest.json but not in index.json", name)
	}
	config, err := img.ConfigName()
	if err != nil || entries[0].Config != "blobs/sha256/"+config.Hex {
		t.Errorf("config is %s, not %s: %v", entries[0].Config, config, err)
	}
	return img
}

// untar returns the files of an archive, and checks what all headers have in common.
func untar(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	files, err := unpackTar(data)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unpackTar returns the files of an archive whose headers are as they should be.
func unpackTar(data []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[h.Name] != nil || h.Uid != 0 || h.Mode != 0o644 || h.ModTime.Unix() != 315619200 || h.Format != tar.FormatUSTAR {
			return nil, fmt.Errorf("header %+v", h)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

// TestSameBytes shows that an image becomes the same files wherever it is written.
func TestSameBytes(t *testing.T) {
	img := destinationtest.NewImage(t, "1")
	var archives [2][]byte
	var indexes [2]string
	for i := range archives {
		dir := t.TempDir()
		write(t, "docker-archive:"+filepath.Join(dir, "a.tar"), img, "app:1", "app:2")
		write(t, "oci:"+filepath.Join(dir, "layout"), img, "app:1", "app:2")
		archives[i] = readFile(t, filepath.Join(dir, "a.tar"))
		indexes[i] = string(readFile(t, filepath.Join(dir, "layout", "index.json")))
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives differ")
	}
	if indexes[0] != indexes[1] {
		t.Errorf("the layouts differ: %s, %s", indexes[0], indexes[1])
	}
}

// TestLayoutKeepsOthers shows that a layout of somebody else is extended, and nothing else is taken for one.
func TestLayoutKeepsOthers(t *testing.T) {
	t.Run("extended", func(t *testing.T) {
		dir := t.TempDir()
		l, err := ggcrlayout.Write(dir, empty.Index)
		if err != nil {
			t.Fatal(err)
		}
		old := destinationtest.NewImage(t, "old")
		if err := l.AppendImage(old, ggcrlayout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "old:1", "a": "b"})); err != nil {
			t.Fatal(err)
		}
		res := write(t, "oci:"+dir, destinationtest.NewImage(t, "new"), "new:1")
		if res.Sent > 20_000 {
			t.Errorf("sent %d bytes though the big layer was there", res.Sent)
		}
		if readLayout(t, dir, "old:1") == nil || readLayout(t, dir, "new:1") == nil {
			t.Errorf("index: %s", readFile(t, filepath.Join(dir, "index.json")))
		}
		if !strings.Contains(string(readFile(t, filepath.Join(dir, "index.json"))), `"a":"b"`) {
			t.Error("an annotation was lost")
		}
	})
	for name, c := range map[string]struct{ file, data, code string }{
		"a project":    {"pyproject.toml", "", "not-a-layout"},
		"broken index": {"index.json", "{", "bad-layout"},
		"other schema": {"index.json", `{"schemaVersion":1}`, "bad-layout"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.code == "bad-layout" {
				writeFile(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
			}
			writeFile(t, filepath.Join(dir, c.file), c.data)
			_, err := parse(t, "oci:"+dir).Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "1")), destination.Options{})
			if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != c.code || problem.Pos.File == "" {
				t.Errorf("got %v", err)
			}
			if got := string(readFile(t, filepath.Join(dir, c.file))); got != c.data {
				t.Errorf("the file was changed: %q", got)
			}
		})
	}
}

// TestLayoutResumes shows that what a killed run left is neither used nor in the way.
func TestLayoutResumes(t *testing.T) {
	dir := t.TempDir()
	img := destinationtest.NewImage(t, "1")
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	big, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(dir, "blobs", "sha256", big.Hex)
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, blob, "cut by a full disk")
	writeFile(t, blob+".99.tmp", "half")
	write(t, "oci:"+dir, img, "app:1")
	if readLayout(t, dir, "app:1") == nil {
		t.Error("not there")
	}
	noTemporaries(t, dir)
}

// TestLayoutAtOnce writes many images into one layout at the same time.
func TestLayoutAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	names := []string{"app:1", "app:2", "app:3", "app:4", "app:5", "app:6"}
	errs := make(chan error, len(names))
	for _, n := range names {
		img, d := destinationtest.NewImage(t, n), parse(t, "oci:"+dir)
		go func() {
			_, err := d.Write(t.Context(), destinationtest.Single(img), destination.Options{Tags: []string{n}})
			errs <- err
		}()
	}
	for range names {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, n := range names {
		if readLayout(t, dir, n) == nil {
			t.Errorf("%s is lost", n)
		}
	}
}

func parse(t testing.TB, s string) destination.Destination {
	t.Helper()
	d, err := destination.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// noTemporaries fails if an unfinished file was left.
func noTemporaries(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}
