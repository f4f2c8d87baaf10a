package base

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

const amd64 = "linux/amd64"

// now is a day after the mirror's suites were made.
var now = debmirror.DefaultDate.Add(24 * time.Hour)

// syntheticSuites is a whole suite in the shape of bookworm: nothing merged, and every trap of the real one once.
func syntheticSuites() []debmirror.Suite {
	elf := func(soname string) string { return string(tinyelf.Object{Soname: soname}.Bytes()) }
	file := func(path, content string) debmirror.File { return debmirror.File{Path: path, Content: content} }
	program := func(path string) debmirror.File { return debmirror.File{Path: path, Content: path, Mode: 0o755} }
	return []debmirror.Suite{
		{Name: "synth", Packages: []debmirror.Package{
			{Name: "tree", Version: "1", PreDepends: "awk", Files: []debmirror.File{
				{Path: "bin", Dir: true}, {Path: "lib64", Dir: true}, {Path: "home", Dir: true}, {Path: "var/lock", Dir: true, Mode: 0o1777},
				{Path: "usr/share/man", Dir: true}, {Path: "tmp", Dir: true, Mode: 0o1777},
				file("usr/lib/os-release", "ID=synth\n"), {Path: "etc/os-release", Symlink: "../usr/lib/os-release"},
				file("usr/share/doc/tree/copyright", "free"), file("usr/share/doc/tree/changelog.gz", "long"),
			}},
			{Name: "clib", Version: "2.41-1", Depends: "trust, tree | absent", Files: []debmirror.File{
				file("lib/x86_64-linux-gnu/libc.so.6", elf("libc.so.6")), file("lib/x86_64-linux-gnu/ld.so.2", elf("ld.so.2")),
				{Path: "lib64/ld.so.2", Symlink: "../lib/x86_64-linux-gnu/ld.so.2"},
				{Path: "sbin/ldconfig", Content: "config", Mode: 0o4755}, program("sbin/zic"), program("bin/sh"),
				file("usr/lib/x86_64-linux-gnu/gconv/A.so", "a"), file("usr/share/man/man1/a.1", "a"),
			}},
			{Name: "trust", Version: "1", Arch: "all", Depends: "openssl, debconf (>= 0.5) | debconf-2.0", Files: []debmirror.File{
				file("usr/share/ca-certificates/mozilla/b.crt", "b\n"), file("usr/share/ca-certificates/mozilla/A.crt", "A\n"),
				program("usr/sbin/update-ca-certificates"),
			}},
			{Name: "python3.99", Version: "3.99.1-1", Depends: "libpy3.99 (= 3.99.1-1), tls (>= 3)", Files: []debmirror.File{
				program("usr/bin/python3.99"), program("usr/bin/pydoc3.99"),
			}},
			{Name: "libpy3.99", Version: "3.99.1-1", Depends: "python3.99", Compression: "gz", Files: []debmirror.File{
				file("usr/lib/python3.99/os.py", "import sys"), file("usr/lib/python3.99/json/__init__.py", ""),
				file("usr/lib/python3.99/test/x.py", "?"), file("usr/lib/python3.99/lib-dynload/_testcapi.so", "?"),
				file("usr/lib/python3.99/lib-dynload/_ssl.so", "ssl"),
				{Path: "usr/lib/python3.99/sitecustomize.py", Symlink: "/etc/python3.99/sitecustomize.py"},
			}},
			{Name: "tls99t64", Version: "3.1-1", Provides: "tls (= 3.1)", Files: []debmirror.File{file("usr/lib/x86_64-linux-gnu/libtls.so.3", "old")}},
		}},
		{Name: "synth-updates"},
		{Name: "synth-security", Packages: []debmirror.Package{
			{Name: "tls99t64", Version: "3.1-1+deb1", Provides: "tls (= 3.1)", Compression: "zst", Files: []debmirror.File{
				file("usr/lib/x86_64-linux-gnu/libtls.so.3.1", elf("libtls.so.3")), {Path: "usr/lib/x86_64-linux-gnu/libtls.so.3", Symlink: "libtls.so.3.1"},
			}},
		}},
	}
}

// client returns a client with a fresh store, and the store.
func client(t *testing.T) (*fetch.Client, *store.Store) {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return fetch.New(st, fetch.Options{Attempts: 1, Backoff: time.Millisecond}), st
}

func options(m *debmirror.Mirror) Options {
	return Options{Platforms: []string{amd64}, Mirror: m.URL + "/", SecurityMirror: m.SecurityURL, Keyring: m.Keyring, Now: now}
}

