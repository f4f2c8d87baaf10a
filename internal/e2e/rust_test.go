//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRust builds a project by maturin, and bcrypt by setuptools-rust, with Debian's cargo and the crates of their Cargo.lock, and
// uses both in a container. A build elsewhere, by one process at a time, gives the same image; so does one without a network.
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
	first := l.build(t, dir, call{args: []string{"--locked"}})
	again := filepath.Join(l.temp(t), "somewhere", "else")
	if err := copyTree(again, dir); err != nil {
		t.Fatal(err)
	}
	// A setting that nobody reads makes it another build, in the builder that is there.
	write(t, filepath.Join(again, "pyproject.toml"), read(t, filepath.Join(again, "pyproject.toml"))+
		"\n[tool.lithe.config-settings]\nbcrypt = {unread = \"1\"}\ncounter = {unread = \"1\"}\n")
	second := l.build(t, again, call{args: []string{"--locked"}, env: []string{"LITHE_JOBS=1", "LITHE_OFFLINE=1"}, umask: "077"})
	if second.Digest != first.Digest {
		t.Errorf("two builds of the same sources differ: %s with layers %+v, and %s with %+v", first.Digest, first.layers(), second.Digest, second.layers())
	}
}
