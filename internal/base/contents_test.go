package base

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// libraryMirror has trixie and some packages that an image may lack.
func libraryMirror(t *testing.T) *debmirror.Mirror {
	suites := debmirror.Trixie("amd64", "arm64")
	lib := func(name string, paths ...string) debmirror.Package {
		p := debmirror.Package{Name: name, Version: "1-1"}
		for _, path := range paths {
			p.Files = append(p.Files, debmirror.File{Path: path, Content: "x"})
		}
		return p
	}
	const dir = "usr/lib/x86_64-linux-gnu/"
	suites[0].Packages = append(suites[0].Packages,
		lib("libgomp1", dir+"libgomp.so.1"), lib("libgomp1-dbg", dir+"libgomp.so.1"), lib("libx-dev", dir+"libx.so"),
		lib("libblas3", dir+"blas/libblas.so.3"), lib("private", dir+"private/libprivate.so.1"), lib("old", "lib/libold.so.1"),
		lib("libodd", dir+"libexodd.so.0"), lib("libodd-dev", dir+"libexodd.so.0"))
	return debmirror.New(t, suites...)
}

func TestProviders(t *testing.T) {
	m := libraryMirror(t)
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	opt := Options{Name: "debian:trixie", Mirror: m.URL, SecurityMirror: m.SecurityURL, Keyring: m.Keyring, Now: debmirror.DefaultDate}
	asked := []string{"libgomp.so.1", "libpq.so.5", "libx.so", "libblas.so.3", "libprivate.so.1", "libold.so.1", "libnone.so.7"}
	want := map[string]string{"libgomp.so.1": "libgomp1", "libpq.so.5": "libpq5", "libx.so": "libx-dev", "libblas.so.3": "libblas3",
		"libold.so.1": "old"}
	for _, offline := range []bool{false, true} { // what was read once is in the store
		client := fetch.New(st, fetch.Options{Offline: offline})
		got, err := Providers(t.Context(), client, opt, "linux/amd64", nil, asked)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(offline, diff, err)
		}
	}
	_, err = Providers(t.Context(), fetch.New(st, fetch.Options{Offline: true}), opt, "linux/arm64", nil, asked)
	if !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("an index that was never read: %v", err)
	}
	got, err := Providers(t.Context(), fetch.New(st, fetch.Options{}), opt, "linux/arm64", nil, asked)
	if diff := cmp.Diff(map[string]string{"libpq.so.5": "libpq5"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	requests := m.Requests()
	if n := len(slices.DeleteFunc(requests, func(r string) bool { return !strings.Contains(r, "/main/by-hash/") })); n != 2 {
		t.Errorf("%d indexes were asked for: %q", n, requests)
	}
}

// TestProvidersInBuilder: a library that a builder has is found there, under whatever name, without the index of all files.
func TestProvidersInBuilder(t *testing.T) {
	m := libraryMirror(t)
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	opt := Options{Name: "debian:trixie", Mirror: m.URL, SecurityMirror: m.SecurityURL, Keyring: m.Keyring, Now: debmirror.DefaultDate,
		Platforms: []string{"linux/amd64"}, Build: []Want{{Name: "libodd"}, {Name: "libodd-dev"}}}
	client := fetch.New(st, fetch.Options{})
	pins, err := Resolve(t.Context(), client, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pins, err = LockBuilders(t.Context(), client, pins, opt.Platforms, nil, opt, nil); err != nil {
		t.Fatal(err)
	}
	m.Requests()
	got, err := Providers(t.Context(), client, opt, "linux/amd64", pins.Platforms[0].Builder, []string{"libexodd.so.0", "libpq.so.5", "libexodd.so.0"})
	if diff := cmp.Diff(map[string]string{"libexodd.so.0": "libodd", "libpq.so.5": "libpq5"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if requests := m.Requests(); slices.ContainsFunc(requests, func(r string) bool { return strings.Contains(r, "/by-hash/") }) {
		t.Errorf("asked for %q", requests)
	}
}

// TestProvidersProblems shows that nothing is believed that the suite's keys do not vouch for.
func TestProvidersProblems(t *testing.T) {
	for name, c := range map[string]struct {
		faults debmirror.Faults
		name   string
		want   string
	}{
		"other bytes":  {faults: debmirror.Faults{PackagesDiffer: true}, want: "wrong size"},
		"altered":      {faults: debmirror.Faults{Altered: true}, want: "signature"},
		"unknown base": {name: "debian:none", want: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			suites := debmirror.Trixie()
			suites[0].Faults = c.faults
			m := debmirror.New(t, suites...)
			st, err := store.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			opt := Options{Name: c.name, Mirror: m.URL, SecurityMirror: m.SecurityURL, Keyring: m.Keyring, Now: debmirror.DefaultDate}
			_, err = Providers(t.Context(), fetch.New(st, fetch.Options{Attempts: 1}), opt, "linux/amd64", nil, []string{"libpq.so.5"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
