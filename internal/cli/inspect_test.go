package cli_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/rogpeppe/go-internal/testscript"
)

// printImage checks an image by the rules of go-containerregistry, and prints it: digest, names, configuration, and
// for each layer its number and its files. With a path it prints that file.
func printImage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 3 || len(args) == 3 && args[2] != "top" {
		ts.Fatalf("usage: image DIR|FILE [PATH [top]]")
	}
	img, names, err := openImage(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(validate.Image(img))
	if len(args) > 1 {
		ts.Check(printFile(ts.Stdout(), img, args[1], len(args) == 3))
		return
	}
	digest, err := img.Digest()
	ts.Check(err)
	out := ts.Stdout()
	fmt.Fprintln(out, "digest", digest)
	for _, name := range names {
		fmt.Fprintln(out, "name", name)
	}
	cfg, err := img.ConfigFile()
	ts.Check(err)
	fmt.Fprintln(out, "platform", cfg.Platform())
	fmt.Fprintln(out, "created", cfg.Created.UTC().Format("2006-01-02T15:04:05Z"))
	fmt.Fprintln(out, "history", len(cfg.History))
	fmt.Fprintf(out, "user %s\nworkdir %s\nentrypoint %q\ncmd %q\nstop-signal %s\n", cfg.Config.User, cfg.Config.WorkingDir,
		cfg.Config.Entrypoint, cfg.Config.Cmd, cfg.Config.StopSignal)
	for _, env := range cfg.Config.Env {
		fmt.Fprintln(out, "env", env)
	}
	for _, label := range slices.Sorted(maps.Keys(cfg.Config.Labels)) {
		fmt.Fprintf(out, "label %s=%s\n", label, cfg.Config.Labels[label])
	}
	ts.Check(printLayers(out, img))
}

// openImage returns the only image of a layout or archive, and its names.
func openImage(path string) (v1.Image, []string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		img, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			return nil, nil, err
		}
		manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
		return img, manifest[0].RepoTags, err
	}
	index, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	var names []string
	digests := map[v1.Hash]bool{}
	for _, m := range manifest.Manifests {
		digests[m.Digest] = true
		if name := m.Annotations["org.opencontainers.image.ref.name"]; name != "" {
			names = append(names, name)
		}
	}
	if len(digests) != 1 {
		return nil, nil, fmt.Errorf("%d images in %s", len(digests), path)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	return img, names, err
}

func printLayers(out io.Writer, img v1.Image) error {
	return eachMember(img, func(layer int, h *tar.Header, _ io.Reader) error {
		_, err := fmt.Fprintf(out, "layer %d %s\n", layer, describe(h))
		return err
	})
}

// printFile prints a file that exactly one layer has, or with top that of the highest layer.
func printFile(out io.Writer, img v1.Image, path string, top bool) error {
	found := 0
	var contents bytes.Buffer
	err := eachMember(img, func(_ int, h *tar.Header, r io.Reader) error {
		if "/"+h.Name != path {
			return nil
		}
		found++
		contents.Reset()
		_, err := io.Copy(&contents, r)
		return err
	})
	if err == nil && (found == 0 || found > 1 && !top) {
		return fmt.Errorf("%d layers have %s", found, path)
	}
	if err == nil {
		_, err = contents.WriteTo(out)
	}
	return err
}

// eachMember calls do for the members of all layers, from the lowest layer up.
func eachMember(img v1.Image, do func(layer int, h *tar.Header, r io.Reader) error) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for i, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			return err
		}
		for archive := tar.NewReader(r); ; {
			h, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := do(i, h, archive); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe is a member of a layer: mode, path and target.
func describe(h *tar.Header) string {
	text := fmt.Sprintf("%04o /%s", h.Mode, strings.TrimPrefix(h.Name, "./"))
	if h.Linkname != "" {
		text += " -> " + h.Linkname
	}
	return text
}

// flat prints JSON values in the order of the file's arrays and of sorted keys: "layers[0].kind: base". What differs
// between two runs or machines is cut: hashes to their algorithm, seconds to nothing.
func flat(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: flat FILE")
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		ts.Check(err)
		printFlat(ts.Stdout(), "", v)
	}
}

var hexDigits = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

func printFlat(out io.Writer, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			printFlat(out, strings.TrimPrefix(path+"."+key, "."), v[key])
		}
		if len(v) == 0 {
			fmt.Fprintf(out, "%s: {}\n", path)
		}
	case []any:
		for i, item := range v {
			printFlat(out, fmt.Sprintf("%s[%d]", path, i), item)
		}
		if len(v) == 0 {
			fmt.Fprintf(out, "%s: []\n", path)
		}
	default:
		text := hexDigits.ReplaceAllString(fmt.Sprint(v), "HEX")
		if strings.HasSuffix(path, ".seconds") {
			text = "N"
		}
		fmt.Fprintf(out, "%s: %s\n", path, text)
	}
}

// storeTidy checks that no run left anything that is in nobody's way but of no use, and that every blob has the digest
// that it is called by. Downloads that the next run goes on with may be there.
func storeTidy(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(checkStore(ts.Getenv("LITHE_STORE")))
}

func checkStore(dir string) error {
	for _, folder := range []string{"tmp", "locks"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !d.IsDir() {
				return fmt.Errorf("left behind: %s", path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return filepath.WalkDir(filepath.Join(dir, "blobs", "sha256"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != filepath.Base(path) {
			return fmt.Errorf("%s has other bytes: %x", path, sum)
		}
		return nil
	})
}
