package project

import "github.com/lithe-build/lithe/internal/lazyregexp"

// The rules of texts in the configuration. Their patterns also stand in the published schema, so they use only what the
// regular expressions of JSON Schema share with Go's.

// part is one part of a path: neither empty nor "." nor "..", and without backslashes.
const part = `(\.{0,2}[^./\\][^/\\]*|\.{3,})`

const maxUser = 1<<32 - 2 // the highest number of a user on Linux

// anyName is PyPA's form of names of projects, extras and groups.
var anyName = lazyregexp.New(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// Names.
var (
	projName  = rule{pattern: anyName, want: "the name of a project"}
	groupName = rule{pattern: anyName, want: "the name of a dependency group"}
	extraName = rule{pattern: anyName, want: "the name of an extra"}
	envName   = rule{pattern: lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`),
		want: "the name of a variable: letters, digits and _"}
	labelName = rule{pattern: lazyregexp.New(`^[^\s=]+$`),
		want: "a name without spaces, such as \"org.example.team\""}
	targetName = rule{pattern: lazyregexp.New(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`),
		want: "lower-case letters, digits and dashes"}
)

// What is built. Pre-releases of Python have a third number; "3.15" alone may mean one.
var (
	// What has one of / : @ is an image, of which package base knows more.
	baseRef = rule{pattern: lazyregexp.New(`^(debian(:[a-z]+)?|standalone|[A-Za-z0-9][A-Za-z0-9._-]*[/:@][A-Za-z0-9._/:@+-]+)$`),
		want: "\"debian\", \"debian:SUITE\", \"standalone:VERSION\" or the name of an image, such as \"python:3.13-slim\""}
	pythonRule = rule{pattern: lazyregexp.New(`^3\.[0-9]{1,3}(\.[0-9]{1,3}((a|b|rc)[0-9]{1,3})?)?$`),
		want: "a version such as \"3.13\" or \"3.13.5\""}
	platform = rule{pattern: lazyregexp.New(`^linux/[a-z0-9]+(/v[0-9]+)?$`),
		want: "a platform such as \"linux/amd64\""}
)

// Paths. A backslash would mean different files on different systems, so there is none, not even to escape: [*] does.
var (
	nonEmpty        = rule{pattern: lazyregexp.New(`.`), want: "a path"}
	reuseRule       = rule{words: []string{"registry", "none"}, want: "\"registry\" or \"none\""}
	imageRepository = rule{pattern: lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)+$`), want: "a repository with its registry, without a tag"}
	glob            = rule{pattern: lazyregexp.New(`^` + part + `(/` + part + `)*$`),
		want: "a glob relative to the project, with / between its parts, such as \"data/**/*.json\"", most: maxIgnoreLine}
	relative = rule{pattern: lazyregexp.New(`^` + part + `(/` + part + `)*$`),
		want: "a path relative to the project, with / between its parts, such as \"certs/company.crt\""}
	above    = rule{pattern: lazyregexp.New(`^[.][.](/[.][.])*$`), want: "a folder above the project, such as \"..\" or \"../..\""}
	absolute = rule{pattern: lazyregexp.New(`^(/` + part + `)+$`),
		want: "an absolute path, without / at its end"}
	imagePath = rule{pattern: lazyregexp.New(`^/?` + part + `(/` + part + `)*$`), want: "a path in the image"}
)

// Debian's packages (policy 5.6.1), one in a version as apt-get takes it, and a file as apt-get takes that.
var (
	debianName = rule{pattern: lazyregexp.New(`^[a-z0-9][a-z0-9+.-]+$`), want: "the name of a Debian package"}
	debianWant = rule{pattern: lazyregexp.New(`^([a-z0-9][a-z0-9+.-]+(=([0-9]+:)?[0-9][A-Za-z0-9.+~-]*)?|\./(` + part + `/)*` + part + `\.deb)$`),
		want: "the name of a Debian package, such as \"libpq5\", name and version, such as \"libpq5=17.6-0+deb13u1\", or a file, such as \"./vendor/driver.deb\""}
)

// libraryGlob is matched against names such as libpq.so.5, which are no paths.
var libraryGlob = rule{pattern: lazyregexp.New(`^[A-Za-z0-9_.+*?-]+$`),
	want: "the name of a shared library, or a glob with * and ?, such as \"libpq.so.*\""}

// What a process is called, and what a health check asks for.
var (
	processName = rule{pattern: lazyregexp.New(`^[A-Za-z0-9_-]+$`), want: "letters, digits, - and _"}
	httpPath    = rule{pattern: lazyregexp.New(`^/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*$`), want: "the path of a URL, such as \"/health\""}
)

// What runs. The engine reads these, so each is as strict as the strictest of them.
var (
	port = rule{want: "a port from 1 to 65535, such as 8000 or \"53/udp\"", pattern: lazyregexp.New(
		`^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/(tcp|udp|sctp))?$`)}
	user = rule{pattern: lazyregexp.New(`^[1-9][0-9]{0,9}(:[0-9]{1,10})?$`),
		want: "a number other than 0, or two as \"1000:1000\": images have no other users, and root is never one"}
	stopSignal = rule{want: "the name of a signal, such as \"SIGTERM\" or \"SIGINT\"", pattern: lazyregexp.New(
		`^SIG(HUP|INT|QUIT|ABRT|KILL|USR1|USR2|ALRM|TERM|WINCH|RTMIN\+[0-9]+)$`)}
)
