package lithelock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

// onStandalone is the lock of a project on a standalone Python.
func onStandalone() *lithelock.Lock {
	archive := lithelock.Standalone{Python: "3.12.15", Release: "20261021", Hash: hash("1"), Size: 33_000_000,
		Path: "20261021/cpython-3.12.15+20261021-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"}
	libc := lithelock.Package{Name: "libc6", Version: "2.41-12", Architecture: "amd64", Hash: hash("2"), Size: 2_000_000,
		Archive: "debian", Path: "pool/main/g/glibc/libc6_2.41-12_amd64.deb", Part: "base", Reason: "root"}
	return &lithelock.Lock{Version: 1, Format: 1, Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Python: "3.12.15", Compiler: "3.12.15",
		Base:      lithelock.Base{Name: "standalone:3.12"},
		Platforms: []lithelock.Platform{{Name: "linux/amd64", Standalone: &archive, Packages: []lithelock.Package{libc}}}}
}

func TestEncodeStandalone(t *testing.T) {
	text := onStandalone().Encode()
	golden.Compare(t, "testdata/standalone.lock", text, *update)
	back, err := lithelock.Parse("lithe.lock", text)
	if diff := cmp.Diff(onStandalone(), back); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestParseRefusesStandalone(t *testing.T) {
	good := string(onStandalone().Encode())
	for name, test := range map[string]struct{ old, new, want string }{
		"no Python":     {`python = "3.12.15", `, "", "python is missing"},
		"no version":    {`{ python = "3.12.15"`, `{ python = "3 12"`, `python cannot be "3 12"`},
		"no release":    {`"20261021"`, `"latest"`, `release cannot be "latest"`},
		"short digest":  {hash("1"), "sha256:11", "hash cannot be"},
		"no size":       {"33000000", "0", "size is no number of bytes"},
		"climbing path": {`"20261021/cpython`, `"../cpython`, "path cannot be"},
		"unknown key":   {"size = 33000000", "length = 33000000", `unknown key "length"`},
		"no table":      {"standalone = {", "standalone = 1 # {", "the table [standalone] is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, test.old, test.new, 1)
			if _, err := lithelock.Parse("lithe.lock", []byte(text)); err == nil || text == good || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q in it", err, test.want)
			}
		})
	}
}
