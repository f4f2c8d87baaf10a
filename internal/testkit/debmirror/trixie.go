package debmirror

import (
	"debug/elf"
	"strings"

	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// Versions in the tiny suites.
const (
	pythonVersion = "3.13.5-2"
	libcVersion   = "2.41-12"
	gccVersion    = "14.2.0-19"
)

// Trixie returns the suites trixie, trixie-updates and trixie-security, each cut down to what an image with
// Python 3.13 asks for: Debian's package names, relations and paths, with contents of a few bytes. Programs and
// libraries are ELF files whose needs and symbol versions resolve, and which cannot run. trixie-updates has a newer
// tzdata, trixie-security a newer libssl3t64. The architectures are Debian's; none means amd64.
func Trixie(architectures ...string) []Suite {
	if len(architectures) == 0 {
		architectures = []string{"amd64"}
	}
	main := Suite{Name: "trixie", Packages: independent("2025b-4")}
	security := Suite{Name: "trixie-security", ValidUntil: DefaultDate.AddDate(100, 0, 0)}
	for _, arch := range architectures {
		m := machines[arch]
		main.Packages = append(main.Packages, m.system()...)
		main.Packages = append(main.Packages, m.libraries()...)
		main.Packages = append(main.Packages, m.python()...)
		main.Packages = append(main.Packages, m.openssl("3.5.1-1"))
		main.Packages = append(main.Packages, m.extras()...)
		main.Packages = append(main.Packages, m.toolchain()...)
		security.Packages = append(security.Packages, m.openssl("3.5.1-1+deb13u1"))
	}
	updates := Suite{Name: "trixie-updates", ValidUntil: DefaultDate.AddDate(100, 0, 0),
		Packages: []Package{tzdata("2025b-4+deb13u1")}}
	main.Architectures, updates.Architectures, security.Architectures = architectures, architectures, architectures
	return []Suite{main, updates, security}
}

// machine is what differs between architectures.
type machine struct {
	arch, triplet, loader string // loader is its path as programs name it
	elf                   elf.Machine
}

var machines = map[string]machine{
	"amd64": {"amd64", "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2", elf.EM_X86_64},
	"arm64": {"arm64", "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1", elf.EM_AARCH64},
}

// library returns a shared library under its file name, and a link by its soname where they differ.
func (m machine) library(file, soname string, defines []string, needs ...tinyelf.Need) []File {
	o := tinyelf.Object{Machine: m.elf, Soname: soname, Defines: defines, Needed: needs}
	dir := "usr/lib/" + m.triplet + "/"
	files := []File{{Path: dir + file, Content: string(o.Bytes())}}
	if file != soname {
		files = append(files, File{Path: dir + soname, Symlink: file})
	}
	return files
}

func (m machine) program(path string, needs ...tinyelf.Need) File {
	o := tinyelf.Object{Machine: m.elf, Interp: m.loader, Needed: needs}
	return File{Path: path, Content: string(o.Bytes()), Mode: 0o755}
}

// module is an extension module of the standard library.
func (m machine) module(name string, needs ...tinyelf.Need) File {
	o := tinyelf.Object{Machine: m.elf, Needed: needs}
	return File{Path: "usr/lib/python3.13/lib-dynload/" + name + ".cpython-313-" + m.triplet + ".so",
		Content: string(o.Bytes())}
}

var libcNeed = tinyelf.Need{Library: "libc.so.6", Versions: []string{"GLIBC_2.17", "GLIBC_2.38"}}

// system is the base of any image.
func (m machine) system() []Package {
	loader := m.loader[strings.LastIndexByte(m.loader, '/')+1:]
	libc := join(m.library(loader, loader, []string{"GLIBC_2.17", "GLIBC_2.35"}),
		m.library("libc.so.6", "libc.so.6", []string{"GLIBC_2.17", "GLIBC_2.38", "GLIBC_2.41"}),
		m.library("libm.so.6", "libm.so.6", []string{"GLIBC_2.17", "GLIBC_2.38"}, libcNeed),
		[]File{{Path: strings.TrimPrefix(strings.Replace(m.loader, "/lib", "/usr/lib", 1), "/"),
			Symlink: "/usr/lib/" + m.triplet + "/" + loader},
			{Path: "etc/ld.so.conf.d/" + m.triplet + ".conf",
				Content: "# Multiarch support\n/usr/local/lib/" + m.triplet + "\n/lib/" + m.triplet + "\n/usr/lib/" + m.triplet + "\n"},
			{Path: "usr/lib/" + m.triplet + "/gconv/gconv-modules", Content: "# pruned\n"},
			copyright("libc6")})
	return []Package{
		{Name: "base-files", Version: "13.8", Arch: m.arch, Essential: true, PreDepends: "awk", Files: baseFiles()},
		{Name: "libc-bin", Version: libcVersion, Arch: m.arch, Essential: true,
			Depends: "libc6 (>> 2.41), libc6 (<< 2.42)", Scripts: map[string]string{"postinst": "#!/bin/sh\nldconfig\n"},
			Files: []File{
				{Path: "etc/ld.so.conf", Content: "include /etc/ld.so.conf.d/*.conf\n\n"},
				{Path: "etc/ld.so.conf.d/libc.conf", Content: "# libc default configuration\n/usr/local/lib\n"},
				{Path: "usr/lib/locale/C.utf8/LC_CTYPE", Content: "C.UTF-8\n"},
				m.program("usr/bin/ldd", libcNeed), m.program("usr/sbin/ldconfig"), copyright("libc-bin"),
			}},
		{Name: "libc6", Version: libcVersion, Arch: m.arch, Depends: "libgcc-s1",
			Extra: []string{"Multi-Arch: same", "Section: libs"}, Files: libc},
		// A circle: libc6 depends on libgcc-s1 depends on libc6.
		{Name: "libgcc-s1", Version: gccVersion, Arch: m.arch,
			Depends: "gcc-14-base (= " + gccVersion + "), libc6 (>= 2.35)",
			Files:   m.library("libgcc_s.so.1", "libgcc_s.so.1", []string{"GCC_3.0"}, libcNeed)},
		{Name: "gcc-14-base", Version: gccVersion, Arch: m.arch, Files: []File{copyright("gcc-14-base")}},
		{Name: "libstdc++6", Version: gccVersion, Arch: m.arch,
			Depends: "gcc-14-base (= " + gccVersion + "), libc6 (>= 2.38), libgcc-s1 (>= 4.2)",
			Files: m.library("libstdc++.so.6.0.33", "libstdc++.so.6", []string{"GLIBCXX_3.4", "GLIBCXX_3.4.33"},
				libcNeed, tinyelf.Need{Library: "libgcc_s.so.1", Versions: []string{"GCC_3.0"}})},
	}
}

func baseFiles() []File {
	return []File{
		{Path: "bin", Symlink: "usr/bin"}, {Path: "lib", Symlink: "usr/lib"}, {Path: "lib64", Symlink: "usr/lib64"},
		{Path: "sbin", Symlink: "usr/sbin"}, {Path: "etc/debian_version", Content: "13.0\n"},
		{Path: "etc/os-release", Symlink: "../usr/lib/os-release"},
		{Path: "usr/lib/os-release", Content: "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\n" +
			"VERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nID=debian\n"},
		{Path: "home", Dir: true}, {Path: "proc", Dir: true}, {Path: "root", Dir: true, Mode: 0o700},
		{Path: "tmp", Dir: true, Mode: 0o1777}, {Path: "usr/lib64", Dir: true}, {Path: "usr/sbin", Dir: true},
		{Path: "var/lib/dpkg", Dir: true}, {Path: "var/tmp", Dir: true, Mode: 0o1777},
		{Path: "usr/share/man/man1/x.1", Content: "pruned\n"}, copyright("base-files"),
	}
}

// independent returns what is the same for every architecture, with tools that no image gets.
func independent(tz string) []Package {
	tool := func(name, version, provides string) Package {
		return Package{Name: name, Version: version, Arch: "all", Provides: provides,
			Files: []File{{Path: "usr/bin/" + name, Content: "#!/bin/sh\n", Mode: 0o755}}}
	}
	return []Package{
		{Name: "ca-certificates", Version: "20250419", Arch: "all",
			Depends: "openssl (>= 1.1.1), debconf (>= 0.5) | debconf-2.0",
			Scripts: map[string]string{"postinst": "#!/bin/sh\nupdate-ca-certificates\n", "triggers": "interest update-ca-certificates\n"},
			Files: []File{
				{Path: "usr/share/ca-certificates/mozilla/Zulu.crt", Content: certificate("Wg==")},
				{Path: "usr/share/ca-certificates/mozilla/Alpha_Főtan.crt", Content: certificate("QQ==")},
				{Path: "usr/sbin/update-ca-certificates", Content: "#!/bin/sh\n", Mode: 0o755}, copyright("ca-certificates"),
			}},
		{Name: "media-types", Version: "13.0.0", Arch: "all", Files: []File{{Path: "etc/mime.types", Content: "text/plain txt\n"}}},
		{Name: "netbase", Version: "6.5", Arch: "all", Files: []File{{Path: "etc/services", Content: "http 80/tcp\n"},
			{Path: "etc/protocols", Content: "tcp 6 TCP\n"}}},
		tzdata(tz),
		tool("debconf", "1.5.91", "debconf-2.0"), tool("mawk", "1.3.4.20250131-1", "awk"),
		tool("openssl", "3.5.1-1", ""), tool("dpkg", "1.22.21", ""),
	}
}

func tzdata(version string) Package {
	return Package{Name: "tzdata", Version: version, Arch: "all", Depends: "debconf (>= 0.5) | debconf-2.0",
		Provides: "tzdata-trixie", Files: []File{
			{Path: "usr/share/zoneinfo/Etc/UTC", Content: "TZif2 " + version + "\n"},
			{Path: "usr/share/zoneinfo/UTC", Symlink: "Etc/UTC"},
			{Path: "usr/share/zoneinfo/Zulu", Link: "usr/share/zoneinfo/Etc/UTC"},
			{Path: "usr/share/zoneinfo/right/UTC", Content: "pruned\n"},
		}}
}

func certificate(body string) string {
	return "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n"
}

func copyright(name string) File {
	return File{Path: "usr/share/doc/" + name + "/copyright", Content: "Copyright: the authors of " + name + "\n"}
}

func join(lists ...[]File) []File {
	var all []File
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
