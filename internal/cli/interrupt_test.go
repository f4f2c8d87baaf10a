package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/cli"
)

// TestInterrupted ends a build before it asks the network for anything. What is said is about the user, not about contexts.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"pyproject.toml": "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.13'\n",
		"uv.lock":        "version = 1\nrequires-python = '>=3.13'\n[[package]]\nname = 'app'\nversion = '1'\nsource = { virtual = '.' }\n",
		"main.py":        "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	store := t.TempDir()
	code := cli.Main(ctx, []string{"build", dir}, cli.System{Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string {
		if name == "LITHE_STORE" {
			return store
		}
		return ""
	}})
	const want = "error: interrupted\nhint: what is finished is in the store, and the next run goes on from there\n"
	if code != cli.ExitFailure || stdout.String() != "" || stderr.String() != want {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
