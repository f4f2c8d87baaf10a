package build_test

import (
	"bytes"
	"flag"
	"fmt"
	"testing"

	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

var update = flag.Bool("update", false, "rewrite the golden digests")

// goldenWheels go through every way into a layer: small ones of two buckets, a large one of its own, scripts, a data
// file whose deflate stream is copied, and one that is compressed together with others.
var goldenWheels = []pyindex.Wheel{
	{Name: "greet", Version: "1.0", Requires: []string{"colours>=2"}, Scripts: map[string]string{"greet": "greet:main"}},
	{Name: "colours", Version: "2.0", Files: map[string]string{"colours/table.csv": string(bytes.Repeat([]byte("red,green,blue\n"), 5000))}},
	{Name: "big", Version: "1.0", Size: 1 << 20},
}

// The digest of an image is a function of its inputs and the format number. Whatever changes these digests changes
// those of all users: it needs a new format number, and a file of its own beside the old one.
func TestGoldenDigest(t *testing.T) {
	s := newSite(t, goldenWheels...)
	var got bytes.Buffer
	for _, shape := range []struct {
		name  string
		files map[string]string
	}{
		{"package", greeter("hello", "greet", "big")},
		{"copied", copied("hello", "greet", "big")},
	} {
		dir := t.TempDir()
		write(t, dir, shape.files)
		s.lock(t, dir)
		result := run(t, s.options(t, dir))
		fmt.Fprintf(&got, "%s: manifest %s\n", shape.name, result.Digest)
		for _, l := range result.Platforms[0].Layers {
			fmt.Fprintf(&got, "%s: %s %s\n", shape.name, l.Kind, l.Digest)
		}
	}
	golden.Compare(t, fmt.Sprintf("testdata/golden/format-%d.txt", layer.Format), got.Bytes(), *update)
}
