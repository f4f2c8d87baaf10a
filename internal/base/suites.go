package base

import "slices"

// suite is a row of the table of Debian suites: all that code knows about one.
type suite struct {
	name   string
	python string // minor version; "python" + it is the root of the interpreter's part
	libc   string // the package whose version is that of the C library
	// What the suite had when this release was made. A stable suite keeps both; see Expected.
	fullPython, glibc string
	roots             []string // of the base part; what they depend on comes from the index
}

// suites is what "debian:SUITE" may say, the default first. A suite has one Python: Debian packages no other.
// A new suite is a row, once its base was assembled and its standard library walked.
var suites = []suite{
	{name: "trixie", python: "3.13", libc: "libc6", roots: baseRoots, fullPython: "3.13.5", glibc: "2.41"},
	{name: "bookworm", python: "3.11", libc: "libc6", roots: baseRoots, fullPython: "3.11.2", glibc: "2.36"},
}

// baseRoots is what any program of the image may count on. The C++ and unwinding libraries are among it because the
// manylinux policies let wheels link to them without bringing them (PEP 600).
var baseRoots = []string{
	"base-files",      // the directory tree, the usr-merge links, os-release
	"ca-certificates", // whom TLS trusts
	"libc-bin",        // ldconfig, the C.UTF-8 locale
	"libc6",
	"libgcc-s1",
	"libstdc++6",
	"media-types", // /etc/mime.types, which mimetypes reads
	"netbase",     // /etc/services and /etc/protocols, which socket reads
	"tzdata",      // zoneinfo
}

// dropped is what counts as installed although it is not: tools of an installation, which other packages need only
// in their maintainer scripts. lithe runs none of those, and makes what they would have made.
var dropped = []string{
	"awk",             // scripts of base-files
	"debconf",         // questions during installation
	"dpkg",            // the package manager
	"install-info",    // the info directory
	"openssl",         // the command line tool; only update-ca-certificates runs it
	"perl-base",       // scripts
	"readline-common", // /etc/inputrc, and nothing that libreadline misses
	"tar",             // scripts of dpkg
}

// droppedServices is what counts as installed for system packages. It differs from what the base drops in two ways:
// a library that depends on perl-base or openssl may mean to run them, so they are taken; and services that a booted
// system would run beside a program are left out, since a container runs one process.
var droppedServices = []string{
	"adduser",                  // users during installation; lithe makes what the scripts ask for
	"awk",                      // maintainer scripts
	"dbus",                     // the system's message bus
	"dbus-session-bus",         // the message bus of a desktop
	"dbus-user-session",        // the same
	"debconf",                  // questions during installation
	"debconf-2.0",              // the same
	"default-dbus-session-bus", // the same
	"default-logind",           // logins
	"dpkg",                     // the package manager
	"init-system-helpers",      // starting services
	"install-info",             // the info directory
	"libpam-systemd",           // logins
	"logind",                   // logins
	"readline-common",          // /etc/inputrc, and nothing that libreadline misses
	"sensible-utils",           // ucf's editor
	"systemd",                  // there is one process, and it is not systemd
	"systemd-sysusers",         // users during installation
	"systemd-tmpfiles",         // folders at boot
	"tar",                      // maintainer scripts
	"ucf",                      // configuration files during installation
}

// interpreter returns the package that is the root of the interpreter's part, which is also its program's name.
func (s suite) interpreter() string { return "python" + s.python }

// indexes returns the suites to merge, with the archive that has them.
func (s suite) indexes() []source {
	return []source{
		{suite: s.name, archive: archiveMain},
		{suite: s.name + "-updates", archive: archiveMain},
		{suite: s.name + "-security", archive: archiveSecurity},
	}
}

// source is one suite of one archive.
type source struct{ suite, archive string }

// Archives, by the names they have on Debian's mirrors and in its snapshot archive.
const (
	archiveMain     = "debian"
	archiveSecurity = "debian-security"
)

// isDropped reports a package that counts as installed for what a part needs.
func isDropped(name, part string) bool {
	if part == KindSystem {
		return slices.Contains(droppedServices, name)
	}
	return slices.Contains(dropped, name)
}
