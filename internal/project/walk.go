package project

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/lithe-build/lithe/internal/diag"
)

// walker goes through the tree once, carrying down what the rules have matched so far.
type walker struct {
	project  *Project
	all      bool // whether files go into the image without being named
	sources  bool // what a build backend may see is listed, not what goes into the image
	includes []including
	excludes []fileGlob
	docker   *patternmatcher.PatternMatcher // nil without .dockerignore

	dockerRules int // of .dockerignore
	ignoreBytes int // of .gitignore files
	spent       int // of maxEffort

	out  Files
	from map[string]string // path in the image → file
	list diag.List
}

// including is a glob of files.include, and whether it has matched a file.
type including struct {
	Include
	glob  fileGlob
	found bool
}

// state is what is known at a directory.
type state struct {
	git      ignoreStack
	docker   patternmatcher.MatchInfo
	ignored  bool // nothing goes into the image from here down, unless included
	includes []globState
	excludes []globState
	depth    int
}

func (w *walker) start() (s state) {
	s.ignored = !w.all
	for _, i := range w.includes {
		s.includes = append(s.includes, i.glob.start())
	}
	for _, e := range w.excludes {
		s.excludes = append(s.excludes, e.start())
	}
	return s
}

// dir goes through a directory, "" being the project.
func (w *walker) dir(dir string, s state) error {
	if s.depth++; s.depth > maxDepth {
		return &diag.Error{Pos: diag.Position{File: dir}, Code: "too-deep",
			What: fmt.Sprintf("more than %d directories stand inside each other", maxDepth)}
	}
	if err := w.readGitignore(dir, &s); err != nil {
		return err
	}
	entries, err := os.ReadDir(w.host(dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.one(join2(dir, e.Name()), e, s); err != nil {
			return err
		}
	}
	return nil
}

// one decides about a file or directory, and goes into the latter where something below may go into the image.
func (w *walker) one(name string, e fs.DirEntry, s state) error {
	reason, s, err := w.decide(name, e, s)
	if err != nil {
		return err
	}
	if !e.IsDir() {
		return w.file(name, e, s, reason)
	}
	// An ignored directory is entered only for what files.include may name in it.
	if s.ignored && !s.mayInclude() {
		if reason != "" {
			w.out.Skipped = append(w.out.Skipped, Skipped{name, reason})
		}
		return nil
	}
	return w.dir(name, s)
}

// mayInclude reports whether files.include may mean something here or below.
func (s state) mayInclude() bool {
	return slices.ContainsFunc(s.includes, func(g globState) bool { return len(g) > 0 })
}

// decide returns the state at a file or directory, and the reason why it stays out, "" when there is none that is new.
func (w *walker) decide(name string, e fs.DirEntry, s state) (reason string, below state, err error) {
	base := path.Base(name)
	protected := neverReason(w.host(name), base, e.IsDir())
	if w.sources {
		protected = keptFromBackend(protected, base, e.IsDir())
	}
	if err := w.spend(w.effort(s, name)); err != nil {
		return "", s, err
	}
	below = s
	below.includes, below.excludes = nil, nil
	// files.exclude is asked first, since it wins over everything, files.include too.
	for i, g := range w.excludes {
		next := g.next(s.excludes[i], base, false)
		if g.matches(next) {
			below.ignored, below.includes = true, nil
			return "files.exclude", below, nil
		}
		below.excludes = append(below.excludes, next)
	}
	for i, in := range w.includes {
		below.includes = append(below.includes, in.glob.next(s.includes[i], base, protected != ""))
	}
	if s.ignored { // by a directory above: no rule brings a file back from there, as git has it
		return "", below, nil
	}
	byDocker, err := w.dockerIgnores(name, s.docker, &below)
	switch {
	case err != nil:
		return "", below, err
	case protected != "":
		reason = protected
	case s.git.ignores(name, e.IsDir()):
		reason = gitignoreFile
	case byDocker && (!e.IsDir() || !w.docker.Exclusions()): // "!" may bring back what is below
		reason = dockerignoreFile
	}
	below.ignored = reason != ""
	return reason, below, nil
}

// file puts a file into the image, once where it stands and once for each place that files.include names.
func (w *walker) file(name string, e fs.DirEntry, s state, reason string) error {
	added := false
	for i, in := range w.includes {
		if i < len(s.includes) && in.glob.matches(s.includes[i]) {
			added, w.includes[i].found = true, true
			to := "app/" + name
			if in.To != "" {
				to = path.Join(destination(in.Include), strings.TrimPrefix(strings.TrimPrefix(name, in.glob.prefix), "/"))
			}
			if err := w.add(name, to, e); err != nil {
				return err
			}
		}
	}
	if !s.ignored {
		return w.add(name, "app/"+name, e)
	}
	if !added && reason != "" {
		w.out.Skipped = append(w.out.Skipped, Skipped{name, reason})
	}
	return nil
}

// readGitignore adds the rules of a directory. Git does not follow a .gitignore that is a link, and neither do we.
func (w *walker) readGitignore(dir string, s *state) error {
	file := join2(dir, gitignoreFile)
	if info, err := os.Lstat(w.host(file)); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := w.project.readFile(file, maxIgnoreFile)
	if err != nil {
		return err
	}
	if w.ignoreBytes += len(data); w.ignoreBytes > maxIgnoreFiles {
		return &diag.Error{Pos: diag.Position{File: w.project.name(file)}, Code: "gitignore",
			What: fmt.Sprintf("all files called .gitignore have more than %d bytes together", maxIgnoreFiles),
			Hint: "ignore folders and not their files one by one"}
	}
	l, err := parseIgnore(dir, w.project.name(file), data)
	s.git = append(slices.Clip(s.git), l)
	return err
}

const dockerignoreFile = ".dockerignore"

// readDockerignore reads the rules that Docker has for the folder. See https://docs.docker.com/build/concepts/context/.
func (w *walker) readDockerignore() error {
	data, err := w.project.readFile(dockerignoreFile, maxIgnoreFile)
	if err != nil || data == nil {
		return err
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
	if w.dockerRules = len(patterns); err == nil && len(patterns) > maxDockerRules {
		err = fmt.Errorf("it has more than %d lines", maxDockerRules)
	}
	if err == nil {
		w.docker, err = patternmatcher.New(patterns)
	}
	if err != nil {
		return &diag.Error{Pos: diag.Position{File: w.project.name(dockerignoreFile)}, Code: "dockerignore", What: err.Error()}
	}
	return nil
}

// dockerIgnores reports whether .dockerignore keeps a file or directory out.
func (w *walker) dockerIgnores(name string, parent patternmatcher.MatchInfo, below *state) (ignored bool, err error) {
	if w.docker == nil {
		return false, nil
	}
	ignored, below.docker, err = w.docker.MatchesUsingParentResults(filepath.FromSlash(name), parent)
	return ignored, err
}
