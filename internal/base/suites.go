package base

import "slices"

// suite is a row of the table of Debian suites: all that code knows about one.
type suite struct {
	name   string
	python string // minor version that is used; "python" + it is the root of the interpreter's part
	libc   string // the package whose version is that of the C library
	// What the suite had when this release was made. A stable suite keeps both; see Expected. The first Python is the one
	// that Debian's python3 is.
	pythons []string
	glibc   string
	roots   []string // of the base part; what they depend on comes from the index
	beside  []string // suites with its updates, by what their names have behind its own
	bare    bool     // the interpreter is not among its packages
	stable  bool     // a project that names no Python gets stable suites alone
}

// suites is what "debian:SUITE" may say, the default first. A stable suite has one Python: Debian packages no other.
// A new suite is a row, once its base was assembled and its standard library walked.
var suites = []suite{
	{name: "trixie", libc: "libc6", roots: baseRoots, pythons: []string{"3.13.5"}, glibc: "2.41", beside: withUpdates, stable: true},
	{name: "bookworm", libc: "libc6", roots: baseRoots, pythons: []string{"3.11.2"}, glibc: "2.36", beside: withUpdates, stable: true},
	{name: "forky", libc: "libc6", roots: baseRoots, pythons: []string{"3.14.8", "3.13.15", "3.15.0"}, glibc: "2.43", beside: withUpdates},
	{name: "sid", libc: "libc6", roots: baseRoots, pythons: []string{"3.14.10", "3.13.18", "3.15.2"}, glibc: "2.43"},
}

// withUpdates is what every suite has but sid, to which updates go first.
var withUpdates = []string{"-updates", "-security"}

// with returns the row with one of its Pythons in use; "" means the first.
func (s suite) with(minor string) (suite, bool) {
	i := slices.IndexFunc(s.pythons, func(full string) bool { return minor == "" || Minor(full) == minor })
	if i < 0 {
		return s, false
	}
	s.python = Minor(s.pythons[i])
	return s, true
}

// of returns the row with the Python that a platform's packages have.
func (s suite) of(pins []Pin) suite {
	for _, full := range s.pythons {
		one, _ := s.with(Minor(full))
		if slices.ContainsFunc(pins, func(p Pin) bool { return p.Name == one.interpreter() && p.Part == KindInterpreter }) {
			return one
		}
	}
	return s
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
	all := []source{{suite: s.name, archive: archiveMain}}
	for _, suffix := range s.beside {
		archive := archiveMain
		if suffix == "-security" {
			archive = archiveSecurity
		}
		all = append(all, source{suite: s.name + suffix, archive: archive})
	}
	return all
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
	if part == KindSystem || part == KindBuilder {
		return slices.Contains(droppedServices, name)
	}
	return slices.Contains(dropped, name)
}
