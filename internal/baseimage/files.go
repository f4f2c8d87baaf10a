package baseimage

import (
	"context"
	"path"
)

// Files are the files of an image, as its layers laid over each other have them.
type Files struct{ tree *tree }

// Lay lays layers over each other, the lowest first, and verifies each. No contents are kept.
func Lay(ctx context.Context, layers []Layer) (*Files, error) {
	t, err := flatten(ctx, layers)
	return &Files{t}, err
}

// Read returns the bytes of a file, up to a limit. Links are followed.
func (f *Files) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	return f.tree.contents(ctx, name, limit)
}

// Real returns where a path leads, links followed. What is not there is below the part of the path that is.
func (f *Files) Real(name string) string {
	rest := ""
	for at := path.Clean("/" + name); ; at = path.Dir(at) {
		if real, _, err := f.tree.lookup(at); err == nil || at == "/" {
			return path.Join("/", real, rest)
		}
		rest = path.Join(path.Base(at), rest)
	}
}
