package execute_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

var someTime = time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)

func testStore(t testing.TB) *store.Store {
	t.Helper()
	if os.PathSeparator != '/' {
		t.Skip("roots are made on Unix")
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Entries of a tar, in short.
func regular(name, content string) tar.Header {
	return tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(content)), ModTime: someTime,
		PAXRecords: map[string]string{"TEST.content": content}}
}

func directory(name string, mode int64) tar.Header {
	return tar.Header{Name: name + "/", Mode: mode, Typeflag: tar.TypeDir, ModTime: someTime}
}

func symlink(name, target string) tar.Header {
	return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink, ModTime: someTime}
}

func hardlink(name, target string) tar.Header {
	return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeLink, ModTime: someTime}
}

func withMode(h tar.Header, mode int64) tar.Header {
	h.Mode = mode
	return h
}

// layerOf stores a layer with these entries. Its gzip file has many members, as lithe's have.
func layerOf(t testing.TB, st *store.Store, entries ...tar.Header) execute.LayerBlob {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range entries {
		content := h.PAXRecords["TEST.content"]
		h.PAXRecords = nil
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return storeLayer(t, st, archive.Bytes())
}

func storeLayer(t testing.TB, st *store.Store, archive []byte) execute.LayerBlob {
	t.Helper()
	blob, err := st.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Abort()
	for rest := archive; len(rest) > 0; {
		n := min(len(rest), max(700, len(archive)/5))
		member := gzip.NewWriter(blob)
		if _, err := member.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		if err := member.Close(); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	digest, err := blob.Commit("")
	if err != nil {
		t.Fatal(err)
	}
	return execute.LayerBlob{Digest: digest, DiffID: store.DigestBytes(archive)}
}

// tree lists a directory: path, mode, and contents or target.
func tree(t testing.TB, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %v", name, info.Mode())
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			line = name + " -> " + target
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// always is what every root has.
var always = []string{"dev drwxr-xr-x", "etc drwxr-xr-x", "etc/hosts -rw-r--r-- ", "etc/resolv.conf -rw-r--r-- ",
	"proc drwxr-xr-x", "tmp drwxr-xr-x"}

func TestMaterialize(t *testing.T) {
	tests := []struct {
		name   string
		layers [][]tar.Header
		want   []string // besides always, unless a line is about the same path
	}{
		{"nothing", nil, nil},
		{"files, modes and links", [][]tar.Header{{
			directory("tmp", 0o1777), directory("usr", 0o755), directory("usr/bin", 0o755),
			withMode(regular("usr/bin/python", "elf"), 0o755), symlink("bin", "usr/bin"), symlink("x", "/absolute"),
			regular("./dot/and/parents", "made"), withMode(regular("secret", "s"), 0),
		}}, []string{"bin -> usr/bin", "dot drwxr-xr-x", "dot/and drwxr-xr-x", "dot/and/parents -rw-r--r-- made",
			"secret -r-------- s", "tmp dtrwxrwxrwx", "usr drwxr-xr-x", "usr/bin drwxr-xr-x",
			"usr/bin/python -rwxr-xr-x elf", "x -> /absolute"}},
		{"no rights to gain", [][]tar.Header{{withMode(regular("su", "x"), 0o6755), directory("d", 0o2700)}},
			[]string{"d drwx------", "su -rwxr-xr-x x"}},
		{"the upper layer wins", [][]tar.Header{{regular("a", "1"), regular("b", "1")}, {regular("a", "2"), regular("c", "2")}},
			[]string{"a -rw-r--r-- 2", "b -rw-r--r-- 1", "c -rw-r--r-- 2"}},
		{"a directory replaces a link, and is not written through", [][]tar.Header{
			{directory("real", 0o755), symlink("d", "real")}, {directory("d", 0o755), regular("d/x", "2")}},
			[]string{"d drwxr-xr-x", "d/x -rw-r--r-- 2", "real drwxr-xr-x"}},
		{"a file replaces a directory, and the other way", [][]tar.Header{
			{regular("d/x", "1"), regular("f", "1")}, {regular("d", "2"), regular("f/x", "2")}},
			[]string{"d -rw-r--r-- 2", "f drwxr-xr-x", "f/x -rw-r--r-- 2"}},
		{"hard links", [][]tar.Header{{regular("a", "same"), hardlink("d/b", "a")}},
			[]string{"a -rw-r--r-- same", "d drwxr-xr-x", "d/b -rw-r--r-- same"}},
		{"the last of two entries", [][]tar.Header{{regular("a", "1"), symlink("a", "x"), regular("a", "3")}},
			[]string{"a -rw-r--r-- 3"}},
		{"whiteouts", [][]tar.Header{
			{regular("a", "1"), regular("d/x", "1"), regular("d/y", "1"), regular("-", "1")},
			{regular(".wh.a", ""), regular("d/.wh.x", ""), regular(".wh.none", ""), regular("-", "2"), regular(".wh.-", "")}},
			[]string{"- -rw-r--r-- 2", "d drwxr-xr-x", "d/y -rw-r--r-- 1"}},
		{"an opaque directory", [][]tar.Header{
			{regular("d/x", "1"), regular("d/e/x", "1")}, {regular("d/.wh..wh..opq", ""), regular("d/!", "2")}},
			[]string{"d drwxr-xr-x", "d/! -rw-r--r-- 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := testStore(t)
			var layers []execute.LayerBlob
			for _, entries := range test.layers {
				layers = append(layers, layerOf(t, st, entries...))
			}
			root, err := execute.Materialize(t.Context(), st, layers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(withAlways(test.want), tree(t, root)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// withAlways adds what every root has, in the order of a walk.
func withAlways(lines []string) []string {
	byPath := map[string]string{}
	for _, line := range append(append([]string{}, always...), lines...) {
		path, _, _ := strings.Cut(line, " ")
		byPath[path] = line
	}
	out := make([]string, 0, len(byPath))
	for _, line := range byPath {
		out = append(out, line)
	}
	// A walk goes into a directory before it goes on, so "/" sorts before everything else.
	key := func(line string) string {
		path, _, _ := strings.Cut(line, " ")
		return strings.ReplaceAll(path, "/", "\x00")
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return out
}

func TestMaterializeRefuses(t *testing.T) {
	tests := []struct {
		name    string
		entries []tar.Header
		want    string // in the error
	}{
		{"a path out of the layer", []tar.Header{regular("a/../../x", "")}, "out of the layer"},
		{"an absolute path", []tar.Header{regular("/x", "")}, "absolute"},
		{"a file through a link", []tar.Header{symlink("d", "/tmp"), regular("d/x", "")}, "d/x"},
		{"a file through a link inside", []tar.Header{directory("e", 0o755), symlink("d", "e"), regular("d/x", "")}, "d/x"},
		{"a file in a file", []tar.Header{regular("d", ""), regular("d/x", "")}, "d/x"},
		{"a directory through a link", []tar.Header{symlink("d", "/tmp"), directory("d/lithe-test", 0o755)}, "d/lithe-test"},
		{"a hard link out of the layer", []tar.Header{hardlink("x", "../../../etc/passwd")}, "out of the layer"},
		{"a hard link to an absolute path", []tar.Header{hardlink("x", "/etc/passwd")}, "absolute"},
		{"a hard link through a link", []tar.Header{symlink("d", "/etc"), hardlink("x", "d/passwd")}, "escapes"},
		{"an entry of no type", []tar.Header{{Name: "x", Typeflag: 'Z'}}, "type 'Z'"},
		{"something on a full directory", []tar.Header{regular("d/x", ""), regular("d", "")}, "not empty"},
		{"an /etc elsewhere", []tar.Header{symlink("etc", "/tmp")}, "escapes"},
		{"a whiteout of the directory itself", []tar.Header{regular("d/.wh...", "")}, "whiteout"},
		{"a whiteout of nothing", []tar.Header{regular("d/.wh.", "")}, "whiteout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := testStore(t)
			_, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{layerOf(t, st, test.entries...)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, not one about %q", err, test.want)
			}
			left, _ := filepath.Glob(filepath.Join(st.Path(), "dirs", "roots", "*"))
			if len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestMaterializeVerifies(t *testing.T) {
	st := testStore(t)
	good, other := layerOf(t, st, regular("a", "1")), layerOf(t, st, regular("a", "2"))
	cases := map[string]execute.LayerBlob{
		other.DiffID: {Digest: good.Digest, DiffID: other.DiffID},
		"not exist":  {Digest: store.DigestBytes([]byte("absent")), DiffID: other.DiffID},
	}
	for want, layer := range cases {
		if _, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{layer}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, not one about %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := execute.Materialize(ctx, st, []execute.LayerBlob{good}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A layer is unpacked once and its files are shared; a root is made once.
func TestMaterializeShares(t *testing.T) {
	st := testStore(t)
	base, a, b := layerOf(t, st, regular("lib", "base")), layerOf(t, st, regular("a", "")), layerOf(t, st, regular("b", ""))
	first, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{base, a})
	if err != nil {
		t.Fatal(err)
	}
	// Without its blob, a layer can come from the unpacked files only.
	if path, ok := st.Blob(base.Digest); !ok || os.Remove(path) != nil {
		t.Fatal("no blob")
	}
	second, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{base, b})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := os.Stat(filepath.Join(first, "lib"))
	y, _ := os.Stat(filepath.Join(second, "lib"))
	if first == second || !os.SameFile(x, y) {
		t.Errorf("%s and %s share nothing", first, second)
	}
	if !x.ModTime().Equal(someTime) {
		t.Errorf("time %v", x.ModTime())
	}
	again, err := execute.Materialize(t.Context(), st, []execute.LayerBlob{base, a})
	if err != nil || again != first {
		t.Errorf("%s, not %s: %v", again, first, err)
	}
}
