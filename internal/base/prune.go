package base

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// fate is what becomes of a packaged file.
type fate uint8

const (
	keep fate = iota
	drop
	use // read by a step that makes another file of it, then dropped
)

// pruning is a row of the table: which files, what becomes of them, and why.
type pruning struct {
	fate    fate
	pattern string // path.Match component by component; ** is any number of components
	why     string
}

// prunings decides what of a package goes into an image. The first row that matches counts; a file without a row is
// kept. Directories that a row empties go with their files.
var prunings = []pruning{
	{keep, "usr/share/doc/*/copyright", "licences travel with what they cover"},
	{drop, "usr/share/doc/*/**", "documentation"},
	{drop, "usr/share/doc-base/**", "documentation"},
	{drop, "usr/share/man/**", "documentation"},
	{drop, "usr/share/info/**", "documentation"},
	{drop, "usr/share/info", "documentation"},
	{drop, "usr/share/locale/**", "translations of messages"},
	{drop, "usr/share/lintian/**", "notes for Debian's package checker"},
	{drop, "usr/share/bug/**", "hooks of reportbug"},
	{drop, "usr/share/base-files/**", "templates that base-files' script would copy"},
	{drop, "usr/share/libc-bin/**", "templates that libc-bin's script would copy"},
	{drop, "usr/share/applications/**", "desktop menus"},
	{drop, "usr/share/pixmaps/**", "desktop menus"},
	{drop, "usr/share/menu/**", "desktop menus"},
	{drop, "usr/share/binfmts/**", "registers .pyc files with the host's kernel"},
	{drop, "usr/lib/binfmt.d/**", "registers .pyc files with the host's kernel"},
	{drop, "usr/lib/systemd/**", "there is one process, and it is not systemd"},
	{drop, "usr/lib/tmpfiles.d/**", "there is one process, and it is not systemd"},
	{drop, "usr/share/bash-completion/**", "there is no shell"},
	{drop, "usr/share/perl5/**", "there is no Perl"},
	{drop, "usr/share/gcc*/**", "pretty printers of a debugger"},
	{drop, "usr/share/gdb/**", "pretty printers of a debugger"},
	{drop, "usr/share/dict", "empty"},
	{drop, "usr/share/misc", "empty"},

	{use, "usr/share/ca-certificates/**/*.crt", "becomes /etc/ssl/certs/ca-certificates.crt"},
	{drop, "usr/share/ca-certificates/**", "only update-ca-certificates reads it"},
	{drop, "etc/ca-certificates/**", "only update-ca-certificates reads it"},
	{drop, "etc/ca-certificates.conf", "only update-ca-certificates reads it"},

	{keep, "usr/bin/python3.*", "the interpreter"},
	{drop, "usr/bin/*", "programs: nothing runs them, an intruder could"},
	{keep, "usr/sbin/ldconfig", "ctypes.util.find_library runs it"},
	{drop, "usr/sbin/*", "programs: nothing runs them, an intruder could"},
	{drop, "usr/libexec/**", "programs: nothing runs them, an intruder could"},
	{drop, "usr/games", "empty"},
	{drop, "usr/include/**", "headers are for builds"},
	{drop, "usr/include", "headers are for builds"},
	{drop, "usr/src", "empty"},

	{drop, "usr/lib/*/gconv/**", "character sets of iconv; Python brings its own codecs, and C.UTF-8 needs none"},
	{drop, "usr/lib/*/audit/**", "for debuggers and profilers"},
	{drop, "usr/lib/*/libthread_db.so.*", "for debuggers and profilers"},
	{drop, "usr/lib/*/libthread_db-*.so", "for debuggers and profilers"},
	{drop, "usr/lib/*/libpcprofile.so", "for debuggers and profilers"},
	{drop, "usr/lib/*/libmemusage.so", "for debuggers and profilers"},
	{drop, "usr/lib/*/libc_malloc_debug.so.*", "for debuggers and profilers"},
	{drop, "usr/lib/*/libBrokenLocale.so.*", "works around programs of the 1990s"},
	{drop, "usr/lib/*/libnss_hesiod.so.*", "users from Hesiod name servers"},
	{drop, "usr/lib/*/libexpatw.so.*", "libexpat once more, for wide characters; pyexpat takes the other"},
	{drop, "usr/lib/*/libformw.so.*", "forms and menus of curses, which Python's curses lacks"},
	{drop, "usr/lib/*/libmenuw.so.*", "forms and menus of curses, which Python's curses lacks"},
	{drop, "usr/lib/*/libtic.so.*", "compiles terminal descriptions"},
	{drop, "usr/lib/*/libhistory.so.*", "libreadline has it inside"},
	{drop, "usr/lib/*/engines-*/**", "hardware engines, which OpenSSL 3 deprecates"},

	{drop, "usr/share/zoneinfo/right/**", "zones that count leap seconds; zoneinfo does not want them"},
	{drop, "usr/share/zoneinfo/posix/**", "the zones a second time"},

	{drop, "usr/lib/python3.*/test/**", "tests of the standard library"},
	{drop, "usr/lib/python3.*/*/tests/**", "tests of the standard library"},
	{drop, "usr/lib/python3.*/lib-dynload/_test*.so", "tests of the standard library"},
	{drop, "usr/lib/python3.*/lib-dynload/_ctypes_test.*.so", "tests of the standard library"},
	{drop, "usr/lib/python3.*/lib-dynload/_xxtestfuzz.*.so", "tests of the standard library"},
	{drop, "usr/lib/python3.*/lib-dynload/xx*.so", "samples for authors of extensions"},
	{drop, "usr/lib/python3.*/tkinter/**", "needs Tcl/Tk and a display"},
	{drop, "usr/lib/python3.*/turtle.py", "needs Tcl/Tk and a display"},
	{drop, "usr/lib/python3.*/turtledemo/**", "needs Tcl/Tk and a display"},
	{drop, "usr/lib/python3.*/idlelib/**", "needs Tcl/Tk and a display"},
	{drop, "usr/lib/python3.*/ensurepip/**", "installs pip"},
	{drop, "usr/lib/python3.*/sitecustomize.py", "Debian's crash reporter hook, a failed import at each start"},
	{drop, "etc/python3.*/**", "Debian's crash reporter hook"},
	{drop, "usr/lib/python3/**", "Python packages of Debian, of which there are none"},

	{drop, "etc/apt/**", "configures the package manager"},
	{drop, "etc/dpkg/**", "configures the package manager"},
	{drop, "etc/default/**", "configures services"},
	{drop, "etc/init.d/**", "configures services"},
	{drop, "etc/bindresvport.blacklist", "configures services"},
	{drop, "etc/issue*", "greets at a login"},
	{drop, "etc/update-motd.d/**", "greets at a login"},
	{drop, "etc/profile.d", "there is no shell"},
	{drop, "etc/skel", "there is no login"},

	{drop, "boot", "empty"},
	{drop, "var/backups", "empty"},
	{drop, "var/cache/**", "caches of tools that are not here"},
	{drop, "var/lib/misc", "empty"},
	{drop, "var/local", "empty"},
	{drop, "var/lock", "everybody may write to it, and nobody does"},
	{drop, "var/log/**", "logs go to the standard streams"},
	{drop, "var/log", "logs go to the standard streams"},
	{drop, "var/mail", "empty"},
	{drop, "var/spool/**", "empty"},
	{drop, "var/spool", "empty"},
	{drop, "var/tmp", "/tmp is the one place that everybody may write to"},
}

