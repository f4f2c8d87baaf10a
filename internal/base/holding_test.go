package base

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// TestHolding asks a suite which packages have a file.
func TestHolding(t *testing.T) {
	suites := debmirror.Trixie("amd64")
	for name, path := range map[string]string{"libx-dev": "usr/include/x.h", "libx-extra-dev": "usr/include/x.h", "x": "usr/include/x.h",
		"liby-dev": "usr/include/y/x.h", "other": "usr/share/x.h"} {
		suites[0].Packages = append(suites[0].Packages, debmirror.Package{Name: name, Version: "1-1", Files: []debmirror.File{{Path: path, Content: "x"}}})
	}
	m := debmirror.New(t, suites...)
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	opt := Options{Name: "debian:trixie", Mirror: m.URL, SecurityMirror: m.SecurityURL, Keyring: m.Keyring, Now: debmirror.DefaultDate}
	for _, offline := range []bool{false, true} { // the index is in the store then
		got, err := Holding(t.Context(), fetch.New(st, fetch.Options{Offline: offline}), opt, "linux/amd64", func(path string) int {
			switch {
			case path == "usr/include/x.h":
				return 1
			case strings.HasSuffix(path, "/x.h"):
				return 2
			}
			return 0
		})
		if diff := cmp.Diff([]string{"libx-dev", "libx-extra-dev", "x"}, got); diff != "" || err != nil {
			t.Error(offline, diff, err)
		}
	}
	got, err := Holding(t.Context(), fetch.New(st, fetch.Options{}), opt, "linux/amd64", func(string) int { return 0 })
	if len(got) != 0 || err != nil {
		t.Error(got, err)
	}
	if _, err := Holding(t.Context(), fetch.New(st, fetch.Options{}), opt, "linux/arm64", func(string) int { return 0 }); !errors.Is(err, ErrNoContents) {
		t.Errorf("an architecture without an index: %v", err)
	}
}
