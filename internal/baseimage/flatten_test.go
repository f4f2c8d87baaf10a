package baseimage

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFlatten compares what is seen of layers with what overlayfs shows.
func TestFlatten(t *testing.T) {
	for name, test := range map[string]struct {
		layers []files
		want   string // paths of files, "name@layer" each
	}{
		"one":                          {[]files{{"a": "1", "d/b": "2"}}, "a@0 d/b@0"},
		"replaced":                     {[]files{{"a": "1"}, {"a": "2"}}, "a@1"},
		"merged":                       {[]files{{"d/a": "1"}, {"d/b": "2"}}, "d/a@0 d/b@1"},
		"whiteout of a file":           {[]files{{"d/a": "1", "d/b": "2"}, {"d/.wh.a": ""}}, "d/b@0"},
		"whiteout of a directory":      {[]files{{"d/a": "1"}, {".wh.d": ""}}, ""},
		"whiteout of nothing":          {[]files{{"a": "1"}, {".wh.b": "", "x/.wh.y": ""}}, "a@0"},
		"whiteout concerns lower only": {[]files{{"d/a": "1"}, {"d/.wh.a": "", "d/a": "2"}}, "d/a@1"},
		"opaque":                       {[]files{{"d/a": "1", "d/e/f": "1"}, {"d/.wh..wh..opq": "", "d/b": "2"}}, "d/b@1"},
		"opaque of nothing":            {[]files{{"a": "1"}, {"x/.wh..wh..opq": ""}}, "a@0"},
		"file over directory":          {[]files{{"d/a": "1"}, {"d": "2"}}, "d@1"},
		"directory over file":          {[]files{{"d": "1"}, {"d/a": "2"}}, "d/a@1"},
		"directory over link":          {[]files{{"usr/lib/a": "1", "lib": "-> usr/lib"}, {"lib/b": "2"}}, "lib/b@1 usr/lib/a@0"},
		"odd names":                    {[]files{{"./a": "1", "//b": "2", "x/../../c": "3"}}, "a@0 b@0 c@0"},
		"back again":                   {[]files{{"a": "1"}, {".wh.a": ""}, {"a": "3"}}, "a@2"},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []Layer
			for _, f := range test.layers {
				layers = append(layers, plain(t, f))
			}
			tree, err := flatten(t.Context(), layers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Join(shown(tree.root, ""), " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shown lists the files of a tree.
func shown(n *node, at string) []string {
	var out []string
	for _, name := range (&tree{root: n}).list("/") {
		switch child := n.children[name]; child.kind {
		case directory:
			out = append(out, shown(child, at+name+"/")...)
		case file:
			out = append(out, fmt.Sprintf("%s%s@%d", at, name, child.source))
		}
	}
	return out
}

func TestFlattenRefuses(t *testing.T) {
	good := plain(t, files{"a": "1"})
	wrong := good
	wrong.DiffID = "sha256:" + strings.Repeat("0", 64)
	missing := Layer{Open: func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }}
	var many []Layer
	for range maxLayers + 1 {
		many = append(many, good)
	}
	for name, test := range map[string]struct {
		layers []Layer
		want   string
	}{
		"wrong digest": {[]Layer{wrong}, "the uncompressed layer is sha256:"},
		"no blob":      {[]Layer{good, missing}, "layer 2 of 2"},
		"no tar":       {[]Layer{layerOf(bytes.Repeat([]byte("x"), 600), nil)}, "invalid tar header"},
		"broken gzip":  {[]Layer{layerOf([]byte{0x1f, 0x8b, 1, 2, 3}, nil)}, "layer 1 of 1"},
		"long path":    {[]Layer{plain(t, files{strings.Repeat("d/", 3000) + "a": "1"})}, "more than 4096 bytes"},
		"many layers":  {many, "more than 200"},
		"broken zstd":  {[]Layer{layerOf([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xff}, nil)}, "layer 1 of 1"},
		"cut off":      {[]Layer{layerOf(archive(t, files{"a": strings.Repeat("x", 2000)})[:1000], nil)}, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := flatten(t.Context(), test.layers)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want … %s …", err, test.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	tree, err := flatten(t.Context(), []Layer{plain(t, files{"usr/lib/x": "1", "lib": "-> usr/lib", "a/b/up": "-> ../../lib/x",
		"abs": "-> /lib/x", "out": "-> ../../../usr/lib/x", "loop": "-> loop", "dangling": "-> nothing", "through": "-> usr/lib/x/y"})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/lib/x": "/usr/lib/x", "/a/b/up": "/usr/lib/x", "/abs": "/usr/lib/x", "/out": "/usr/lib/x",
		"/lib/../lib/x": "/usr/lib/x", "/lib/../usr/x": "", "/lib/../../lib/x": "/usr/lib/x", "/loop": "", "/dangling": "", "/through": "", "/": "/", "/../..": "/"} {
		if got, _, err := tree.lookup(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%s leads to %q (%v), want %q", name, got, err, want)
		}
	}
}

// FuzzRead gives a layer of any bytes: whatever is in an image, nothing panics, and what is read has a version.
func FuzzRead(f *testing.F) {
	for _, seed := range []files{onGlibc(), onMusl(), {"a": "1", ".wh.b": "", "c/.wh..wh..opq": ""}} {
		f.Add(archive(f, seed), "1000:web", "PATH=/p/shims:/usr/bin")
	}
	f.Fuzz(func(t *testing.T, data []byte, user, env string) {
		got, err := Read(t.Context(), []Layer{layerOf(data, data)}, Config{User: user, Env: []string{env}}, "linux/amd64")
		if err == nil && (got.Python == "" || got.Libc.Family == "" || got.Interpreter == "") {
			t.Fatalf("facts without a fact: %+v", got)
		}
	})
}

// FuzzParse reads programs of any bytes: debug/elf is not hardened against hostile ones, and nothing may panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(pythonFile(ldLinux, hex3135, "", "libpython3.13.so.1.0")))
	f.Add([]byte(pythonFile(ldMusl, 0, "3.12.9")))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := &program{data: data}
		if err := p.parse(); err == nil && p.elf == nil {
			t.Fatal("neither a program nor an error")
		}
		if p.exported != "" && !release.MatchString(p.exported) {
			t.Fatalf("version %q", p.exported)
		}
	})
}
