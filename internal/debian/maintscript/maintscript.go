// Package maintscript tells what a maintainer script of a Debian package would do on a fresh installation, without
// running it.
//
// A script goes in, with the files that the finished image has; what comes out is a Result: the effects to be made by
// other means, or the first command that is not understood. The script is read as POSIX shell and followed branch by
// branch, with the arguments that dpkg would give it. It always holds that nothing is guessed: a command that is in no
// table of this package is unknown, and so is an effect in a branch of which is not known whether it is taken.
//
// The tables in commands.go are the whole of what is understood.
// See https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html.
package maintscript

import (
	"slices"

	"github.com/lithe-build/lithe/internal/entry"
)

// Script is one maintainer script and the arguments that it gets.
type Script struct {
	Package string
	Name    string // "preinst" or "postinst"
	Data    []byte
	Args    []string          // "configure", ""
	Answers map[string]string // debconf's questions with their defaults
}

// System is the finished image, as far as a script may look at it.
type System interface {
	// Lookup returns what is at an absolute path, through links if follow is set.
	Lookup(path string, follow bool) (entry.Entry, bool)
	// Names returns the sorted names in a folder.
	Names(dir string) []string
	// Installed reports a package of the image.
	Installed(name string) bool
	// User and Group report names that exist without the script.
	User(name string) bool
	Group(name string) bool
}

// Result is what a script would have done.
type Result struct {
	Effects
	Commands []string // the commands of the tables that it gives, sorted
	Unknown  *Unknown // the first thing that is not understood; Effects are then incomplete
}

// Unknown is a command that no table has, or one whose effect is uncertain.
type Unknown struct {
	Line    int
	Command string // as the script writes it
	Why     string
}

// Effects is what is to be made. Paths are absolute.
type Effects struct {
	Dirs         []string
	Files        []string // that are empty
	Links        []Link
	Copies       []Copy
	Joins        []Join
	Alternatives []Alternative
	Users        []User
	Groups       []string
	Certificates bool // the bundle of certificates is to be made
}

// Link is a symbolic link.
type Link struct{ Path, Target string }

// Copy is a file made from another, which the image has.
type Copy struct{ From, To string }

// Join is a file made of others, one after the other. Several packages may add to one.
type Join struct {
	From []string
	To   string
}

// Alternative is a candidate for a name that several packages may provide; the highest priority gets it.
// See https://manpages.debian.org/update-alternatives.
type Alternative struct {
	Link, Name, Path string
	Priority         int
	Slaves           []Alternative // that go with it; without priorities
}

// User is an account of a service.
type User struct {
	Name, Group, Home, Shell string // Group "" means one of the same name
	ID                       int    // 0 means any
}

const (
	// maxSteps bounds the commands that one script gives; loops over lists have tens.
	maxSteps = 20_000
	// maxSpent bounds the bytes of text that the words of one script stand for; Debian's longest script has 60 KB.
	maxSpent = 16 << 20
	// perPart is how many bytes a variable, a field or a piece of a word counts for, besides its text.
	perPart = 16
	// maxEffects bounds what one script makes; that with the most alternatives makes a hundred.
	maxEffects = 2000
)

// Evaluate follows a script.
func Evaluate(s Script, sys System) Result {
	m := &machine{script: s, system: sys, vars: map[string]value{"DPKG_ROOT": known(""), "DPKG_MAINTSCRIPT_PACKAGE": known(s.Package),
		"DPKG_MAINTSCRIPT_NAME": known(s.Name), "PATH": {}, "HOME": {}}, functions: map[string]node{}, made: map[string]entry.Type{}, used: map[string]bool{}}
	for _, a := range s.Args {
		m.args = append(m.args, known(a))
	}
	l, err := parse(string(s.Data))
	if err != nil {
		m.result.Unknown = &Unknown{Line: 1, Command: "the script", Why: "it cannot be read as shell: " + err.Error()}
		return m.result
	}
	if !shell(s.Data) {
		m.result.Unknown = &Unknown{Line: 1, Command: firstLine(s.Data), Why: "it is not a script of the shell"}
		return m.result
	}
	m.list(l)
	for name := range m.used {
		m.result.Commands = append(m.result.Commands, name)
	}
	slices.Sort(m.result.Commands)
	return m.result
}
