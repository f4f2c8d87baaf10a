package cargo_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/diag"
)

const (
	registry = "registry+https://github.com/rust-lang/crates.io-index"
	sumA     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sumB     = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// locked is a package of a Cargo.lock.
func locked(name, version, source, more string) string {
	return fmt.Sprintf("[[package]]\nname = %q\nversion = %q\nsource = %q\n%s\n", name, version, source, more)
}

const own = "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a\"]\n"

// TestParseLock reads the same two crates in each form that cargo ever wrote.
func TestParseLock(t *testing.T) {
	inline := own + locked("b", "0.2.0+x", registry, "checksum = \""+sumB+"\"") + locked("a", "1.0.0", registry, "checksum = \""+sumA+"\"")
	for what, text := range map[string]string{
		"version 1": own + locked("b", "0.2.0+x", registry, "") + locked("a", "1.0.0", registry, "") +
			"[metadata]\n\"checksum a 1.0.0 (" + registry + ")\" = \"" + sumA + "\"\n\"checksum b 0.2.0+x (" + registry + ")\" = \"" + sumB + "\"\n",
		"version 2": inline,
		"version 3": "version = 3\n" + inline,
		"version 4": "version = 4\n" + inline,
		"sparse":    "version = 4\n" + strings.ReplaceAll(inline, registry, "sparse+https://index.crates.io/"),
	} {
		crates, err := cargo.ParseLock("Cargo.lock", []byte(text))
		if err != nil || len(crates) != 2 {
			t.Errorf("%s: have %v, %v", what, crates, err)
			continue
		}
		a, b := crates[0], crates[1]
		if a.Dir() != "a-1.0.0" || b.Dir() != "b-0.2.0+x" || a.Checksum != sumA || b.Checksum != sumB || a.Pos.Line <= b.Pos.Line {
			t.Errorf("%s: have %+v", what, crates)
		}
	}
}

// TestParseLockRefuses names the line and what is wrong with it.
func TestParseLockRefuses(t *testing.T) {
	sum := "checksum = \"" + sumA + "\""
	for _, tt := range []struct{ text, want string }{
		{"version = 5", "Cargo.lock:1: version 5 of Cargo.lock is not known"},
		{locked("a", "1.0.0", "git+https://github.com/x/a?rev=1#1", ""), "Cargo.lock:4: crate a 1.0.0 is a commit of a git repository"},
		{locked("a", "1.0.0", "registry+https://crates.example/index", sum), "Cargo.lock:4: crate a 1.0.0 is of a registry other than crates.io"},
		{locked("a", "1.0.0", registry, ""), "Cargo.lock:2: crate a 1.0.0 has no checksum"},
		{locked("a", "1.0.0", registry, "checksum = \"abc\""), "Cargo.lock:5: crate a 1.0.0: \"abc\" is no sha256"},
		{locked("../a", "1.0.0", registry, sum), "no name and version of a crate"},
		{locked("a", "../1", registry, sum), "no name and version of a crate"},
		{locked("a", "1/2", registry, sum), "no name and version of a crate"},
		{locked("a", "", registry, sum), "no name and version of a crate"},
		{strings.Repeat(own, 10_001), "10001 packages are more than 10000"},
		{"[[package", "Cargo.lock:1: "},
	} {
		_, err := cargo.ParseLock("Cargo.lock", []byte(tt.text))
		if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("have %v, want %s", err, tt.want)
		}
	}
	_, err := cargo.ParseLock("Cargo.lock", []byte(locked("a", "1.0.0", "git+https://x/a", "")+locked("b", "1.0.0", "git+https://x/b", "")))
	if problems, _ := diag.Problems(err); len(problems) != 2 {
		t.Errorf("not all problems are told: %v", err)
	}
}

// FuzzLock parses anything: whatever comes out is one folder beside others, and has an address.
func FuzzLock(f *testing.F) {
	f.Add([]byte("version = 4\n" + own + locked("a", "1.0.0", registry, "checksum = \""+sumA+"\"")))
	f.Add([]byte(locked("a", "1.0.0", registry, "") + "[metadata]\n\"checksum a 1.0.0 (" + registry + ")\" = \"" + sumA + "\"\n"))
	f.Add([]byte(locked("a", "1.0.0", "git+https://x/a?branch=b#c", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		crates, err := cargo.ParseLock("Cargo.lock", data)
		if _, ok := diag.Problems(err); err != nil && !ok {
			t.Fatalf("no problem of the file's: %v", err)
		}
		for _, c := range crates {
			if d := c.Dir(); !filepath.IsLocal(d) || strings.ContainsAny(d, `/\`) || len(c.Checksum) != 64 {
				t.Fatalf("%+v", c)
			}
			if u := c.URL(""); strings.Contains(u, "..") && !strings.Contains(c.Version, "..") || !strings.HasPrefix(u, cargo.Download+"/"+c.Name+"/") {
				t.Fatalf("%+v is at %s", c, u)
			}
		}
	})
}

func TestURL(t *testing.T) {
	c := cargo.Crate{Name: "Serde", Version: "1.0.2", Checksum: sumA}
	for download, want := range map[string]string{
		"":                                  "https://static.crates.io/crates/Serde/1.0.2/download",
		"https://h/crates/":                 "https://h/crates/Serde/1.0.2/download",
		"https://h/{crate}-{version}.crate": "https://h/Serde-1.0.2.crate",
		"https://h/{prefix}/{lowerprefix}":  "https://h/Se/rd/se/rd",
		"https://h/{sha256-checksum}":       "https://h/" + sumA,
	} {
		if got := c.URL(download); got != want {
			t.Errorf("%s: have %s, want %s", download, got, want)
		}
	}
	for name, want := range map[string]string{"a": "1", "ab": "2", "abc": "3/a", "abcd": "ab/cd"} {
		if got := (cargo.Crate{Name: name}).URL("https://h/{prefix}"); got != "https://h/"+want {
			t.Errorf("%s: have %s, want %s", name, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	for mirror, want := range map[string]string{"": "", "https://h/crates": "", "sparse+https://h/index/": "https://h/index/config.json"} {
		if got := cargo.ConfigURL(mirror); got != want {
			t.Errorf("%s: have %q, want %q", mirror, got, want)
		}
	}
	if got, err := cargo.ParseConfig([]byte(`{"dl": "https://h/dl", "api": "https://h"}`)); got != "https://h/dl" || err != nil {
		t.Errorf("have %q, %v", got, err)
	}
	for _, wrong := range []string{"", "<html>", "{}", `{"dl": "file:///etc"}`, `{"dl": "crates"}`} {
		if got, err := cargo.ParseConfig([]byte(wrong)); err == nil {
			t.Errorf("%s is %q", wrong, got)
		}
	}
}

func TestCheckMirror(t *testing.T) {
	for address, ok := range map[string]bool{"https://h/{crate}-{version}.crate": true, "sparse+https://h/index/": true, "http://h": true,
		"h/index": false, "file:///srv/crates": false, "sparse+h": false, "": false} {
		if err := cargo.CheckMirror(address); (err == nil) != ok {
			t.Errorf("%s: have %v", address, err)
		}
	}
}
