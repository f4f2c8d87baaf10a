package cargo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadMuch reads as much of one tree as there is a limit to.
func TestReadMuch(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, manifestName), []byte("# text"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tr := &tree{root: root, size: maxTotal - len("# text")}
	if _, err := tr.read(manifestName); err != nil {
		t.Error(err)
	}
	if _, err := tr.read(manifestName); err == nil || !strings.Contains(err.Error(), "more than 268435456 bytes of Cargo.toml and Cargo.lock") {
		t.Error(err)
	}
}
