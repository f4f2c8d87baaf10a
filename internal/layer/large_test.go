package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/store"
)

// deep is a path below thousands of folders of its own.
func deep(i int) string { return fmt.Sprintf("%04d/%sx", i, strings.Repeat("a/", (maxPath-6)/2)) }

// TestDeepPaths refuses a few files that would bring millions of folders.
func TestDeepPaths(t *testing.T) {
	var entries []entry.Entry
	for i := range 1000 {
		entries = append(entries, entry.NewFile(deep(i), nil, false))
	}
	if _, err := Write(io.Discard, entries); err == nil || !strings.Contains(err.Error(), "files and folders") {
		t.Errorf("got %v", err)
	}
}

// TestInspectLongPaths refuses a path that no system could open, and that would be followed folder by folder.
func TestInspectLongPaths(t *testing.T) {
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*tar.Header{{Name: strings.Repeat("a/", maxPath) + "x"}, {Name: "x", Linkname: strings.Repeat("a/", maxPath), Typeflag: tar.TypeSymlink}} {
		var layer bytes.Buffer
		w := tar.NewWriter(&layer)
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(context.Background(), st, &layer); err == nil || !strings.Contains(err.Error(), "a path of more than") {
			t.Errorf("got %v", err)
		}
	}
}

// TestFull refuses objects that say more than a record can hold.
func TestFull(t *testing.T) {
	c := newCollector()
	for i := range maxSaid / maxText {
		c.object(Object{Path: fmt.Sprint(i), Needed: []string{strings.Repeat("n", maxText/2)}})
	}
	if c.full() != nil {
		t.Errorf("%d bytes are too many", c.size)
	}
	c.link("l", strings.Repeat("t", maxSaid))
	if c.full() == nil {
		t.Errorf("%d bytes are not too many", c.size)
	}
}
