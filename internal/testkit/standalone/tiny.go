package standalone

import (
	"debug/elf"
	"strings"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// machine is what differs between architectures.
type machine struct {
	loader string
	elf    elf.Machine
}

var machines = map[string]machine{
	"amd64": {"/lib64/ld-linux-x86-64.so.2", elf.EM_X86_64},
	"arm64": {"/lib/ld-linux-aarch64.so.1", elf.EM_AARCH64},
}

// Tiny is an archive for "amd64" or "arm64".
func Tiny(python, tag, arch string) Archive {
	return Packed(Name(python, tag, arch, Stripped), debmirror.TarOf(Files(python, arch)))
}

// Files are those of a tiny archive.
func Files(python, arch string) []debmirror.File {
	m, processor := machines[arch], processors[arch]
	minor := python[:strings.LastIndexByte(python, '.')]
	libc := tinyelf.Need{Library: "libc.so.6", Versions: []string{"GLIBC_2.17"}}
	libpython := "libpython" + minor + ".so.1.0"
	object := func(o tinyelf.Object) string {
		o.Machine = m.elf
		return string(o.Bytes())
	}
	program := object(tinyelf.Object{Interp: m.loader, Runpath: "$ORIGIN/../lib", Needed: []tinyelf.Need{libc, {Library: libpython}}})
	module := object(tinyelf.Object{Needed: []tinyelf.Need{libc, {Library: "libcrypt.so.1"}}})
	stdlib, tag := "python/lib/python"+minor+"/", strings.ReplaceAll(minor, ".", "")
	sysconfig := "build_time_vars = {'prefix': '/install', 'LIBDIR': '/install/lib', 'INSTALL': '/usr/bin/install -c',\n" +
		" 'CONFIG_ARGS': \"'--prefix=/install' '--with-openssl=/tools/deps'\", 'LDFLAGS': '-L/install/lib /install /install'}\n"
	return []debmirror.File{
		{Path: "python/bin/python" + minor, Content: program, Mode: 0o755},
		{Path: "python/bin/python", Symlink: "python" + minor}, {Path: "python/bin/python3", Symlink: "python" + minor},
		{Path: "python/bin/python" + minor + "-config", Content: "#!/bin/sh\n", Mode: 0o755},
		{Path: "python/bin/pip3", Content: "#!/bin/sh\n", Mode: 0o755},
		{Path: "python/include/python" + minor + "/Python.h", Content: "/* for builds */\n"},
		{Path: "python/lib/" + libpython, Content: object(tinyelf.Object{Soname: libpython, Needed: []tinyelf.Need{libc}})},
		{Path: "python/lib/libpython" + minor + ".so", Symlink: libpython},
		{Path: "python/lib/pkgconfig/python3.pc", Content: "prefix=/install\n"},
		{Path: "python/lib/tcl9.0/init.tcl", Content: "# Tk\n"}, {Path: "python/lib/libtcl9.0.so", Content: "Tk"},
		{Path: stdlib + "os.py", Content: "name = 'posix' # of " + python + "\n"}, {Path: stdlib + "site.py", Content: "def main():\n    pass\n"},
		{Path: stdlib + "encodings/__init__.py", Content: "aliases = {}\n"}, {Path: stdlib + "LICENSE.txt", Content: "PSF\n"},
		{Path: stdlib + "__pycache__/os.cpython-" + tag + ".pyc", Content: "not reproducible"},
		{Path: stdlib + "test/test_os.py", Content: "# tests\n"}, {Path: stdlib + "unittest/test/__init__.py", Content: "# tests\n"},
		{Path: stdlib + "tkinter/__init__.py", Content: "# Tk\n"}, {Path: stdlib + "site-packages/pip/__init__.py", Content: "# pip\n"},
		{Path: stdlib + "config-" + minor + "-" + processor + "-linux-gnu/Makefile", Content: "all:\n"},
		{Path: stdlib + "lib-dynload/_crypt.cpython-" + tag + "-" + processor + "-linux-gnu.so", Content: module},
		{Path: stdlib + "lib-dynload/_tkinter.cpython-" + tag + "-" + processor + "-linux-gnu.so", Content: module},
		{Path: stdlib + "_sysconfigdata__linux_" + processor + "-linux-gnu.py", Content: sysconfig},
		{Path: "python/share/terminfo/x/xterm", Content: "terminal"},
	}
}
