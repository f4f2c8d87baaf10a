package pep517

import (
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// Missing is a file that a build looked for and that the builder lacks.
type Missing struct {
	Kind Kind
	Name string // without what its kind says: "ldap.h", "cairo", "z", "pg_config"
}

// Kind is what kind of file is missing.
type Kind string

// The kinds of files that a build asks for by a name.
const (
	Header  Kind = "header"
	Library Kind = "library" // that the linker was given by -l
	Module  Kind = "module"  // of pkg-config
	Program Kind = "program"
)

// missingWords are those in which tools say what they did not find, in the group of the expression.
var missingWords = []struct {
	kind  Kind
	words *lazyregexp.Regexp
}{
	{Library, lazyregexp.New(`cannot find -l([\w.+-]+)`)},
	{Module, lazyregexp.New(`Package '([\w.+-]+)'(?:, required by '[^']*',)? not found`)},
	{Module, lazyregexp.New(`(?:Package ([\w.+-]+) was not found in the pkg-config search path)`)},
	{Module, lazyregexp.New(`No package '([\w.+-]+)' found`)},
	{Module, lazyregexp.New(`ERROR: Dependency "([\w.+-]+)" not found`)},
	{Program, lazyregexp.New(`(?:^|: )([\w.+/-]+): (?:command )?not found$`)},
	{Program, lazyregexp.New(`FileNotFoundError: \[Errno 2\] No such file or directory: '([\w.+-]+)'`)},
	{Program, lazyregexp.New(`(?i)\b(\w+[_-]config)(?: executable)?(?: was)? not found`)},
	{Program, lazyregexp.New(`(?i)(?:could not|cannot|can't|unable to) (?:find|locate|run|execute) '?(\w+[_-]config)\b`)},
}

// missing finds the first of them in a log. Of paths of programs the name counts.
func missing(all []string) Missing {
	for _, line := range all {
		line = strings.TrimRight(line, " \t")
		for _, w := range missingWords {
			if m := w.words.FindStringSubmatch(line); m != nil {
				return Missing{w.kind, path.Base(m[1])}
			}
		}
	}
	return Missing{}
}
