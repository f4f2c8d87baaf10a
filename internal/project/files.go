package project

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

const (
	maxFiles = 500_000 // files of one project; a checkout of Linux has 90 000
	maxDepth = 200     // directories inside each other
)

// Files are the project's files in the image.
type Files struct {
	Entries []entry.Entry // files and symbolic links, sorted, with paths in the image: "app/main.py"
	Skipped []Skipped     // what stays out, and why; of a directory, only the directory

	// What git knows of the files, where the project is in a repository. No image depends on it.
	Untracked []string  // files that go into the image but are not tracked, relative to the project, sorted
	Untold    string    // why it cannot be told what is tracked, "" where it can or where there is no repository
	Warnings  diag.List // of files that are tracked but ignored
	tracking  *tracking // nil without a repository
}

// Skipped is a file or directory that stays out of the image.
type Skipped struct {
	Path   string `json:"path"` // relative to the project
	Reason string `json:"reason"`
}

// Files lists the project's files that go into the image as they are. Of a project that is no package, these are all but
// those that .gitignore, .dockerignore, lithe's own list or files.exclude keep out; of a package, whose wheel is made
// elsewhere, only what files.include names. The error is a diag.List.
func (p *Project) Files() (*Files, error) { return p.files(p.Config.Files, false) }

// Files is Project.Files with the rules of a target. With sources, a package's files are copied beside its wheel, and
// pyproject.toml with them, since it configures what tests.
func (t Target) Files(p *Project) (*Files, error) { return p.files(t.Config.Files, t.Sources) }

func (p *Project) files(rules FileRules, sources bool) (*Files, error) {
	w := &walker{project: p, all: p.Script == "" && (!p.Package || sources), from: map[string]string{}}
	switch {
	case p.Script != "":
		w.includes = []including{{Include: Include{Path: p.Script}, glob: compileGlob(literal.Replace(p.Script))}}
	case sources:
		w.includes = append(w.includes, including{Include: Include{Path: pyprojectFile}, glob: compileGlob(pyprojectFile), found: true})
	}
	for _, i := range rules.Include {
		g := compileGlob(i.Path)
		w.includes = append(w.includes, including{Include: i, glob: g})
	}
	for _, e := range rules.Exclude {
		w.excludes = append(w.excludes, compileGlob(e))
	}
	if err := w.readDockerignore(); err != nil {
		return nil, err
	}
	if err := w.dir("", w.start()); err != nil {
		return nil, err
	}
	for _, i := range w.includes {
		if !i.found {
			w.list.Add(&diag.Error{Pos: i.Pos, Code: "no-file", What: fmt.Sprintf("files.include: nothing matches %q", i.Path),
				Hint: "globs are relative to the folder of pyproject.toml, and `**` stands for any number of directories"})
		}
	}
	if err := w.list.Err(); err != nil {
		return nil, err
	}
	if err := w.track(); err != nil {
		return nil, err
	}
	slices.SortFunc(w.out.Entries, entry.Compare)
	slices.SortFunc(w.out.Skipped, func(a, b Skipped) int { return cmp.Compare(a.Path, b.Path) })
	return &w.out, nil
}

// add makes an entry of a file or a symbolic link. Anything else, such as a socket, is no part of a project.
func (w *walker) add(name, to string, e fs.DirEntry) error {
	if other, ok := w.from[to]; ok {
		if other != name {
			w.problem(name, "two-files", fmt.Sprintf("%s and %s both go to /%s in the image", other, name, to), "change `to` in files.include")
		}
		return nil
	}
	if len(w.from) >= maxFiles {
		return &diag.Error{Pos: diag.Position{File: name}, Code: "too-many-files",
			What: fmt.Sprintf("the project has more than %d files", maxFiles),
			Hint: "list what does not belong into the image in .gitignore, or in files.exclude"}
	}
	w.from[to] = name
	if !utf8.ValidString(name) {
		w.problem(name, "file-name", fmt.Sprintf("the file name %q is not UTF-8", name),
			"rename the file, or leave it out by files.exclude")
		return nil
	}
	switch e.Type() {
	case fs.ModeSymlink:
		return w.link(name, to)
	case 0:
	default:
		w.out.Skipped = append(w.out.Skipped, Skipped{name, "neither a file nor a directory"})
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	w.out.Entries = append(w.out.Entries, entry.Entry{Path: to, Mode: entry.FileMode(entry.Executable(w.host(name), info, 0o111)),
		Size: info.Size(), Content: entry.Path(w.host(name))})
	return nil
}

// link keeps a symbolic link that stays inside the project. One that leaves it would point to nothing, or to something
// else than here, in the image.
func (w *walker) link(name, to string) error {
	target, err := os.Readlink(w.host(name))
	if err != nil {
		return err
	}
	slash := filepath.ToSlash(target)
	if path.IsAbs(slash) || filepath.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), slash)) ||
		w.escapes(name) {
		w.problem(name, "symlink", fmt.Sprintf("the symbolic link points to %s, outside the project", target),
			"make the link relative to a file of the project, or leave it out by files.exclude")
		return nil
	}
	w.out.Entries = append(w.out.Entries, entry.NewSymlink(to, slash))
	return nil
}

// escapes reports whether a link, followed through all others, ends outside the project. A link to nothing does not.
func (w *walker) escapes(name string) bool {
	root, err := filepath.EvalSymlinks(w.project.Dir)
	if err != nil {
		return true
	}
	end, err := filepath.EvalSymlinks(w.host(name))
	if err != nil {
		return !os.IsNotExist(err)
	}
	rel, err := filepath.Rel(root, end)
	return err != nil || !filepath.IsLocal(rel)
}

func (w *walker) problem(name, code, what, hint string) {
	w.list.Add(&diag.Error{Pos: diag.Position{File: w.project.name(name)}, Code: code, What: what, Hint: hint})
}

// host returns a path of the project on this machine.
func (w *walker) host(name string) string {
	return filepath.Join(w.project.Dir, filepath.FromSlash(name))
}
