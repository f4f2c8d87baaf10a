package build

import (
	"crypto/sha256"
	"hash"
	"io"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/trace"
)

// unchanged is a file of the project that was hashed before: the key of its layer and RECORD say what is in it. The
// folder belongs to the user, who may save a file while it is built, and a layer of other bytes would stay in the store
// under that key, for every later build.
type unchanged struct {
	entry.Content
	path string // as the user would write it
	size int64
	sum  [sha256.Size]byte

	trace *trace.Recorder
}

// pin returns contents that fail where they are not these any more. What is in memory needs no watching.
func pin(c entry.Content, size int64, sum [sha256.Size]byte, r *trace.Recorder) entry.Content {
	path, ok := c.(entry.Path)
	if !ok {
		return c
	}
	return unchanged{Content: c, path: string(path), size: size, sum: sum, trace: r}
}

// Open opens the file, and compares it while it is read.
func (u unchanged) Open() (io.ReadCloser, error) {
	u.trace.Add(trace.Files, 1)
	r, err := u.Content.Open()
	if err != nil {
		return nil, err
	}
	return &comparing{ReadCloser: r, want: u, sum: sha256.New()}, nil
}

// comparing reads a file to its end or to the first sign that it is another one.
type comparing struct {
	io.ReadCloser
	want unchanged
	n    int64
	sum  hash.Hash
}

func (c *comparing) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	if c.n > c.want.size || err == io.EOF && [sha256.Size]byte(c.sum.Sum(nil)) != c.want.sum {
		return 0, c.want.changed()
	}
	return n, err
}

func (u unchanged) changed() error {
	return &diag.Error{Pos: diag.Position{File: u.path}, Code: "changed", What: "the file changed while it was read",
		Hint: "build again when nothing writes to it"}
}
