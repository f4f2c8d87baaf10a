package project

import (
	"fmt"

	"github.com/lithe-build/lithe/internal/diag"
)

// Each rule about files is compared with each file. Files and rules have limits of their own; these are of their product, and of
// what all rules together take.
const (
	maxEffort      = 10_000_000_000 // some nanoseconds each; the 90 000 files of Linux with 200 globs take a tenth
	maxIgnoreFiles = 32 << 20       // bytes of all .gitignore files
	maxDockerRules = 10_000         // lines of .dockerignore; people write a dozen
)

// What a comparison takes, in units of one of two texts.
const (
	globEffort   = 32 // of a part of a glob with a name
	dockerEffort = 64 // of a regular expression
)

// effort is how much it takes to compare a path with all rules of a list: of patterns, every step with every character.
func (l ignoreList) effort(path string) int {
	return len(l.rules) + l.special*globEffort/2 + l.steps*len(path)/2
}

func (s ignoreStack) effort(path string) (n int) {
	for _, l := range s {
		n += l.effort(path)
	}
	return n
}

// effort is how much it takes to decide about a path.
func (w *walker) effort(s state, path string) int {
	n := s.git.effort(path)
	for _, states := range s.excludes {
		n += globEffort * (1 + len(states))
	}
	for _, states := range s.includes {
		n += globEffort * (1 + len(states))
	}
	return n + dockerEffort*w.dockerRules
}

// spend counts effort.
func (w *walker) spend(n int) error {
	if w.spent += n; w.spent > maxEffort {
		return &diag.Error{Pos: diag.Position{File: w.project.name(gitignoreFile)}, Code: "too-many-rules",
			What: fmt.Sprintf("there are too many rules about so many files: comparing them takes more than %d steps", maxEffort),
			Hint: "ignore folders and not their files one by one, in .gitignore, .dockerignore and files.exclude"}
	}
	return nil
}