// systemPrunings decides the same for system packages. Programs stay: somebody asked for them.
var systemPrunings = []pruning{
	{keep, "usr/share/doc/*/copyright", "licences travel with what they cover"},
	{drop, "usr/share/doc/**", "documentation"},
	{drop, "usr/share/doc-base/**", "documentation"},
	{drop, "usr/share/man/**", "documentation"},
	{drop, "usr/share/info/**", "documentation"},
	{drop, "usr/share/gtk-doc/**", "documentation"},
	{drop, "usr/share/locale/**", "translations of messages"},
	{drop, "usr/share/lintian/**", "notes for Debian's package checker"},
	{drop, "usr/share/bug/**", "hooks of reportbug"},
	{drop, "run/**", "made when a container starts"},
	{drop, "var/run/**", "a link to /run"},
	{drop, "var/lock/**", "a link to /run"},
	{drop, "tmp/**", "made when a container starts"},
}

// fateOf looks a path up in a table.
func fateOf(rows []pruning, name string) fate {
	for _, p := range rows {
		if match(strings.Split(p.pattern, "/"), strings.Split(name, "/")) {
			return p.fate
		}
	}
	return keep
}

// match reports whether a pattern covers a path. A trailing ** needs a component at least: what is below, not itself.
func match(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			if len(pattern) == 1 {
				return len(name) > 0
			}
			for i := range name {
				if match(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		// The only error is a malformed pattern, and a test looks at every row.
		if ok, err := path.Match(pattern[0], name[0]); !ok || err != nil {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// dropEmptied leaves out directories that pruning has emptied: something in them went, and nothing stays. It looks at
// all packages together, since one may have the directory and another the file.
func dropEmptied(all []*unpacked) {
	filled, emptied := map[string]bool{}, map[string]bool{}
	for _, u := range all {
		for _, e := range u.entries {
			if e.Type != entry.Dir {
				markParents(filled, e.Path)
			}
		}
		for _, name := range u.gone {
			markParents(emptied, name)
		}
	}
	for _, u := range all {
		u.entries = slices.DeleteFunc(u.entries, func(e entry.Entry) bool {
			return e.Type == entry.Dir && emptied[e.Path] && !filled[e.Path]
		})
	}
}

// markParents adds the directories above a path.
func markParents(set map[string]bool, name string) {
	for dir := path.Dir(name); dir != "." && !set[dir]; dir = path.Dir(dir) {
		set[dir] = true
	}
}
