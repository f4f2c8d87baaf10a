package cargo_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// write makes a source tree.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func find(t *testing.T, files map[string]string) (cargo.Needs, error) {
	t.Helper()
	pyproject, err := toml.Parse("pyproject.toml", []byte(files["pyproject.toml"]))
	if err != nil {
		t.Fatal(err)
	}
	return cargo.Find(write(t, files), pyproject)
}

// TestFind looks for Cargo.lock where cargo would.
func TestFind(t *testing.T) {
	one := func(name string) string { return locked(name, "1.0.0", registry, "checksum = \""+sumA+"\"") }
	const alone = "[package]\nname = \"x\"\n"
	for what, tt := range map[string]struct {
		files map[string]string
		want  string // names of crates
	}{
		"at the top":        {map[string]string{"Cargo.toml": alone, "Cargo.lock": one("a"), "other/Cargo.lock": one("b")}, "a"},
		"in rust":           {map[string]string{"rust/Cargo.toml": alone, "rust/Cargo.lock": one("a")}, "a"},
		"maturin":           {map[string]string{"pyproject.toml": "[tool.maturin]\nmanifest-path = \"ext/Cargo.toml\"", "Cargo.toml": alone, "Cargo.lock": one("b"), "ext/Cargo.toml": alone, "ext/Cargo.lock": one("a")}, "a"},
		"setuptools-rust":   {map[string]string{"pyproject.toml": "[[tool.setuptools-rust.ext-modules]]\ntarget = \"x\"\npath = \"src/x/Cargo.toml\"\n[[tool.setuptools-rust.bins]]\ntarget = \"y\"", "Cargo.toml": alone, "Cargo.lock": one("b"), "src/x/Cargo.toml": alone, "src/x/Cargo.lock": one("a")}, "a b"},
		"setup.py":          {map[string]string{"setup.py": "", "src/x/Cargo.toml": alone, "src/x/Cargo.lock": one("a"), "src/x/vendor/v/Cargo.lock": one("b")}, "a"},
		"a workspace":       {map[string]string{"pyproject.toml": "[tool.maturin]\nmanifest-path = \"crates/x/Cargo.toml\"", "Cargo.toml": "[workspace]\nmembers = [\"crates/*\"]", "Cargo.lock": one("a"), "crates/x/Cargo.toml": alone}, "a"},
		"a named workspace": {map[string]string{"pyproject.toml": "[tool.maturin]\nmanifest-path = \"x/Cargo.toml\"", "ws/Cargo.toml": "[workspace]", "ws/Cargo.lock": one("a"), "x/Cargo.toml": alone + "workspace = \"../ws\""}, "a"},
		"not of it":         {map[string]string{"pyproject.toml": "[tool.maturin]\nmanifest-path = \"x/Cargo.toml\"", "Cargo.toml": "[workspace]\nexclude = [\"x\"]", "Cargo.lock": one("b"), "x/Cargo.toml": alone, "x/Cargo.lock": one("a")}, "a"},
		"two with the same": {map[string]string{"pyproject.toml": "[[tool.setuptools-rust.bins]]\npath = \"x/Cargo.toml\"\n[[tool.setuptools-rust.bins]]\npath = \"y/Cargo.toml\"", "x/Cargo.toml": alone, "x/Cargo.lock": one("a"), "y/Cargo.toml": alone, "y/Cargo.lock": one("a")}, "a"},
		"nothing":           {map[string]string{"setup.py": ""}, ""},
		"out of the tree":   {map[string]string{"pyproject.toml": "[tool.maturin]\nmanifest-path = \"../Cargo.toml\"", "Cargo.toml": alone, "Cargo.lock": one("a")}, "a"},
	} {
		needs, err := find(t, tt.files)
		var names []string
		for _, c := range needs.Crates {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want || needs.Own {
			t.Errorf("%s: have %q, %v, want %q", what, got, err, tt.want)
		}
	}
}

// TestFindOwn has a tree that brings its crates.
func TestFindOwn(t *testing.T) {
	for _, name := range []string{".cargo/config.toml", ".cargo/config"} {
		needs, err := find(t, map[string]string{"Cargo.toml": "[package]", name: "[source.crates-io]\nreplace-with = \"vendored\""})
		if err != nil || !needs.Own {
			t.Errorf("%s: have %+v, %v", name, needs, err)
		}
	}
}

func TestFindRefuses(t *testing.T) {
	two := locked("a", "1.0.0", registry, "checksum = \""+sumB+"\"")
	for _, tt := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"Cargo.toml": "[package]"}, "Cargo.toml: there is no Cargo.lock, which says what crates it is built of; run `cargo generate-lockfile`"},
		{map[string]string{"Cargo.toml": "[package]", "Cargo.lock": "["}, "Cargo.lock:1: "},
		{map[string]string{"Cargo.toml": "[", "Cargo.lock": ""}, "Cargo.toml:1: "},
		{map[string]string{"x/Cargo.lock": locked("a", "1.0.0", registry, "checksum = \""+sumA+"\""), "y/Cargo.lock": two}, "y/Cargo.lock:2: crate a 1.0.0 has another checksum here than at x/Cargo.lock:2"},
	} {
		_, err := find(t, tt.files)
		if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("have %v, want %s", err, tt.want)
		}
	}
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "Cargo.toml"), []byte("[package]"), 0o600), os.Symlink("/etc/hostname", filepath.Join(dir, "Cargo.lock"))); err != nil {
		t.Fatal(err)
	}
	if needs, err := cargo.Find(dir, nil); err == nil {
		t.Errorf("a link out of the tree was followed: %+v", needs)
	}
}

// TestVendor looks at what cargo will see.
func TestVendor(t *testing.T) {
	dir := t.TempDir()
	crates := []cargo.Crate{{Name: "a", Version: "1.0.0", Checksum: sumA}, {Name: "b", Version: "0.2.0+x", Checksum: sumB}}
	err := cargo.Vendor(dir, "/build/cargo", crates, func(c cargo.Crate, into string) error {
		return os.WriteFile(filepath.Join(into, "Cargo.toml"), []byte("# "+c.Name), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range crates {
		data, err := os.ReadFile(filepath.Join(dir, "vendor", c.Dir(), ".cargo-checksum.json"))
		var sums struct {
			Files   map[string]string
			Package string
		}
		if err := errors.Join(err, json.Unmarshal(data, &sums)); err != nil || sums.Files == nil || sums.Package != c.Checksum {
			t.Errorf("%s: have %s, %v", c.Dir(), data, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := toml.Parse("config.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	replaced := config.Table("source", "crates-io").String("replace-with")
	if got := config.Table("source", replaced).String("directory"); got != "/build/cargo/vendor" {
		t.Errorf("crates are looked for in %q:\n%s", got, data)
	}
	if cargo.Env("/build/cargo")["CARGO_HOME"] != "/build/cargo" {
		t.Error("cargo looks for its home elsewhere")
	}
	if err := cargo.Vendor(t.TempDir(), "/h", crates, func(cargo.Crate, string) error { return os.ErrInvalid }); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("have %v", err)
	}
}
