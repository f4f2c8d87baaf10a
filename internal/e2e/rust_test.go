//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRust builds a project by maturin, and bcrypt by setuptools-rust, with Debian's cargo and the crates of their Cargo.lock, and
// uses both in a container. Another build of the same, by one process at a time and without a network, gives the same files.
func TestRust(t *testing.T) {
	l := needDocker(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("takes minutes: set LITHE_FULL=1")
	}
	t.Parallel()
	dir := filepath.Join(l.temp(t), "rust")
	if err := copyTree(dir, "testdata/rust"); err != nil {
		t.Fatal(err)
	}
	image := l.load(t, dir)
	stdout, _ := inImage(t, image, "import bcrypt, counter\nh = bcrypt.hashpw(b'secret', bcrypt.gensalt(4))\n"+
		"print(counter.words('one two three'), bcrypt.checkpw(b'secret', h), bcrypt.checkpw(b'other', h))")
	if stdout != "3 True False\n" {
		t.Errorf("printed %q", stdout)
	}
	locked := read(t, filepath.Join(dir, "lithe.lock"))
	for _, want := range []string{`"cargo-web | cargo"`, `name = "cargo-web"`, `name = "rustc-web"`, `name = "maturin"`, `name = "setuptools-rust"`} {
		if !strings.Contains(locked, want) {
			t.Errorf("lithe.lock lacks %s", want)
		}
	}
	r := l.run(t, call{args: []string{"build", dir, "--locked", "--verify-builds"}, env: []string{"LITHE_OFFLINE=1"}, umask: "077"})
	if r.code != 0 || !strings.Contains(r.stderr, "2 packages, twice with the same files") {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
}
