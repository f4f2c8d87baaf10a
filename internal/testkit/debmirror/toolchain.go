package debmirror

// toolchain is what source code is built with, cut down as the rest: programs that cannot run, and the header by which
// Python is known.
func (m machine) toolchain() []Package {
	tool := func(name string, files ...File) Package {
		return Package{Name: name, Version: "1-1", Arch: m.arch, Depends: "libc6",
			Files: append(files, m.program("usr/bin/"+name, libcNeed), copyright(name))}
	}
	all := []Package{
		{Name: "gcc", Version: "4:14.2.0-1", Arch: m.arch, Depends: "binutils, libc6", Files: []File{m.program("usr/bin/gcc", libcNeed)},
			Scripts: map[string]string{"postinst": "#!/bin/sh\nset -e\nupdate-alternatives --quiet --install /usr/bin/cc cc /usr/bin/gcc 20\n"}},
		{Name: "g++", Version: "4:14.2.0-1", Arch: m.arch, Depends: "gcc (= 4:14.2.0-1)", Files: []File{m.program("usr/bin/g++", libcNeed)},
			Scripts: map[string]string{"postinst": "#!/bin/sh\nset -e\nupdate-alternatives --quiet --install /usr/bin/c++ c++ /usr/bin/g++ 20\n"}},
		{Name: "libc6-dev", Version: libcVersion, Arch: m.arch, Depends: "libc6 (= " + libcVersion + ")",
			Files: []File{{Path: "usr/include/stdio.h", Content: "int puts(const char *);\n"}}},
		{Name: "python3.13-dev", Version: pythonVersion, Arch: m.arch,
			Depends: "python3.13 (= " + pythonVersion + "), libpython3.13-dev (= " + pythonVersion + ")", Files: []File{copyright("python3.13-dev")}},
		{Name: "libpython3.13-dev", Version: pythonVersion, Arch: m.arch,
			Files: []File{{Path: "usr/include/python3.13/Python.h", Content: "#define PY_VERSION \"3.13.5\"\n"}}},
		// A library to build with, whose script calls Perl, and one with a script that nobody understands.
		{Name: "libpq-dev", Version: "17.6-0+deb13u1", Arch: m.arch, Depends: "libpq5 (= 17.6-0+deb13u1)",
			Files: []File{{Path: "usr/include/postgresql/libpq-fe.h", Content: "int PQlibVersion(void);\n"},
				{Path: "usr/bin/pg_config", Content: "#!/usr/bin/perl\n", Mode: 0o755}}},
		{Name: "libodd-dev", Version: "1.0-1", Arch: m.arch, Scripts: map[string]string{"postinst": "#!/bin/sh\nset -e\nodd-register\n"},
			Files: []File{{Path: "usr/include/odd.h", Content: "\n"}}},
		tool("pkgconf"), tool("dash"), tool("cargo"),
	}
	for _, name := range []string{"binutils", "make", "patch", "bash", "coreutils", "debianutils", "diffutils", "findutils", "grep", "gzip",
		"hostname", "perl-base", "sed", "tar", "bzip2", "xz-utils"} {
		all = append(all, tool(name))
	}
	return all
}
