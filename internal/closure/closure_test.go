package closure_test

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

const (
	debian = "usr/lib/x86_64-linux-gnu/"
	site   = "venv/lib/python3.13/site-packages/"
)

// files are the files of a layer, by path: a tinyelf.Object, a string for a text, or a link.
type files map[string]any

type link string

// base is a glibc system: the loader, libc, and Python.
func base() files {
	return files{
		"lib": link("usr/lib"), "lib64": link("usr/lib64"),
		"usr/lib64/ld-linux-x86-64.so.2":    link("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
		debian + "ld-linux-x86-64.so.2":     tinyelf.Object{Soname: "ld-linux-x86-64.so.2", Defines: []string{"GLIBC_2.3"}},
		debian + "libc.so.6":                tinyelf.Object{Soname: "libc.so.6", Interp: "/lib64/ld-linux-x86-64.so.2", Defines: []string{"GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.36", "GLIBC_PRIVATE"}},
		debian + "libz.so.1.3":              tinyelf.Object{Soname: "libz.so.1", Needed: needs("libc.so.6")},
		debian + "libz.so.1":                link("libz.so.1.3"),
		"usr/bin/python3.13":                tinyelf.Object{Interp: "/lib64/ld-linux-x86-64.so.2", Needed: needs("libz.so.1", "libc.so.6")},
		"etc/ld.so.conf":                    "include /etc/ld.so.conf.d/*.conf\n",
		"etc/ld.so.conf.d/libc.conf":        "# local\n/usr/local/lib\n",
		"usr/share/zoneinfo/Europe/Zurich":  strings.Repeat("TZif", 100),
		"usr/share/zoneinfo/Europe/Busigen": link("Zurich"),
	}
}

func needs(names ...string) (all []tinyelf.Need) {
	for _, n := range names {
		library, versions, ok := strings.Cut(n, " ")
		need := tinyelf.Need{Library: library}
		if ok {
			need.Versions = strings.Fields(versions)
		}
		all = append(all, need)
	}
	return all
}

// module is an extension module that needs libraries.
func module(names ...string) tinyelf.Object {
	return tinyelf.Object{Needed: needs(append(names, "libc.so.6")...)}
}

func TestCheck(t *testing.T) {
	lib := func(soname string, names ...string) tinyelf.Object {
		return tinyelf.Object{Soname: soname, Needed: needs(names...)}
	}
	with := func(o tinyelf.Object, rpath, runpath string) tinyelf.Object {
		o.Rpath, o.Runpath = rpath, runpath
		return o
	}
	for name, c := range map[string]struct {
		files files
		in    closure.Input
		want  string // a line a finding
	}{
		"nothing": {},
		"missing": {files: files{site + "psy/_psy.so": module("libpq.so.5"), site + "psy/more.so": module("libpq.so.5", "libldap.so.2")},
			want: "psy: psy/_psy.so needs libpq.so.5 +1\npsy: psy/more.so needs libldap.so.2"},
		"runpath":                      {files: files{site + "a/a.so": with(module("libx.so.1"), "", "$ORIGIN/../a.libs"), site + "a.libs/libx.so.1": lib("libx.so.1")}},
		"runpath in braces":            {files: files{site + "a/a.so": with(module("libx.so.1"), "", "/none:${ORIGIN}/"), site + "a/libx.so.1": lib("")}},
		"runpath is not inherited":     {files: files{site + "a/a.so": with(module("libx.so.1"), "", "$ORIGIN"), site + "a/libx.so.1": lib("libx.so.1", "liby.so.1"), "opt/liby.so.1": lib("other")}, want: "a: a/libx.so.1 needs liby.so.1"},
		"absolute runpath":             {files: files{site + "a/a.so": with(module("libx.so.1"), "", "/opt/x/lib"), "opt/x/lib/libx.so.1": lib("")}},
		"relative runpath":             {files: files{site + "a/a.so": with(module("libx.so.1"), "", "opt"), "opt/libx.so.1": lib("else")}, want: "a: a/a.so needs libx.so.1"},
		"$LIB":                         {files: files{site + "a/a.so": with(module("libx.so.1"), "", "/opt/$LIB/$PLATFORM"), "opt/lib64/x86_64/libx.so.1": lib("else")}},
		"rpath":                        {files: files{site + "a/a.so": with(module("libx.so.1"), "$ORIGIN", ""), site + "a/libx.so.1": lib("")}},
		"runpath beside rpath":         {files: files{site + "a/a.so": with(module("libx.so.1"), "$ORIGIN", "/none"), site + "a/libx.so.1": lib("else")}, want: "a: a/a.so needs libx.so.1"},
		"rpath is inherited":           {files: files{site + "a/a.so": with(module("libx.so.1"), "$ORIGIN/l", ""), site + "a/l/libx.so.1": lib("libx", "liby.so.1"), site + "a/l/liby.so.1": lib("liby", "libw.so.1"), site + "a/l/libw.so.1": lib("libw")}},
		"rpath is not for a runpath":   {files: files{site + "a/a.so": with(module("libx.so.1"), "$ORIGIN/l", ""), site + "a/l/libx.so.1": with(lib("libx", "liby.so.1"), "", "/none"), site + "a/l/liby.so.1": lib("liby")}, want: "a: a/l/libx.so.1 needs liby.so.1"},
		"link to a library":            {files: files{site + "a/a.so": with(module("libx.so.1"), "", "$ORIGIN"), site + "a/libx.so.1": link("../b/libx.so.1.2"), site + "b/libx.so.1.2": with(lib("else", "liby.so.1"), "", "$ORIGIN"), site + "a/liby.so.1": lib("else2")}},
		"link to a folder":             {files: files{site + "a/a.so": with(module("libx.so.1"), "", "/opt/lib"), "opt/lib": link("../srv/x"), "srv/x/libx.so.1": lib("else")}},
		"loop":                         {files: files{site + "a/a.so": module("libx.so.1"), "usr/local/lib/libx.so.1": link("liby.so.1"), "usr/local/lib/liby.so.1": link("libx.so.1")}, want: "a: a/a.so needs libx.so.1"},
		"ld.so.conf":                   {files: files{site + "a/a.so": module("libx.so.1"), "usr/local/lib/libx.so.1": lib("else")}},
		"LD_LIBRARY_PATH":              {files: files{site + "a/a.so": with(module("libx.so.1"), "", "/none"), "opt/libx.so.1": lib("else")}, in: closure.Input{LibraryPath: "/none::/opt"}},
		"preloaded":                    {files: files{site + "a/a.so": module("libx.so.1"), site + "nvidia/x/lib/libx.so.1": lib("libx.so.1")}, want: "a: a/a.so accepts libx.so.1 (preloaded)"},
		"in a private folder":          {files: files{site + "a/a.so": module("libx.so.1"), debian + "private/libx.so.1": lib("libx.so.1")}, want: "a: a/a.so needs libx.so.1, which lies in " + debian + "private/libx.so.1"},
		"private to the base":          {files: files{debian + "a.so": lib("", "libx.so.1"), debian + "private/libx.so.1": lib("libx.so.1")}, want: ": " + debian + "a.so accepts libx.so.1 (preloaded)"},
		"of the driver":                {files: files{site + "a/a.so": module("libcuda.so.1", "libnvidia-ml.so.1")}, want: "a: a/a.so accepts libcuda.so.1 (runtime)\na: a/a.so accepts libnvidia-ml.so.1 (runtime)"},
		"accepted":                     {files: files{site + "a/a.so": module("libmysqlclient.so.21")}, in: closure.Input{Accept: []string{"[", "libmysql*.so.*"}}, want: "a: a/a.so accepts libmysqlclient.so.21 (configured)"},
		"known to be spare":            {files: files{site + "numba/omppool.cpython-313.so": module("libgomp.so.1"), site + "numba/other.so": module("libtbb.so.12")}, want: "numba: numba/other.so needs libtbb.so.12\nnumba: numba/omppool.cpython-313.so accepts libgomp.so.1 (spare)"},
		"another machine first":        {files: files{site + "a/a.so": with(module("libx.so.1"), "", "$ORIGIN/arm:$ORIGIN/x86"), site + "a/arm/libx.so.1": tinyelf.Object{Machine: elf.EM_AARCH64}, site + "a/x86/libx.so.1": lib("else")}},
		"another machine only":         {files: files{site + "a/a.so": with(module("libx.so.1"), "", "$ORIGIN"), site + "a/libx.so.1": tinyelf.Object{Machine: elf.EM_AARCH64}}, want: "a: a/a.so needs libx.so.1"},
		"files of another machine":     {files: files{site + "a/a.so": module(), site + "a/arm.so": tinyelf.Object{Machine: elf.EM_AARCH64, Needed: needs("libnone.so")}}},
		"files of another C library":   {files: files{site + "a/a.so": module(), site + "a/musl.so": tinyelf.Object{Needed: needs("libnone.so", "libc.musl-x86_64.so.1")}}},
		"a wheel of another machine":   {files: files{site + "a/a.so": tinyelf.Object{Machine: elf.EM_AARCH64}, site + "a/b.so": tinyelf.Object{Machine: elf.EM_AARCH64}}, want: "a: a/a.so is for EM_AARCH64 +1"},
		"a wheel of another C library": {files: files{site + "a/a.so": tinyelf.Object{Needed: needs("libc.musl-x86_64.so.1")}}, want: "a: a/a.so is for musl"},
		"path of a library":            {files: files{site + "a/a.so": module("/opt/libx.so", "/opt/liby.so"), "opt/libx.so": lib("")}, want: "a: a/a.so needs /opt/liby.so"},
		"loader of a program":          {files: files{site + "a/prog": tinyelf.Object{Interp: "/nix/ld-linux.so.2"}, site + "a/x.so": tinyelf.Object{Interp: "/nix/ld-linux.so.2"}}, want: "a: a/prog needs /nix/ld-linux.so.2"},
		"symbol versions":              {files: files{site + "a/a.so": tinyelf.Object{Needed: needs("libc.so.6 GLIBC_2.2.5 GLIBC_2.38 GLIBC_2.4")}, site + "a/b.so": tinyelf.Object{Needed: needs("libc.so.6 GLIBC_2.39")}}, want: "a: a/a.so needs GLIBC_2.39 of libc.so.6, which has GLIBC_2.36 +1"},
		"weak symbol versions":         {files: files{site + "a/a.so": tinyelf.Object{Needed: []tinyelf.Need{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}, Weak: []string{"GLIBC_2.99"}}}}}},
		"library without versions":     {files: files{site + "a/a.so": module("libz.so.1 ZLIB_1.2.9")}},
		"versions of a bundled one":    {files: files{site + "a/a.so": with(module("libx.so.1 X_2 Y_7"), "", "$ORIGIN"), site + "a/libx.so.1": tinyelf.Object{Defines: []string{"X_1", "Y_1"}}}, want: "a: a/a.so needs X_2 Y_7 of libx.so.1, which has X_1"},
		"versions of a preloaded one":  {files: files{site + "a/a.so": module("libx.so.1 X_2"), site + "b/libx.so.1": tinyelf.Object{Soname: "libx.so.1", Defines: []string{"X_1"}}, site + "c/libx.so.1": tinyelf.Object{Soname: "libx.so.1", Defines: []string{"X_2"}}}, want: "a: a/a.so accepts libx.so.1 (preloaded)"},
		"unknown architecture":         {files: files{site + "a/a.so": module("libx.so.1")}, in: closure.Input{Arch: "vax"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := c.in
			if in.Arch == "" {
				in.Arch = "amd64"
			}
			in.Interpreter = "/usr/bin/python3.13"
			in.Layers = []closure.Layer{{Loading: loading(t, base())}, {Loading: loading(t, c.files)}}
			if diff := cmp.Diff(c.want, text(closure.Check(in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMusl shows where the loader of musl differs: one inherited path, its own names, no versions.
func TestMusl(t *testing.T) {
	system := files{
		"lib/ld-musl-x86_64.so.1": tinyelf.Object{Soname: "libc.musl-x86_64.so.1"}, "lib/libc.musl-x86_64.so.1": link("ld-musl-x86_64.so.1"),
		"usr/local/bin/python3.13":        tinyelf.Object{Interp: "/lib/ld-musl-x86_64.so.1", Needed: needs("libpython3.13.so.1.0"), Runpath: "/opt/python"},
		"opt/python/libpython3.13.so.1.0": tinyelf.Object{Soname: "libpython3.13.so.1.0", Needed: needs("libc.musl-x86_64.so.1")},
	}
	muslModule := func(runpath string, names ...string) tinyelf.Object {
		return tinyelf.Object{Needed: needs(append(names, "libc.musl-x86_64.so.1")...), Runpath: runpath}
	}
	for name, c := range map[string]struct {
		files files
		want  string
	}{
		"missing":              {files{site + "a/a.so": muslModule("", "libpq.so.5")}, "a: a/a.so needs libpq.so.5"},
		"runpath is inherited": {files{site + "a/a.so": muslModule("$ORIGIN", "libx.so"), site + "a/libx.so": muslModule("", "liby.so"), site + "a/liby.so": muslModule("", "libm.so.6")}, ""},
		"versions":             {files{site + "a/a.so": muslModule("$ORIGIN", "libx.so X_2"), site + "a/libx.so": tinyelf.Object{Defines: []string{"X_1"}}}, ""},
		"path of its own":      {files{site + "a/a.so": muslModule("", "libx.so"), "srv/libx.so": tinyelf.Object{Soname: "else"}, "etc/ld-musl-x86_64.path": "/lib:/srv\n"}, ""},
		"made for glibc":       {files{site + "a/a.so": module("libx.so.1")}, "a: a/a.so is for glibc"},
	} {
		t.Run(name, func(t *testing.T) {
			got := closure.Check(closure.Input{Arch: "amd64", Musl: true, Interpreter: "/usr/local/bin/python3.13",
				Layers: []closure.Layer{{Loading: inspect(t, system), Foreign: true}, {Loading: loading(t, c.files)}}})
			if diff := cmp.Diff(c.want, text(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestForeign shows that files of an image that others made are not reported, and that their layers may take away what
// lower ones have.
func TestForeign(t *testing.T) {
	lower := files{"usr/local/lib/libgone.so.1": tinyelf.Object{}, "usr/local/lib/libkept.so.1": tinyelf.Object{},
		"opt/a/libopaque.so.1": tinyelf.Object{}, "usr/lib/_tkinter.so": module("libtk8.6.so")}
	upper := files{"opt/a/libnew.so.1": tinyelf.Object{}, "usr/local/lib/.wh.libgone.so.1": "", "opt/a/.wh..wh..opq": ""}
	own := tinyelf.Object{Needed: needs("libgone.so.1", "libkept.so.1", "libopaque.so.1", "libnew.so.1"), Runpath: "/opt/a"}
	got := closure.Check(closure.Input{Arch: "amd64", Interpreter: "/usr/bin/python3.13", Layers: []closure.Layer{
		{Loading: inspect(t, base()), Foreign: true}, {Loading: inspect(t, lower), Foreign: true}, {Loading: inspect(t, upper), Foreign: true},
		{Loading: loading(t, files{site + "a/a.so": own})},
	}})
	const want = "a: a/a.so needs libgone.so.1\na: a/a.so needs libopaque.so.1"
	if diff := cmp.Diff(want, text(got)); diff != "" || got.Objects != 1 {
		t.Error(got.Objects, diff)
	}
}

// TestCompare orders versions.
func TestCompare(t *testing.T) {
	ordered := []string{"GLIBC_PRIVATE", "GLIBC_2", "GLIBC_2.2.5", "GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.34.1"}
	for i := range len(ordered) - 1 {
		if closure.Compare(ordered[i], ordered[i+1]) >= 0 || closure.Compare(ordered[i+1], ordered[i]) <= 0 {
			t.Errorf("%s and %s", ordered[i], ordered[i+1])
		}
	}
}

// loading returns what the loader would see of files, by way of a real layer. The first folder in site-packages names
// the distribution.
func loading(t testing.TB, all files) layer.Loading {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c := layer.Contents{Owners: map[string]string{}}
	for path, what := range all {
		switch what := what.(type) {
		case tinyelf.Object:
			c.Entries = append(c.Entries, entry.NewFile(path, what.Bytes(), true))
		case string:
			c.Entries = append(c.Entries, entry.NewFile(path, []byte(what), false))
		case link:
			c.Entries = append(c.Entries, entry.NewSymlink(path, string(what)))
		}
		if rest, ok := strings.CutPrefix(path, site); ok {
			c.Owners[path], _, _ = strings.Cut(strings.ReplaceAll(rest, ".libs", ""), "/")
		}
	}
	rec, _, err := layer.Cached(t.Context(), st, "key", plan.WheelsLayer, func() (layer.Contents, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	return rec.Loading
}

// inspect is loading for a layer that others made.
func inspect(t testing.TB, all files) layer.Loading {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		h, data := &tar.Header{Name: "./" + path, Typeflag: tar.TypeReg, Mode: 0o755}, []byte(nil)
		switch what := all[path].(type) {
		case tinyelf.Object:
			data = what.Bytes()
		case string:
			data = []byte(what)
		case link:
			h.Typeflag, h.Linkname = tar.TypeSymlink, string(what)
		}
		h.Size = int64(len(data))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := layer.Inspect(t.Context(), st, &out)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// text writes a result, a line a finding.
func text(r closure.Result) string {
	var lines []string
	line := func(u closure.User, format string, args ...any) {
		s := u.Package + ": " + strings.TrimPrefix(u.Object, site) + " " + fmt.Sprintf(format, args...)
		if u.More > 0 {
			s += fmt.Sprintf(" +%d", u.More)
		}
		lines = append(lines, s)
	}
	for _, m := range r.Missing {
		if m.Elsewhere != "" {
			m.Library += ", which lies in " + m.Elsewhere
		}
		line(m.User, "needs %s", m.Library)
	}
	for _, v := range r.Versions {
		line(v.User, "needs %s of %s, which has %s", strings.Join(v.Needs, " "), v.Library, v.Has)
	}
	for _, a := range r.Accepted {
		line(a.User, "accepts %s (%s)", a.Library, a.Reason)
	}
	for _, u := range r.Unloadable {
		line(u.User, "is for %s", u.For)
	}
	return strings.Join(lines, "\n")
}
