package base

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

const (
	trixieRelease = "ID=debian\nVERSION_CODENAME=trixie\n"
	paragraph     = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12\nDepends: libgcc-s1\nProvides: libc6-t64 (= 2.41)\n"
)

// imageRoot writes the files of an image's root. "-> target" is a link.
func imageRoot(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(file, []byte(content), 0o644)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = errors.Join(os.Remove(file), os.Symlink(target, file))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// onImage returns pins of an image with these files, and options to add packages to it.
func onImage(t *testing.T, files map[string]string, names ...string) (*fetch.Client, *Pins, Options) {
	t.Helper()
	c, _ := client(t)
	opt := options(debmirror.New(t, debmirror.Trixie()...))
	dir := imageRoot(t, files)
	opt.System = wants(t, names...)
	opt.ImageRoot = func(context.Context, *Pins, Selection) (string, error) { return dir, nil }
	image := &Image{Python: "3.13.5", ABI: "cp313", Libc: "glibc-2.41", Interpreter: "/usr/bin/python3.13", Layers: []ImageLayer{{DiffID: "sha256:1"}}}
	return c, &Pins{Name: "example/python:3", Image: "sha256:2", Platforms: []Selection{{Platform: amd64, Image: image}}}, opt
}

// TestImageSystem adds packages to images with each form of database: what they have stays, and the two files that are about
// all packages are made anew.
func TestImageSystem(t *testing.T) {
	libc := string(tinyelf.Object{Soname: "libc.so.6"}.Bytes())
	common := map[string]string{"etc/os-release": trixieRelease, "lib": "-> usr/lib", "usr/lib/x86_64-linux-gnu/libc.so.6": libc,
		"usr/share/doc/libgcc-s1/copyright": "ours"}
	for name, test := range map[string]struct{ files, want map[string]string }{
		"dpkg": {map[string]string{statusFile: paragraph + "\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"}, map[string]string{
			statusFile: paragraph + "\nPackage: gone", "var/lib/dpkg/info/libgcc-s1.md5sums": "usr/lib/x86_64-linux-gnu/libgcc_s.so.1"}},
		"a file each": {map[string]string{statusDir + "/libc6": paragraph, cacheFile: "old"}, map[string]string{
			statusDir + "/libpq5": "Package: libpq5\n", cacheFile: "libpq.so.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, m := range []map[string]string{common, test.files} {
				for k, v := range m {
					files[k] = v
				}
			}
			c, locked, opt := onImage(t, files, "libpq5", "libstdc++6", "libc6")
			pins, err := Extend(t.Context(), c, locked, opt, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := pins.Platforms[0]
			if diff := cmp.Diff([]string{"libc6"}, s.Image.Has); diff != "" {
				t.Error(diff)
			}
			if i := slices.IndexFunc(s.Packages, func(p Pin) bool { return p.Name == "libpq5" }); i < 0 || s.Packages[i].Part != KindSystem ||
				slices.ContainsFunc(s.Packages, func(p Pin) bool { return p.Name == "libc6" || p.Name == "python3.13" }) {
				t.Fatalf("packages are %v", shownSystem(s.Packages))
			}
			b, err := Assemble(t.Context(), c, pins, amd64, opt, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkAbove(t, b.Parts[0].Entries, files, test.want)
		})
	}
}

// checkAbove looks for files that hold a text, and for files of the image that are replaced.
func checkAbove(t *testing.T, entries []entry.Entry, image, want map[string]string) {
	t.Helper()
	for _, e := range entries {
		if e.Type != entry.File {
			continue
		}
		data, err := e.Read()
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := want[e.Path]; ok && strings.Contains(string(data), text) {
			delete(want, e.Path)
		}
		if _, ok := image[e.Path]; ok && e.Path != statusFile && e.Path != cacheFile {
			t.Errorf("/%s of the image is replaced", e.Path)
		}
		if _, ok := image[cacheFile]; !ok && e.Path == cacheFile {
			t.Error("there is a cache, and the image has none")
		}
		if e.Path == statusFile && strings.Count(string(data), "Status: install ok installed\n") != strings.Count(string(data), "\n\n") {
			t.Errorf("the database is\n%s", data)
		}
	}
	for name, text := range want {
		t.Errorf("no /%s with %q", name, text)
	}
}

func TestImageSystemProblems(t *testing.T) {
	old := strings.Replace(paragraph, "libc6\n", "gcc-14-base\n", 1)
	for name, test := range map[string]struct {
		files map[string]string
		wants []string
		want  string
	}{
		"another system":      {map[string]string{"etc/os-release": "ID=alpine\nPRETTY_NAME=\"Alpine 3\"\n", statusFile: paragraph}, []string{"libpq5"}, "is made of Alpine 3"},
		"no database":         {map[string]string{"etc/os-release": trixieRelease}, []string{"libpq5"}, "has neither /var/lib/dpkg/status nor"},
		"a broken database":   {map[string]string{"etc/os-release": trixieRelease, statusFile: "Package: a\nPackage: b\n"}, []string{"libpq5"}, "cannot be read"},
		"another version":     {map[string]string{"etc/os-release": trixieRelease, statusFile: paragraph + "\n" + old}, []string{"libstdc++6"}, "the image has version 2.41-12"},
		"a version by hand":   {map[string]string{"etc/os-release": trixieRelease, statusFile: strings.Replace(paragraph, "2.41-12", "2.41-13", 1)}, []string{"libc6=2.41-12"}, "has version 2.41-13"},
		"a file of its own":   {map[string]string{"etc/os-release": trixieRelease, statusFile: paragraph, "usr/lib/x86_64-linux-gnu/libgcc_s.so.1": "other"}, []string{"libstdc++6"}, "no file of an image is replaced"},
		"a folder of its own": {map[string]string{"etc/os-release": trixieRelease, statusFile: paragraph, "usr/lib/x86_64-linux-gnu/libgcc_s.so.1/x": ""}, []string{"libstdc++6"}, "of another kind"},
	} {
		t.Run(name, func(t *testing.T) {
			c, locked, opt := onImage(t, test.files, test.wants...)
			pins, err := Extend(t.Context(), c, locked, opt, nil)
			if err == nil {
				_, err = Assemble(t.Context(), c, pins, amd64, opt, nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "example/python:3") && !strings.Contains(err.Error(), "trixie") {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
