package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/requirement"
)

// crateFile packs a crate, and returns it with its checksum.
func crateFile(t *testing.T, top string) (data []byte, checksum string) {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	const text = "[package]\n"
	err := errors.Join(tw.WriteHeader(&tar.Header{Name: top + "/Cargo.toml", Mode: 0o600, Size: int64(len(text))}), func() error {
		_, err := io.WriteString(tw, text)
		return err
	}(), tw.Close(), zw.Close())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(sum[:])
}

// cratesOf serves files by path, and the configuration of an index that names it for downloads.
func cratesOf(t *testing.T, files map[string][]byte) cargo.Mirror {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/index/config.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"dl": "%s/dl"}`, server.URL) })
	for path, data := range files {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	}
	return cargo.Mirror{Address: "sparse+" + server.URL + "/index/"}
}

// broughtFor gives a source with this Cargo.lock its crates, and returns the directory of its build.
func broughtFor(t *testing.T, mirror cargo.Mirror, cargoLock string) (dir string, err error) {
	t.Helper()
	b, err := newBuilder(Options{Dir: t.TempDir(), Store: t.TempDir(), Crates: mirror, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	f := &frontend{builder: b, decision: &decision{inputs: &inputs{}}}
	dir = t.TempDir()
	tree, err := pep517.New(pep517.Options{}, dir, io.Discard, func(sources string) error {
		return errors.Join(os.WriteFile(filepath.Join(sources, "Cargo.toml"), []byte("[package]\n"), 0o600),
			os.WriteFile(filepath.Join(sources, "Cargo.lock"), []byte(cargoLock), 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	pkg := plan.Package{Name: "rusty", Version: "1.0", Kind: plan.KindSdist, Filename: "rusty-1.0.tar.gz", Pos: diag.Position{File: "uv.lock", Line: 7}}
	return dir, f.bringCrates(t.Context(), &recipe{source: source{pkg: pkg}, rust: true}, tree)
}

func lockedCrate(checksum string) string {
	return "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"" + checksum + "\"\n"
}

// TestBringCrates downloads what a Cargo.lock names by way of a mirror's index, and lays it out for cargo.
func TestBringCrates(t *testing.T) {
	data, sum := crateFile(t, "a-1.0.0")
	dir, err := broughtFor(t, cratesOf(t, map[string][]byte{"/dl/a/1.0.0/download": data}), lockedCrate(sum))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"vendor/a-1.0.0/Cargo.toml": "[package]", "vendor/a-1.0.0/.cargo-checksum.json": sum,
		"config.toml": `directory = "/build/cargo/vendor"`} {
		got, err := os.ReadFile(filepath.Join(dir, "cargo", filepath.FromSlash(name)))
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
}

// TestBringCratesFails: each problem has the place where the source is locked, or is the network's.
func TestBringCratesFails(t *testing.T) {
	good, sum := crateFile(t, "a-1.0.0")
	flat := []byte("no archive")
	flatSum := sha256.Sum256(flat)
	for what, tt := range map[string]struct {
		served []byte
		lock   string
		want   string
		code   string
	}{
		"another file": {flat, lockedCrate(sum), "uv.lock:7: rusty 1.0: Cargo.lock:4: a 1.0.0: ", "hash-mismatch"},
		"no archive":   {flat, lockedCrate(hex.EncodeToString(flatSum[:])), "uv.lock:7: rusty 1.0: Cargo.lock:4: crate a 1.0.0: ", "bad-crate"},
		"not there":    {nil, lockedCrate(sum), "uv.lock:7: rusty 1.0: Cargo.lock:4: a 1.0.0: ", "file-not-found"},
		"no checksum":  {good, lockedCrate(""), "uv.lock:7: rusty 1.0: Cargo.lock:4: crate a 1.0.0 has no checksum", "cargo-lock"},
	} {
		files := map[string][]byte{}
		if tt.served != nil {
			files["/dl/a/1.0.0/download"] = tt.served
		}
		_, err := broughtFor(t, cratesOf(t, files), tt.lock)
		problems, ok := diag.Problems(err)
		if !ok || !strings.HasPrefix(err.Error(), tt.want) || problems[0].Code != tt.code {
			t.Errorf("%s: have %v, want %s", what, err, tt.want)
		}
	}
	if _, err := broughtFor(t, cargo.Mirror{Problem: &diag.Error{What: "no index"}}, lockedCrate(sum)); err == nil || err.Error() != "no index" {
		t.Errorf("a mirror that cannot be read: have %v", err)
	}
	if _, err := broughtFor(t, cargo.Mirror{Address: "sparse+" + strings.TrimPrefix(cratesOf(t, nil).Address, "sparse+") + "other/"}, lockedCrate(sum)); err == nil || !strings.Contains(err.Error(), "mirror of crates.io: ") {
		t.Errorf("a mirror without configuration: have %v", err)
	}
}

func parsed(t *testing.T, texts ...string) (out []requirement.Requirement) {
	t.Helper()
	for _, text := range texts {
		r, err := requirement.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// TestFollowRust: a builder has cargo when a source needs it, as its own files, lithe.lock or this run know.
func TestFollowRust(t *testing.T) {
	wheel := []lock.Package{{Name: "Rusty", Pos: diag.Position{File: "uv.lock", Line: 3}, Files: []lock.File{{Hash: "sha256:01"}}}}
	known := func(source string, asked ...string) *lithelock.Lock {
		return &lithelock.Lock{Builds: []lithelock.Build{{Name: "rusty", Source: source, For: []string{"x"}, Asked: asked}}}
	}
	own := func(asked ...string) *tree { return &tree{id: ".", asked: parsed(t, asked...)} }
	for what, tt := range map[string]struct {
		dynamic *tree
		lock    *lithelock.Lock
		found   []rustNeed
		named   []base.Want
		want    string // of build packages
		reason  string
	}{
		"nothing":                 {},
		"the project":             {dynamic: own("maturin>=1.9"), want: "cargo-web | cargo", reason: "app is built from source with maturin"},
		"a backend without":       {dynamic: own("hatchling")},
		"lithe.lock":              {lock: known("sha256:01", "setuptools-rust>=1"), want: "cargo-web | cargo", reason: "rusty is built from source with setuptools-rust"},
		"what is gone":            {lock: known("sha256:02", "maturin")},
		"what was maturin's":      {dynamic: own("hatchling"), lock: known(".", "maturin")},
		"a hook of the project's": {dynamic: own("setuptools"), lock: known(".", "setuptools", "setuptools-rust"), want: "cargo-web | cargo", reason: "rusty is"},
		"found":                   {found: []rustNeed{{name: "deep", tool: "maturin"}}, want: "cargo-web | cargo", reason: "deep is built from source with maturin"},
		"named":                   {dynamic: own("maturin"), named: []base.Want{{Name: "cargo"}}, want: "cargo"},
	} {
		d := &decision{rust: tt.found, inputs: &inputs{lock: &lock.Lock{Packages: wheel}, litheLock: tt.lock, dynamic: tt.dynamic,
			project: &project.Project{Metadata: project.Metadata{Name: "app"}}, system: system{build: tt.named}}}
		d.followRust()
		d.followRust() // which changes nothing
		if got := strings.Join(base.WantStrings(d.system.build), " "); got != tt.want {
			t.Errorf("%s: the builder has %q, want %q", what, got, tt.want)
		}
		if len(d.decisions) > 1 || (len(d.decisions) == 1) != (tt.reason != "") {
			t.Errorf("%s: decisions %v", what, d.decisions)
			continue
		}
		if tt.reason != "" && !strings.HasPrefix(d.decisions[0].Reason, tt.reason) {
			t.Errorf("%s: %q, want %q", what, d.decisions[0].Reason, tt.reason)
		}
	}
}
