package wheel

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
)

// openPromised opens a wheel that pack wrote.
func openPromised(t *testing.T, path string) *Wheel {
	t.Helper()
	w, err := OpenPromised(path, filename(t, "demo-1.0-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestPromisedReadOnce shows that what was read to its end, in either way, is not read again to verify it.
func TestPromisedReadOnce(t *testing.T) {
	path := pack(t, packed{name: "demo/a.py", data: "a = 1\n"}, packed{name: "demo/b.so", data: strings.Repeat("b", 9000)})
	w := openPromised(t, path)
	a, _ := w.find("demo/a.py")
	if _, err := (entry.Entry{Content: a.Content}).Read(); err != nil {
		t.Fatal(err)
	}
	b, _ := w.find("demo/b.so")
	sum, keep := b.Content.(entry.Promised).Promise()
	sum.Write([]byte(strings.Repeat("b", 9000)))
	if err := keep(sum.Sum(nil)); err != nil {
		t.Fatal(err)
	}
	if sum, _ := b.Content.(entry.Promised).Promise(); sum != nil {
		t.Error("it is to be compared again")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(); err != nil {
		t.Error(err)
	}
	if fresh := openPromised(t, pack(t, packed{name: "demo/a.py", data: "a = 1\n"})); os.Remove(fresh.path) != nil || fresh.Verify() == nil {
		t.Error("what nobody has read is taken for good")
	}
}

// TestPromisedBroken shows that other contents than RECORD's are noticed by who reads them, and that Verify says of them what
// Open says.
func TestPromisedBroken(t *testing.T) {
	good := []packed{{name: "demo/a.py", data: "a = 1\n"}}
	meta := []packed{{name: "demo-1.0.dist-info/METADATA", data: metadata}, {name: "demo-1.0.dist-info/WHEEL", data: wheelFile}}
	path := pack(t, packed{name: "demo/a.py", data: "a = 2\n"}, meta[0], meta[1],
		packed{name: "demo-1.0.dist-info/RECORD", data: recordOf(append(good, meta...))})
	_, want := openDemo(t, path)
	if want == nil {
		t.Fatal("Open accepts it")
	}
	w := openPromised(t, path)
	a, _ := w.find("demo/a.py")
	r, err := a.Content.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, errNotAsRecorded) {
		t.Errorf("reading it: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	sum := sha256.Sum256([]byte("a = 2\n"))
	if _, keep := a.Content.(entry.Promised).Promise(); keep(sum[:]) == nil {
		t.Error("the stream is taken for good")
	}
	if err := w.Verify(); err == nil || err.Error() != want.Error() {
		t.Errorf("%v, want %v", err, want)
	}
}
