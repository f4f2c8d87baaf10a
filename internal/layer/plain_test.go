package layer

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
)

// TestTarIsTheLayers holds the tar against what the layer unpacks to.
func TestTarIsTheLayers(t *testing.T) {
	entries := []entry.Entry{entry.NewFile("usr/bin/x", bytes.Repeat([]byte("x"), 700), true), entry.NewSymlink("usr/lib/y", "../bin/x"),
		entry.NewDir("tmp"), entry.NewFile("etc/"+string(bytes.Repeat([]byte("n"), 120)), nil, false)}
	var packed, plain bytes.Buffer
	if _, err := Write(&packed, entries); err != nil {
		t.Fatal(err)
	}
	if err := Tar(&plain, entries); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain.Bytes(), want) {
		t.Error("the tar is not the one in the layer")
	}
}

func TestTarRefuses(t *testing.T) {
	for name, e := range map[string]entry.Entry{
		"a file that is longer":  {Path: "a", Mode: 0o644, Size: 1, Content: entry.Bytes("ab")},
		"a file that is shorter": {Path: "a", Mode: 0o644, Size: 3, Content: entry.Bytes("ab")},
		"a path out of the root": entry.NewFile("../a", nil, false),
	} {
		if err := Tar(io.Discard, []entry.Entry{e}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
