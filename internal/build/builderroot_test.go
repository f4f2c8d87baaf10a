package build_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/baseimages"
	"github.com/lithe-build/lithe/internal/testkit/standalone"
)

// TestBuilderRoot: a builder is locked once, comes from lithe.lock afterwards, and is the same folder by its id.
func TestBuilderRoot(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	write(t, dir, copied("hello"))
	s.lock(t, dir)
	opt := s.options(t, dir)
	image := run(t, opt)
	before := lockText(t, dir)
	locked := opt
	locked.Locked = true
	if _, _, _, err := build.Builder(t.Context(), locked, false); !strings.Contains(text(err), "lithe.lock") {
		t.Fatalf("--locked locks a builder: %v", err)
	}
	lock, roots, ids, err := build.Builder(t.Context(), opt, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(lock), before) || !strings.Contains(string(lock), "\n[platform.builder]\nsuite = \"trixie\"\n") {
		t.Errorf("the lock was\n%s\nand is\n%s", before, lock)
	}
	for _, name := range []string{"usr/include/python3.13/Python.h", "usr/bin/gcc", "etc/hosts", "proc", "build"} {
		if _, err := os.Stat(filepath.Join(roots[0], name)); err != nil {
			t.Error(err)
		}
	}
	s.mirror.Requests()
	_, again, sameIDs, err := build.Builder(t.Context(), locked, false)
	if err != nil || again[0] != roots[0] || sameIDs[0] != ids[0] || len(s.mirror.Requests()) > 0 {
		t.Errorf("again: %v, %v, %v", again, sameIDs, err)
	}
	if result := run(t, locked); result.Digest != image.Digest {
		t.Errorf("the image is %s with a builder, and was %s", result.Digest, image.Digest)
	}
}

// TestBuildPackages: what building needs is locked with the builder, and changes it.
func TestBuildPackages(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	files := copied("hello")
	write(t, dir, files)
	s.lock(t, dir)
	opt := s.options(t, dir)
	opt.Platforms = []string{"linux/amd64", "linux/arm64"}
	_, _, plain, err := build.Builder(t.Context(), opt, false)
	if err != nil {
		t.Fatal(err)
	}
	files["pyproject.toml"] += "\n[tool.lithe.targets.dev]\nbuild-packages = [\"libpq-dev\"]\n"
	write(t, dir, files)
	opt.Platforms = opt.Platforms[:1]
	lock, roots, with, err := build.Builder(t.Context(), opt, false)
	if err != nil || with[0] == plain[0] {
		t.Fatalf("ids %v before, %v now: %v", plain, with, err)
	}
	if _, err := os.Stat(filepath.Join(roots[0], "usr/include/postgresql/libpq-fe.h")); err != nil {
		t.Error(err)
	}
	// Those of other platforms move as well: the file says once for what all of them are.
	if strings.Count(string(lock), "libpq-dev_") != 2 || !strings.Contains(string(lock), "build-packages = [\n    \"libpq-dev\",\n]") {
		t.Errorf("lock\n%s", lock)
	}
	if upgraded, _, ids, err := build.Builder(t.Context(), opt, true); err != nil || ids[0] != with[0] || string(upgraded) != string(lock) {
		t.Errorf("an upgrade with nothing new moved something: %v\n%s", err, upgraded)
	}
	files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "libpq-dev", "libpg-dev", 1)
	write(t, dir, files)
	_, _, _, err = build.Builder(t.Context(), opt, false)
	problems, ok := diag.Problems(err)
	if !ok || problems[0].Code != "unknown-package" || problems[0].Pos.Line == 0 || !strings.Contains(problems[0].Hint, "libpq-dev") {
		t.Errorf("got %v", err)
	}
}

// TestBuilderOfStandalone: the interpreter is the archive's, with its headers, and no Python of Debian.
func TestBuilderOfStandalone(t *testing.T) {
	s, m := newSite(t), standalone.New(t)
	publish(m, "3.12.15", "20261021")
	dir := t.TempDir()
	write(t, dir, copied("hello"))
	s.lock(t, dir)
	opt := s.options(t, dir)
	opt.StandaloneMirror, opt.Base = m.URL, "standalone:3.12"
	_, roots, _, err := build.Builder(t.Context(), opt, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(roots[0], "usr/local/include/python3.12/Python.h")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(roots[0], "usr/bin/python3.13")); !os.IsNotExist(err) {
		t.Errorf("Debian's Python: %v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestBuilderOfImages: an image of Debian gets the builder of its suite, with its own Python where that is not Debian's;
// others are told what is possible.
func TestBuilderOfImages(t *testing.T) {
	r := baseimages.Serve(t)
	r.Push(t, "slim:1", baseimages.Slim("amd64", 5))
	headers := baseimages.Slim("amd64", 5)
	headers.Layers = append(headers.Layers, baseimages.Layer{Files: baseimages.Files{"usr/local/include/python3.13/Python.h": "#define PY_VERSION \"3.13.5\"\n"}})
	r.Push(t, "headers:1", headers)
	r.Push(t, "distroless:1", baseimages.Distroless("amd64", 5))
	r.Push(t, "alpine:1", baseimages.Alpine("amd64", 5))
	for _, test := range []struct{ image, code, has, lacks string }{
		{"slim:1", "builder-headers", "", ""},
		{"headers:1", "", "usr/local/bin/python3.13", "usr/bin/python3.13"},
		{"distroless:1", "", "usr/include/python3.13/Python.h", "usr/local/bin/python3.13"},
		{"alpine:1", "builder-base", "", ""},
	} {
		t.Run(test.image, func(t *testing.T) {
			_, opt := onImage(t, r, test.image)
			lock, roots, _, err := build.Builder(t.Context(), opt, false)
			if problems, _ := diag.Problems(err); test.code != "" {
				if len(problems) != 1 || problems[0].Code != test.code || !strings.Contains(problems[0].Hint, "debian:trixie") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(filepath.Join(roots[0], test.has)); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(filepath.Join(roots[0], test.lacks)); !os.IsNotExist(err) {
				t.Errorf("%s: %v", test.lacks, err)
			}
			if _, err := os.Stat(filepath.Join(roots[0], "usr/bin/gcc")); err != nil || !strings.Contains(string(lock), "suite = \"trixie\"\ncreated") {
				t.Errorf("%v, lock\n%s", err, lock)
			}
		})
	}
}
