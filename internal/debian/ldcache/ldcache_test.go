package ldcache

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

func library(path, soname string) entry.Entry {
	return entry.NewFile(path, tinyelf.Object{Soname: soname}.Bytes(), false)
}

const dir = "usr/lib/x86_64-linux-gnu/"

// image has one of everything that ldconfig treats in its own way.
func image() []entry.Entry {
	foreign := tinyelf.Object{Machine: elf.EM_AARCH64, Soname: "libforeign.so.1"}.Bytes()
	return []entry.Entry{
		entry.NewSymlink("lib", "usr/lib"),
		entry.NewSymlink("lib64", "usr/lib64"),
		entry.NewSymlink("usr/lib64/ld-linux-x86-64.so.2", "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
		entry.NewFile("etc/ld.so.conf", []byte("include /etc/ld.so.conf.d/*.conf\n# include /x\n\n"), false),
		entry.NewFile("etc/ld.so.conf.d/libc.conf", []byte("# default\n/usr/local/lib\n/opt/none\n"), false),
		entry.NewFile("etc/ld.so.conf.d/x86_64-linux-gnu.conf",
			[]byte("/usr/local/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/ # first\n/usr/lib/x86_64-linux-gnu\n"), false),
		library(dir+"ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2"),
		library(dir+"libc.so.6", "libc.so.6"),
		library(dir+"libz.so.1.3.1", "libz.so.1"),
		entry.NewSymlink(dir+"libz.so.1", "libz.so.1.3.1"),
		entry.NewSymlink(dir+"libz.so", "libz.so.1.3.1"), // for the compiler
		library(dir+"libtwo.so.1.9", "libtwo.so.1"),
		library(dir+"libtwo.so.1.10", "libtwo.so.1"), // no link: ldconfig would make it, to the newer
		library(dir+"libold.so.2", "libold.so.2"),
		entry.NewSymlink(dir+"libother.so.3", "libold.so.2"), // named unlike the soname
		library(dir+"libnosoname.so", ""),
		library(dir+"libm.so.6", "libm.so.6"),
		library("usr/local/lib/libm.so.6", "libm.so.6"), // the same name in an earlier folder
		library("usr/lib/libplain.so.0", "libplain.so.0"),
		library(dir+"libBig.so.10", "libBig.so.10"),
		library(dir+"libBig.so.9", "libBig.so.9"),
		library(dir+"libnum2.so", "libnum2.so"),
		library(dir+"libnum.so", "libnum.so"),
		library(dir+"libindirect.so.1", "libindirect.so.1"),
		entry.NewSymlink("usr/lib/libindirect.so.1", "/lib/x86_64-linux-gnu/libindirect.so.1"),
		entry.NewFile(dir+"libforeign.so.1", foreign, false),
		entry.NewFile(dir+"libscript.so", []byte("/* GNU ld script */\nGROUP ( /lib/x86_64-linux-gnu/libc.so.6 )\n"+
			strings.Repeat(" ", 64)), false),
		entry.NewFile(dir+"libempty.so", nil, false),
		entry.NewFile(dir+"libx.so.1-gdb.py", []byte("import gdb\n"), false),
		library(dir+"plugin.so", "plugin.so"),
		library(dir+"engines/libengine.so", "libengine.so"),
		entry.NewDir(dir + "libdir.so"),
	}
}

func TestScan(t *testing.T) {
	got, err := Scan(image(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	const lib = "/lib/x86_64-linux-gnu/"
	want := Result{
		Libraries: []Library{
			{"libm.so.6", "/usr/local/lib/libm.so.6"},
			{"ld-linux-x86-64.so.2", lib + "ld-linux-x86-64.so.2"},
			{"libBig.so.10", lib + "libBig.so.10"}, {"libBig.so.9", lib + "libBig.so.9"},
			{"libc.so.6", lib + "libc.so.6"}, {"libindirect.so.1", lib + "libindirect.so.1"},
			{"libm.so.6", lib + "libm.so.6"}, {"libnosoname.so", lib + "libnosoname.so"},
			{"libnum.so", lib + "libnum.so"}, {"libnum2.so", lib + "libnum2.so"},
			{"libold.so.2", lib + "libold.so.2"}, {"libtwo.so.1", lib + "libtwo.so.1"},
			{"libz.so", lib + "libz.so"}, {"libz.so.1", lib + "libz.so.1"},
			{"libindirect.so.1", "/lib/libindirect.so.1"}, {"libplain.so.0", "/lib/libplain.so.0"},
		},
		Links: []entry.Entry{entry.NewSymlink(dir+"libtwo.so.1", "libtwo.so.1.10")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestScanNothing(t *testing.T) {
	for name, entries := range map[string][]entry.Entry{
		"no entries":      nil,
		"a loop of links": {entry.NewSymlink("lib", "usr/lib"), entry.NewSymlink("usr/lib", "../lib")},
		"only an implied folder": {
			entry.NewFile("usr/lib/python3/x.py", nil, false), entry.NewSymlink(dir+"libdangling.so.1", "nowhere")},
		"a folder that is a file": {entry.NewFile("lib", []byte("x"), false)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Scan(entries, "amd64")
			if err != nil || len(got.Libraries)+len(got.Links) != 0 {
				t.Errorf("found %+v, error %v", got, err)
			}
		})
	}
}

func TestConfigurationLoop(t *testing.T) {
	entries := []entry.Entry{entry.NewFile("etc/ld.so.conf", []byte("include ld.so.conf\n"), false)}
	if _, err := Scan(entries, "amd64"); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("error is %v", err)
	}
}

// The cache must be, byte for byte, what this machine's ldconfig writes for the same root.
func TestBuildEqualsLdconfig(t *testing.T) {
	if elf.Machine(hostMachine) != elf.EM_X86_64 {
		t.Skip("ldconfig knows only the libraries of its own architecture; this test is for amd64")
	}
	root, entries := t.TempDir(), image()
	writeTree(t, root, entries)
	run(t, root, "-X")
	want, err := os.ReadFile(filepath.Join(root, "etc/ld.so.cache"))
	if err != nil {
		t.Fatal(err)
	}
	generator := regexp.MustCompile(`ldconfig \(.*$`).Find(want)
	if m := regexp.MustCompile(`Debian GLIBC (.*)\)`).FindSubmatch(generator); m != nil {
		if got := Generator(string(m[1])); got != string(generator) {
			t.Errorf("Generator returns %q, want %q", got, generator)
		}
	}
	result, err := Scan(entries, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Build(result.Libraries, "amd64", string(generator))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		_ = os.WriteFile(filepath.Join(root, "etc/ld.so.cache"), got, 0o644)
		t.Errorf("the cache differs:\n%s\nours reads:\n%s", diff, run(t, root, "-p"))
	}
}

// What we write, ldconfig -p lists, for both architectures.
func TestBuildIsReadable(t *testing.T) {
	libraries := []Library{{"libb.so.1", "/usr/lib/libb.so.1"}, {"liba.so.10", "/lib/liba.so.10"},
		{"liba.so.9", "/lib/liba.so.9"}, {"libb.so.1", "/lib/second/libb.so.1"}}
	for arch, flags := range map[string]string{"amd64": "libc6,x86-64", "arm64": "libc6,AArch64"} {
		t.Run(arch, func(t *testing.T) {
			cache, err := Build(libraries, arch, "")
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			writeTree(t, root, []entry.Entry{entry.NewFile("etc/ld.so.cache", cache, false)})
			want := "4 libs found in cache `/etc/ld.so.cache'\n" +
				"\tlibb.so.1 (" + flags + ") => /usr/lib/libb.so.1\n" +
				"\tlibb.so.1 (" + flags + ") => /lib/second/libb.so.1\n" +
				"\tliba.so.10 (" + flags + ") => /lib/liba.so.10\n" +
				"\tliba.so.9 (" + flags + ") => /lib/liba.so.9\n" +
				"Cache generated by: lithe\n"
			if diff := cmp.Diff(want, run(t, root, "-p")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	good := Library{"libc.so.6", "/lib/libc.so.6"}
	for name, test := range map[string]struct {
		library Library
		arch    string
	}{
		"architecture":  {good, "riscv64"},
		"empty name":    {Library{"", "/lib/x"}, "amd64"},
		"relative path": {Library{"libc.so.6", "lib/libc.so.6"}, "amd64"},
		"zero byte":     {Library{"libc.so\x00", "/lib/libc.so"}, "amd64"},
		"not ASCII":     {Library{"libü.so", "/lib/libü.so"}, "amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Build([]Library{test.library}, test.arch, ""); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestCompareNames(t *testing.T) {
	want := []string{"", "a", "b", "lib.so.2", "lib.so.9", "lib.so.10", "lib.so.10a", "lib2.so", "1"}
	for i, a := range want {
		for j, b := range want {
			if got := compareNames(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compareNames(%q, %q) = %d", a, b, got)
			}
		}
	}
	if !slices.IsSortedFunc(want, compareNames) || compareNames("lib01", "lib1") != 0 {
		t.Error("the order is not glibc's")
	}
}

func writeTree(t *testing.T, root string, entries []entry.Entry) {
	t.Helper()
	for _, e := range entries {
		p := filepath.Join(root, e.Path)
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		switch e.Type {
		case entry.Dir:
			err = os.MkdirAll(p, 0o755)
		case entry.Symlink:
			err = os.Symlink(e.Link, p)
		case entry.File:
			var data []byte
			if data, err = e.Read(); err == nil {
				err = os.WriteFile(p, data, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run calls this machine's ldconfig, which executes nothing of the root.
func run(t *testing.T, root string, args ...string) string {
	t.Helper()
	const ldconfig = "/sbin/ldconfig"
	if out, err := exec.Command(ldconfig, "--version").Output(); err != nil || !strings.Contains(string(out), "Debian") {
		t.Skip("needs Debian's ldconfig")
	}
	var errs strings.Builder
	cmd := exec.Command(ldconfig, append([]string{"-r", root}, args...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ldconfig %q: %v\n%s", args, err, errs.String())
	}
	return string(out)
}

// TestManyIncludes refuses a configuration that includes itself again and again, and again in each of these.
func TestManyIncludes(t *testing.T) {
	for name, conf := range map[string]string{
		"itself":   "include /etc/0.conf\n",
		"patterns": strings.Repeat("include /none/*\n", maxPatterns+1),
		"folders":  strings.Repeat("/lib\n", maxFolders+1),
	} {
		t.Run(name, func(t *testing.T) {
			entries := []entry.Entry{entry.NewFile("etc/ld.so.conf", []byte(conf), false), entry.NewFile("etc/ld.so.conf.d/a.conf", nil, false)}
			if name == "itself" {
				for depth := range maxIncludes - 1 {
					next := strings.Repeat(fmt.Sprintf("include /etc/%d.conf\n", depth+1), 50)
					entries = append(entries, entry.NewFile(fmt.Sprintf("etc/%d.conf", depth), []byte(next), false))
				}
			}
			if _, err := Scan(entries, "amd64"); err == nil || !strings.Contains(err.Error(), "more than") {
				t.Errorf("got %v", err)
			}
		})
	}
}
