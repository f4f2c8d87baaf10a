package base

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/debian/ldcache"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/standalone"
)

func TestStandaloneNames(t *testing.T) {
	for name, want := range map[string]string{
		"standalone:":                "names no Python and no release",
		"standalone:3":               "names no Python and no release",
		"standalone:3.12.1.1":        "names no Python and no release",
		"standalone:3.15.0rc1":       "names no Python and no release",
		"standalone:3.012":           "names no Python and no release",
		"standalone:3.12+latest":     "names no Python and no release",
		"standalone:3.8":             "lithe knows Python 3.9 to 3.15",
		"standalone:3.99":            "lithe knows Python 3.9 to 3.15",
		"standalone:3.12+2026-10-21": "names no Python and no release",
	} {
		_, err := Parse(name)
		if problems, ok := diag.Problems(err); !ok || problems[0].Code != "unknown-base" || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", name, err, want)
		}
	}
	for _, tt := range [][3]string{
		{"standalone", "3.12.11", "standalone:3.12.11"}, {"standalone", "3.12", "standalone:3.12"}, {"standalone", "", "standalone"},
		{"standalone:3.12", "3.12.11", "standalone:3.12.11"}, {"standalone:3.12+20261021", "3.12.11", "standalone:3.12.11+20261021"},
		{"standalone:3.12.11", "3.12", "standalone:3.12.11"}, {"standalone:3.12.11", "3.12.10", "standalone:3.12.11"},
		{"standalone:3.12", "3.11", "standalone:3.12"}, {"standalone:3.15", "3.15.0rc1", "standalone:3.15"}, {"debian:trixie", "3.12", "debian:trixie"},
	} {
		if got := WithPython(tt[0], tt[1]); got != tt[2] {
			t.Errorf("WithPython(%q, %q) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

// TestStandaloneTable: every row is a Python and a release, the newest first.
func TestStandaloneTable(t *testing.T) {
	all := standaloneKnown()
	for _, k := range all {
		if !standaloneForm.MatchString(k.python+"+"+k.release) || Minor(k.python) == k.python {
			t.Errorf("row %+v", k)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b known) int { return newerFirst(a.python, b.python) }) {
		t.Error("the table is not sorted")
	}
	f, err := Expected("standalone:3.12.4", "")
	if err != nil || f.Python != "3.12.4" || f.ABI != "cp312" || f.Libc.String() != "glibc-2.41" || f.Interpreter != "/usr/local/bin/python3.12" {
		t.Errorf("facts %+v, %v", f, err)
	}
}

// releases is a mirror with a newest release, and an older one with a Python that it has no more.
func releases(t *testing.T) *standalone.Mirror {
	t.Helper()
	m := standalone.New(t)
	m.Publish("20251031", standalone.Tiny("3.9.25", "20251031", "amd64"), standalone.Tiny("3.9.25", "20251031", "arm64"))
	m.Publish("20251007", standalone.Tiny("3.12.11", "20251007", "amd64"))
	m.Publish("20261201", standalone.Tiny("3.12.15", "20261201", "amd64"), standalone.Tiny("3.12.15", "20261201", "arm64"),
		standalone.Tiny("3.12.16", "20261201", "amd64"), standalone.Tiny("3.13.9", "20261201", "amd64"),
		standalone.Archive{Name: standalone.Name("3.12.15", "20261201", "amd64", "install_only")},
		standalone.Archive{Name: standalone.Name("3.12.17", "20261201", "amd64", "freethreaded-install_only")})
	return m
}

func TestResolveStandalone(t *testing.T) {
	m := debmirror.New(t, debmirror.Trixie("amd64", "arm64")...)
	for _, tt := range []struct {
		name, base, platforms, locked, want, err string
	}{
		{name: "newest of a minor version", base: "standalone:3.12", platforms: "linux/amd64", want: "3.12.16+20261201"},
		{name: "newest that all platforms have", base: "standalone:3.12", platforms: "linux/amd64 linux/arm64", want: "3.12.15+20261201"},
		{name: "of an older release", base: "standalone:3.12.11", platforms: "linux/amd64", want: "3.12.11+20251007"},
		{name: "past its end", base: "standalone:3.9", platforms: "linux/amd64", want: "3.9.25+20251031"},
		{name: "of a named release", base: "standalone:3.12+20251007", platforms: "linux/amd64", want: "3.12.11+20251007"},
		{name: "as locked for another platform", base: "standalone:3.12", platforms: "linux/amd64", locked: "3.12.15+20261201", want: "3.12.15+20261201"},
		{name: "not of a platform", base: "standalone:3.13+20261201", platforms: "linux/arm64",
			err: "release 20261201 of python-build-standalone has no Python 3.13 for linux/arm64: it has 3.12.15"},
		{name: "not there", base: "standalone:3.12.99", platforms: "linux/amd64", err: "has no Python 3.12.99 for linux/amd64: it has 3.13.9, 3.12.16, 3.12.15"},
		{name: "no such release", base: "standalone:3.12+20200101", platforms: "linux/amd64", err: "there is no release 20200101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := client(t)
			opt := options(m)
			opt.Name, opt.Platforms, opt.Archive, opt.StandaloneMirror = tt.base, strings.Fields(tt.platforms), tt.locked, releases(t).URL+"/"
			pins, err := Resolve(t.Context(), c, opt, nil)
			if tt.err != "" {
				if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range pins.Platforms {
				a := s.Standalone
				if a.Version() != tt.want || a.Size == 0 || !strings.HasSuffix(a.Path, standalone.Stripped+".tar.gz") || pins.Name != tt.base {
					t.Errorf("%s is %+v of %s", s.Platform, a, pins.Name)
				}
				if slices.ContainsFunc(s.Packages, func(p Pin) bool { return p.Part != KindBase }) {
					t.Errorf("a package is not of the base: %+v", s.Packages)
				}
			}
			if pins.Archive() != tt.want {
				t.Errorf("the pins say %s", pins.Archive())
			}
		})
	}
}

// TestMirrorOfReleasesAlone: without the file that tells the newest release, it is the newest that lithe knows.
func TestMirrorOfReleasesAlone(t *testing.T) {
	m, r := debmirror.New(t, debmirror.Trixie("amd64")...), standalone.New(t)
	r.Publish("20261021", standalone.Tiny("3.12.15", "20261021", "amd64"))
	r.Change("/latest-release.json", nil)
	c, _ := client(t)
	opt := options(m)
	opt.Name, opt.StandaloneMirror = "standalone:3.12", r.URL
	pins, err := Resolve(t.Context(), c, opt, nil)
	if err != nil || pins.Archive() != "3.12.15+20261021" {
		t.Errorf("%v, %v", pins, err)
	}
	r.Change("/latest-release.json", []byte(`{"tag": "../.."}`))
	if _, err := Resolve(t.Context(), c, opt, nil); err == nil || !strings.Contains(err.Error(), "does not tell the newest release") {
		t.Errorf("a strange tag: %v", err)
	}
}

func TestAssembleStandalone(t *testing.T) {
	m := debmirror.New(t, debmirror.Trixie("amd64")...)
	c, _ := client(t)
	opt := options(m)
	opt.Name, opt.StandaloneMirror = "standalone:3.12", releases(t).URL
	pins, err := Resolve(t.Context(), c, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Assemble(t.Context(), c, pins, amd64, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	interpreter := b.Parts[1]
	var paths []string
	files := map[string]entry.Entry{}
	for _, e := range interpreter.Entries {
		files[e.Path] = e
		if strings.HasPrefix(e.Path, "usr/local/") && e.Type != entry.Dir {
			paths = append(paths, e.Path)
		}
	}
	if diff := cmp.Diff([]string{
		"usr/local/bin/python", "usr/local/bin/python3", "usr/local/bin/python3.12",
		"usr/local/lib/libpython3.12.so", "usr/local/lib/libpython3.12.so.1.0",
		"usr/local/lib/python3.12/LICENSE.txt", "usr/local/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py",
		"usr/local/lib/python3.12/encodings/__init__.py", "usr/local/lib/python3.12/lib-dynload/_crypt.cpython-312-x86_64-linux-gnu.so",
		"usr/local/lib/python3.12/os.py", "usr/local/lib/python3.12/site.py",
	}, paths); diff != "" {
		t.Error(diff)
	}
	sysconfig, err := files["usr/local/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py"].Read()
	if err != nil {
		t.Fatal(err)
	}
	want := "build_time_vars = {'prefix': '/usr/local', 'LIBDIR': '/usr/local/lib', 'INSTALL': '/usr/bin/install -c',\n" +
		" 'CONFIG_ARGS': \"'--prefix=/usr/local' '--with-openssl=/tools/deps'\", 'LDFLAGS': '-L/usr/local/lib /usr/local /usr/local'}\n"
	if diff := cmp.Diff(want, string(sysconfig)); diff != "" {
		t.Error(diff)
	}
	if link := files["venv/bin/python"].Link; link != "/usr/local/bin/python3.12" {
		t.Errorf("the environment's interpreter is %s", link)
	}
	if diff := cmp.Diff([]string{"cpython=3.12.16+20261201"}, interpreter.Packages); diff != "" {
		t.Error(diff)
	}
	if len(b.StdlibSources) != 4 || b.StdlibSources[0] != "usr/local/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py" {
		t.Errorf("sources are %q", b.StdlibSources)
	}
	findsLibraries(t, b, "libpython3.12.so.1.0", "libcrypt.so.1", "libz.so.1", "libstdc++.so.6")
}

// findsLibraries looks into the cache of the image's libraries, as ctypes.util.find_library does by ldconfig.
func findsLibraries(t *testing.T, b *Base, names ...string) {
	t.Helper()
	found, err := ldcache.Scan(slices.Concat(b.Parts[0].Entries, b.Parts[1].Entries), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(found.Libraries, func(l ldcache.Library) bool { return l.Name == name }) {
			t.Errorf("the loader does not find %s", name)
		}
	}
}

func TestStandaloneFaults(t *testing.T) {
	file := func(path string) debmirror.File {
		return debmirror.File{Path: path, Content: "x", Mode: 0o755}
	}
	const name = "/20261021/" + "cpython-3.12.15+20261021-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
	for _, tt := range []struct {
		name  string
		files []debmirror.File
		after func(*standalone.Mirror) // between the pins and the download
		err   string
	}{
		{name: "no interpreter", files: []debmirror.File{file("python/bin/python3.11")}, err: "it has no interpreter bin/python3.12"},
		{name: "outside", files: []debmirror.File{file("python/bin/python3.12"), file("etc/passwd")}, err: `"etc" is not below python/`},
		{name: "climbing link", files: []debmirror.File{{Path: "python/lib", Symlink: "../../etc"}}, err: "climbs out of the root"},
		{name: "through a link", files: []debmirror.File{{Path: "python/lib", Symlink: "bin"}, file("python/lib/x")}, err: "another member has the same path"},
		{name: "other bytes", files: []debmirror.File{file("python/bin/python3.12")}, err: "find out why, or name another mirror with --standalone-mirror",
			after: func(m *standalone.Mirror) { m.Change(name, []byte("other")) }},
		{name: "gone", files: []debmirror.File{file("python/bin/python3.12")}, err: "Python 3.12.15+20261021 is gone from",
			after: func(m *standalone.Mirror) { m.Change(name, nil) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, r := debmirror.New(t, debmirror.Trixie("amd64")...), standalone.New(t)
			r.Publish("20261021", standalone.Packed(standalone.Name("3.12.15", "20261021", "amd64", standalone.Stripped), debmirror.TarOf(tt.files)))
			c, _ := client(t)
			opt := options(m)
			opt.Name, opt.StandaloneMirror = "standalone:3.12", r.URL
			pins, err := Resolve(t.Context(), c, opt, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.after != nil {
				tt.after(r)
			}
			if _, err := Assemble(t.Context(), c, pins, amd64, opt, nil); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v, want %q", err, tt.err)
			}
			pins.Platforms[0].Standalone = nil
			if _, err := pins.Facts(amd64); err == nil || !strings.Contains(err.Error(), "no interpreter is locked for linux/amd64") {
				t.Errorf("pins without an interpreter: %v", err)
			}
		})
	}
}

// FuzzSums reads lists of any bytes: what is taken has a whole hash and stays below its release.
func FuzzSums(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 64) + "  cpython-3.12.15+20261021-aarch64-unknown-linux-gnu-install_only.tar.gz\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range parseSums(data, "20261021") {
			if len(l.Hash) != len("sha256:")+64 || !strings.HasPrefix(l.Path, "20261021/cpython-") || strings.Contains(l.Path, "..") || l.platform == "" {
				t.Errorf("%+v", l)
			}
		}
	})
}