func mustResolve(t *testing.T, c *fetch.Client, opt Options) *Pins {
	t.Helper()
	pins, err := resolve(context.Background(), c, synthetic, opt, serialized(nil))
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

func TestResolve(t *testing.T) {
	suites := syntheticSuites()
	suites[2].Date = debmirror.DefaultDate.Add(time.Hour)
	suites[2].ValidUntil = now.Add(time.Hour)
	m := debmirror.New(t, suites...)
	c, _ := client(t)
	var events []Event
	pins, err := resolve(context.Background(), c, synthetic, options(m), serialized(func(e Event) { events = append(events, e) }))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 3 || events[0].Stage != "index" {
		t.Errorf("events %v", events)
	}
	wantReleases := []Release{{Suite: "synth", Date: debmirror.DefaultDate}, {Suite: "synth-updates", Date: debmirror.DefaultDate},
		{Suite: "synth-security", Date: suites[2].Date}}
	if diff := cmp.Diff(wantReleases, pins.Releases); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if pins.Name != "debian:synth" || !pins.Created.Equal(suites[2].Date) {
		t.Errorf("%s created %v", pins.Name, pins.Created)
	}
	var got []string
	for _, p := range pins.Platforms[0].Packages {
		got = append(got, strings.Join([]string{p.Part, p.Name, p.Version, p.Architecture, p.Archive, p.Path, p.Reason}, " "))
		if len(p.Hash) != 71 || p.Size == 0 {
			t.Errorf("%s: hash %q, size %d", p.Name, p.Hash, p.Size)
		}
	}
	want := []string{
		"base clib 2.41-1 amd64 debian pool/main/c/clib/clib_2.41-1_amd64.deb root",
		"interpreter libpy3.99 3.99.1-1 amd64 debian pool/main/l/libpy3.99/libpy3.99_3.99.1-1_amd64.deb python3.99 depends on libpy3.99 (= 3.99.1-1)",
		"interpreter python3.99 3.99.1-1 amd64 debian pool/main/p/python3.99/python3.99_3.99.1-1_amd64.deb root",
		"interpreter tls99t64 3.1-1+deb1 amd64 debian-security pool/main/t/tls99t64/tls99t64_3.1-1+deb1_amd64.deb python3.99 depends on tls (>= 3)",
		"base tree 1 amd64 debian pool/main/t/tree/tree_1_amd64.deb root",
		"base trust 1 all debian pool/main/t/trust/trust_1_all.deb clib depends on trust",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	f, err := facts(synthetic, pins.Platforms[0].Packages)
	if err != nil || f.Python != "3.99.1" || f.ABI != "cp399" || f.Libc.String() != "glibc-2.41" {
		t.Errorf("facts %+v, %v", f, err)
	}
}

// TestResolveAgain: what was parsed before is neither downloaded nor parsed again, and says the same.
func TestResolveAgain(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, _ := client(t)
	first := mustResolve(t, c, options(m))
	m.Requests()
	second := mustResolve(t, c, options(m))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("-first +second:\n%s", diff)
	}
	if asked := m.Requests(); slices.ContainsFunc(asked, func(p string) bool { return strings.Contains(p, "binary-") }) {
		t.Errorf("asked for %v", asked)
	}
}

// TestGzipFirst: of both forms, the one that unpacks faster is asked for, by its hash.
func TestGzipFirst(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, _ := client(t)
	mustResolve(t, c, options(m))
	var hashes int
	for _, p := range m.Requests() {
		if strings.Contains(p, "by-hash") {
			hashes++
		} else if !strings.HasSuffix(p, "/InRelease") {
			t.Errorf("asked for %s", p)
		}
	}
	if hashes != 3 {
		t.Errorf("%d files asked for by hash, want 3", hashes)
	}
	if got := preferred(t, m, c, "synth"); got != "main/binary-amd64/Packages.gz" {
		t.Errorf("prefers %s", got)
	}
	if got := preferred(t, m, c, "synth-security"); got != "main/binary-amd64/Packages.xz" {
		t.Errorf("prefers %s", got)
	}
}

func preferred(t *testing.T, m *debmirror.Mirror, c *fetch.Client, name string) string {
	t.Helper()
	archive := archiveMain
	if strings.HasSuffix(name, "-security") {
		archive = archiveSecurity
	}
	s := &suiteReader{client: c, opt: options(m), source: source{name, archive}}
	if _, err := s.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	index, err := s.indexes("amd64")
	if err != nil {
		t.Fatal(err)
	}
	return index[0].Path
}

func TestExpiredAccepted(t *testing.T) {
	suites := syntheticSuites()
	suites[1].Faults.Expired = true
	m := debmirror.New(t, suites...)
	c, _ := client(t)
	opt := options(m)
	opt.Now = now.AddDate(1, 0, 0)
	opt.AllowExpired = true
	pins := mustResolve(t, c, opt)
	for _, r := range pins.Releases {
		if r.Expired != (r.Suite == "synth-updates") {
			t.Errorf("%s: expired is %v", r.Suite, r.Expired)
		}
	}
}

// TestSuperseded: the pool no longer has a locked package, the snapshot archive does.
func TestSuperseded(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, _ := client(t)
	opt := options(m)
	pins := mustResolve(t, c, opt)
	newer := syntheticSuites()
	newer[0].Packages[0].Version = "2"
	m.Publish(newer...)
	_, err := assemble(context.Background(), c, synthetic, pins, amd64, opt, serialized(nil))
	if !errors.Is(err, fetch.ErrNotFound) || !strings.Contains(err.Error(), "package tree 1") {
		t.Errorf("without a snapshot archive: %v", err)
	}
	m.Requests()
	opt.Snapshot = m.SnapshotURL
	if _, err = assemble(context.Background(), c, synthetic, pins, amd64, opt, serialized(nil)); err != nil {
		t.Errorf("with a snapshot archive: %v", err)
	}
	if want := "/snapshot/debian/20250809T100000Z/pool/main/t/tree/tree_1_amd64.deb"; !slices.Contains(m.Requests(), want) {
		t.Errorf("did not ask for %s", want)
	}
}

func TestMirrorFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults debmirror.Faults
		want   string
	}{
		{"expired", debmirror.Faults{Expired: true}, "Valid-Until"},
		{"unknown key", debmirror.Faults{UnknownKey: true}, "no good signature"},
		{"unsigned", debmirror.Faults{Unsigned: true}, "Debian suite synth: InRelease does not begin with a signed message"},
		{"altered", debmirror.Faults{Altered: true}, "no good signature"},
		{"another suite", debmirror.Faults{WrongSuite: true}, "says that it is other"},
		{"Packages differ", debmirror.Faults{PackagesDiffer: true}, "Packages of synth for amd64"},
		{"MD5 only", debmirror.Faults{MD5Only: true}, "SHA256"},
		{"Release with MD5 only", debmirror.Faults{ReleaseMD5Only: true}, "SHA256"},
		{"Filename climbs", debmirror.Faults{FilenameClimbs: true}, "Filename"},
		{"debs differ", debmirror.Faults{DebsDiffer: true}, "SHA256"},
		{"debs missing", debmirror.Faults{DebsMissing: true}, "is gone from"},
		{"another package inside", debmirror.Faults{NameConfusion: true}, "the archive holds other"},
		{"truncated", debmirror.Faults{TruncatedBodies: true}, "package "},
		{"no by-hash folder", debmirror.Faults{NoByHash: true}, ""},
		{"mirror in motion", debmirror.Faults{OnlyByHash: true}, ""},
		{"xz alone", debmirror.Faults{OnlyXZ: true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			suites := syntheticSuites()
			suites[0].Faults = test.faults
			m := debmirror.New(t, suites...)
			c, st := client(t)
			opt := options(m)
			if test.faults.Expired {
				opt.Now = now.AddDate(1, 0, 0)
			}
			err := resolveAndAssemble(c, synthetic, opt)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if !test.faults.TruncatedBodies { // half a file is kept for the next run to go on
				checkClean(t, st)
			}
		})
	}
}

func resolveAndAssemble(c *fetch.Client, su suite, opt Options) error {
	pins, err := resolve(context.Background(), c, su, opt, serialized(nil))
	if err != nil {
		return err
	}
	_, err = assemble(context.Background(), c, su, pins, opt.Platforms[0], opt, serialized(nil))
	return err
}

// checkClean holds that a store has nothing half done but downloads that another's failure ended and that a next run goes
// on with, and that every blob is what its name says.
func checkClean(t *testing.T, st *store.Store) {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(st.Path(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(st.Path(), path)
		if err != nil {
			return err
		}
		switch top, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); top {
		case "blobs":
			return errors.Join(st.Verify("sha256:"+filepath.Base(path)), st.Close()) // a look is a run of its own
		case "records", "lock", "partial":
		default:
			t.Errorf("%s is left behind", rel)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
