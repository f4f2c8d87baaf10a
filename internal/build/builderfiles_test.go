package build_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// header is a package with headers to build with.
func header(name, version, text string) debmirror.Package {
	return debmirror.Package{Name: name, Version: version, Compression: "none", Depends: "libc6",
		Files: []debmirror.File{{Path: "usr/include/" + name + ".h", Content: text}}}
}

// TestBuildPackagesOfFilesAndSources: what building needs may be a file of the project, or of a further repository; both are
// locked, and another file or key is noticed.
func TestBuildPackagesOfFilesAndSources(t *testing.T) {
	s := newSite(t)
	key := debmirror.NewKey(debmirror.KeyOptions{})
	s.mirror.Publish(append(suites(), debmirror.Suite{Name: "stable", Folder: "vendor", Key: key, Packages: []debmirror.Package{
		header("libsource-dev", "1", "source"), header("gcc", "99:1", "evil")}})...)
	dir := t.TempDir()
	files := copied("hello")
	files["keys/vendor.asc"] = string(debmirror.ArmoredKey(key))
	files["vendor/lib.deb"] = string(header("libfile-dev", "1", "first").Deb())
	files["pyproject.toml"] += "\n[tool.lithe.targets.dev]\nbuild-packages = [\"libsource-dev\", \"./vendor/lib.deb\"]\n" +
		"apt-sources = [{url = \"" + strings.TrimSuffix(s.mirror.URL, "debian") + "vendor\", suite = \"stable\", signed-by = \"keys/vendor.asc\"}]\n"
	write(t, dir, files)
	s.lock(t, dir)
	opt := s.options(t, dir)
	lock, roots, ids, err := build.Builder(t.Context(), opt, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"libsource-dev": "source", "libfile-dev": "first"} {
		if data, err := os.ReadFile(filepath.Join(roots[0], "usr/include", name+".h")); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := os.Stat(filepath.Join(roots[0], "usr/include/gcc.h")); err == nil {
		t.Error("the compiler comes from a source")
	}
	if !bytes.Contains(lock, []byte(`"./vendor/lib.deb",`)) || !bytes.Contains(lock, []byte(`archive = "local", path = "vendor/lib.deb", part = "builder"`)) ||
		!bytes.Contains(lock, []byte(`/vendor", path = "pool/main/l/libsource-dev/`)) {
		t.Errorf("lock\n%s", lock)
	}
	opt.Locked = true
	if _, _, again, err := build.Builder(t.Context(), opt, false); err != nil || again[0] != ids[0] {
		t.Errorf("again: %v, %v, was %v", again, err, ids)
	}
	files["vendor/lib.deb"] = string(header("libfile-dev", "1", "other").Deb())
	write(t, dir, files)
	if _, _, _, err = build.Builder(t.Context(), opt, false); !strings.Contains(text(err), "lithe.lock does not fit the project") {
		t.Errorf("another file: %v", err)
	}
	opt.Locked = false
	if _, roots, _, err = build.Builder(t.Context(), opt, false); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(roots[0], "usr/include/libfile-dev.h")); err != nil || string(data) != "other" {
		t.Errorf("%q, %v", data, err)
	}
	files["vendor/lib.deb"] = string(header("gcc", "99:1", "evil").Deb())
	write(t, dir, files)
	if _, _, _, err = build.Builder(t.Context(), opt, false); !strings.Contains(text(err), "./vendor/lib.deb would replace gcc, which everything is built with") {
		t.Errorf("a compiler of the project: %v", err)
	}
}
