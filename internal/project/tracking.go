package project

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// tracking compares files of a project with what git tracks.
type tracking struct {
	walker *walker // its rules
	repo   *repository
	stacks map[string]ignoreStack // by directory
}

// track finds out which of the files that go into the image are not tracked, and which that are tracked stay out.
func (w *walker) track() error {
	repo, err := findRepository(w.project.Dir)
	if err != nil {
		w.out.Untold = err.Error()
		return nil
	}
	if repo == nil {
		return nil
	}
	t := &tracking{walker: w, repo: repo, stacks: map[string]ignoreStack{}}
	w.out.tracking = t
	copied := map[string]bool{}
	for _, name := range w.from {
		copied[name] = true
	}
	if w.out.Untracked, err = t.untracked(slices.Sorted(maps.Keys(copied)), true); err != nil || !w.all {
		return err
	}
	return t.warnOfIgnored(copied)
}

// UntrackedSources is Untracked for the files that the project's wheel is made of, by their paths on this machine.
func (f *Files) UntrackedSources(files []string) ([]string, error) {
	// uv_build does not read .gitignore, so what is ignored is in its wheels without anybody's having said so.
	return f.untrackedAt(files, func(p *Project) bool { return p.Backend.Name != "uv_build" })
}

// UntrackedBeside is UntrackedSources for files of other folders of the same repository.
func (f *Files) UntrackedBeside(files []string) ([]string, error) {
	return f.untrackedAt(files, func(*Project) bool { return false })
}

// UntrackedNamed is UntrackedSources for files that the configuration names.
func (f *Files) UntrackedNamed(files []string) ([]string, error) {
	return f.untrackedAt(files, func(*Project) bool { return true })
}

func (f *Files) untrackedAt(files []string, naming func(*Project) bool) ([]string, error) {
	if f.tracking == nil {
		return nil, nil
	}
	p := f.tracking.walker.project
	names := make([]string, 0, len(files))
	for _, file := range files {
		rel, err := filepath.Rel(p.Dir, file)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(rel))
	}
	slices.Sort(names)
	return f.tracking.untracked(slices.Compact(names), naming(p))
}

// untracked returns those of some files that are not tracked. One that .gitignore leaves out goes into the image only if
// the configuration names it, as it may with the result of a build: where naming counts, such a file is no oversight.
func (t *tracking) untracked(names []string, naming bool) (out []string, err error) {
	for _, name := range names {
		if t.repo.tracked(name) {
			continue
		}
		named := false
		if naming {
			if named, err = t.ignored(name); err != nil {
				return nil, err
			}
		}
		if !named {
			out = append(out, name)
		}
	}
	return out, nil
}

// maxNamed is how many files a message names.
const maxNamed = 3

// warnOfIgnored tells of files that are tracked and would go into the image, were it not for .gitignore.
func (t *tracking) warnOfIgnored(copied map[string]bool) error {
	var names []string
	for full := range t.repo.index.Below(t.repo.prefix) {
		name := strings.TrimPrefix(strings.TrimPrefix(full, t.repo.prefix), "/")
		if copied[name] {
			continue
		}
		ignored, err := t.ignored(name)
		if err != nil {
			return err
		}
		if !ignored {
			continue
		}
		if err := t.walker.spend((1 + strings.Count(name, "/")) * t.walker.effort(t.walker.start(), name)); err != nil {
			return err
		}
		if !t.keptOut(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	what := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		what = fmt.Sprintf("%s and %d more", what, more)
	}
	t.walker.out.Warnings.Add(&diag.Error{Code: "tracked-ignored",
		What: "tracked by git, but kept out of the image by .gitignore: " + what,
		Hint: "name in files.include what belongs into the image, and in files.exclude what does not"})
	return nil
}

// ignored reports whether .gitignore leaves a file out, or a directory that it is in.
func (t *tracking) ignored(name string) (bool, error) {
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		stack, err := t.stack(path.Dir(name[:i]))
		if err != nil {
			return false, err
		}
		if err := t.walker.spend(stack.effort(name[:i])); err != nil {
			return false, err
		}
		if stack.ignores(name[:i], i < len(name)) {
			return true, nil
		}
	}
	return false, nil
}

// stack returns the rules that hold in a directory, "." being the project.
func (t *tracking) stack(dir string) (ignoreStack, error) {
	if stack, ok := t.stacks[dir]; ok {
		return stack, nil
	}
	var s state
	var err error
	here := ""
	if dir != "." && dir != "/" {
		here = dir
		if s.git, err = t.stack(path.Dir(dir)); err != nil {
			return nil, err
		}
	}
	err = t.walker.readGitignore(here, &s)
	t.stacks[dir] = s.git
	return s.git, err
}

// keptOut reports whether a file stays out for another reason than .gitignore: it is gone, lithe's own list has it or
// a directory that it is in, or files.exclude or .dockerignore name it.
func (t *tracking) keptOut(name string) bool {
	w := t.walker
	if !exists(w.host(name)) {
		return true
	}
	if w.docker != nil {
		if out, err := w.docker.MatchesOrParentMatches(filepath.FromSlash(name)); err != nil || out {
			return true
		}
	}
	parts := strings.Split(name, "/")
	excludes := w.start().excludes
	for i, part := range parts {
		if neverReason(w.host(strings.Join(parts[:i+1], "/")), part, i < len(parts)-1) != "" {
			return true
		}
		for e, g := range w.excludes {
			if excludes[e] = g.next(excludes[e], part, false); g.matches(excludes[e]) {
				return true
			}
		}
	}
	return false
}
