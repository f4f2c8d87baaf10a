package baseimages

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// muslScript builds a Python on musl.
//
//go:embed musl.sh
var muslScript []byte

// Musl returns a root with a Python on musl. It is built once, for some minutes, and kept in a folder that bears the
// hash of how: below LITHE_TEST_CACHE, else below the user's cache. It needs gcc, make, perl, xz and musl-tools.
func Musl(ctx context.Context) (root string, err error) {
	cache := os.Getenv("LITHE_TEST_CACHE")
	if cache == "" {
		if cache, err = os.UserCacheDir(); err != nil {
			return "", err
		}
		cache = filepath.Join(cache, "lithe-test")
	}
	dir := filepath.Join(cache, fmt.Sprintf("musl-python-%.8x", sha256.Sum256(muslScript)))
	root = filepath.Join(dir, "root")
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, "musl-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	script := filepath.Join(work, "musl.sh")
	if err := os.WriteFile(script, muslScript, 0o644); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "sh", script, filepath.Join(work, "build")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Python on musl: %w\n%s", err, out)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(work, "build", "root"), root); err != nil && !os.IsExist(err) {
		return "", err
	}
	return root, nil
}
