package build

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
)

// place says where things stand: in a workspace the lock, and with it lithe.lock, are at the root, and what is built may be
// any member.
type place struct {
	folder string           // that paths of the lock are relative to
	prefix string           // of files there, for positions: "" for the folder of the lock that is usual
	path   string           // of the project that is built, relative to folder, with slashes; "." for the root
	member string           // its name, normalised; "" for the root
	root   *project.Project // of the lock's folder
}

// atRoot returns the options for the folder that has the lock: inside a member of a workspace, that of the workspace. As in
// uv, the member is then what is built unless another is named.
func (o Options) atRoot() Options {
	if o.Lock != "" || o.Script != "" {
		return o
	}
	root := lock.WorkspaceAbove(o.Dir)
	if root == "" || configuredLock(o.Dir, "").Lock != "" {
		return o
	}
	inside, err := relativeTo(root, o.Dir)
	if err != nil {
		return o
	}
	o.inside, o.Dir = inside, root
	return o
}

// relativeTo returns the path of a folder from another one, with slashes.
func relativeTo(root, dir string) (string, error) {
	from, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(from, to)
	return filepath.ToSlash(relative), err
}

// readPlace reads the lock and the project that is built.
func (in *inputs) readPlace(opt Options) error {
	root, err := project.Read(opt.Dir, project.Options{Script: opt.Script})
	if err != nil {
		return err
	}
	in.project, in.place = root, place{path: ".", root: root}
	target := cmp.Or(opt.Target, plan.Prod)
	config, targetErr := root.Target(target)
	chosen := opt.Package
	if opt.inside == "" { // the folder that was given says more than a key
		chosen = cmp.Or(opt.Package, config.Package, root.Config.Package)
	}
	if targetErr != nil {
		if chosen == "" && opt.inside == "" {
			return targetErr
		}
		config.Config = root.Config // the target may be one of the member's
	}
	if in.lock, err = in.readings.lock(opt.Dir, lock.Options{Script: opt.Script, Path: cmp.Or(opt.Lock, config.Lock), AllowUnhashed: opt.AllowUnhashed || config.AllowUnhashed}); err != nil {
		return err
	}
	in.place.folder, in.place.prefix = lockFolder(opt.Dir, in.lock)
	widen(in.lock, in.place.folder, opt.Dir, cmp.Or(config.SourceRoot, root.Config.SourceRoot))
	if err := in.readMember(opt, name.Normalize(chosen)); err != nil {
		return err
	}
	in.config, err = in.project.Target(target)
	return err
}

// lockFolder returns the folder that paths of a lock are relative to, and what stands before them in positions.
func lockFolder(dir string, l *lock.Lock) (folder, prefix string) {
	if filepath.IsAbs(l.Path) {
		return filepath.Dir(l.Path), filepath.ToSlash(filepath.Dir(l.Path))
	}
	if l.Format == "requirements" { // whose paths are from the project's folder
		return dir, ""
	}
	prefix = filepath.ToSlash(filepath.Dir(l.Path))
	return filepath.Join(dir, filepath.Dir(l.Path)), strings.TrimPrefix(prefix, ".")
}

// readMember reads the member of the workspace that is built, if it is not the root.
func (in *inputs) readMember(opt Options, chosen string) error {
	if chosen == "" && opt.inside == "" {
		return nil
	}
	i := slices.IndexFunc(in.lock.Members, func(i int) bool {
		p := in.lock.Packages[i]
		return chosen != "" && p.Name == chosen || chosen == "" && p.Source.Path == opt.inside
	})
	switch {
	case i < 0 && chosen == "":
		return &diag.Error{Code: "no-lock", What: fmt.Sprintf("no lock file in %s, which is no member of the workspace in %s", opt.inside, opt.Dir),
			Hint: "run `uv lock` there, or make it a member and lock again"}
	case i < 0 && len(in.lock.Members) < 2:
		return in.noMember(chosen)
	case i < 0: // selecting tells which there are
		in.place.member = chosen
		return nil
	}
	p := in.lock.Packages[in.lock.Members[i]]
	in.place.member = p.Name
	if in.lock.Members[i] == in.lock.Root || p.Source.Path == "." {
		return nil
	}
	return in.enter(p)
}

// memberAt returns the name of the member in a folder, "" for none.
func memberAt(l *lock.Lock, folder string) string {
	for _, i := range l.Members {
		if l.Packages[i].Source.Path == folder {
			return l.Packages[i].Name
		}
	}
	return ""
}

// noMember is the problem of a member where there is no workspace.
func (in *inputs) noMember(chosen string) error {
	if in.lock.Root >= 0 && in.lock.Packages[in.lock.Root].Name == chosen {
		in.place.member = chosen
		return nil
	}
	return &diag.Error{Pos: diag.Position{File: in.lock.Path}, Code: "unknown-package", What: fmt.Sprintf("there is no member %q: this is no workspace of uv", chosen),
		Hint: "build the folder of the project that you mean"}
}

// enter reads the folder of a member.
func (in *inputs) enter(p lock.Package) error {
	dir, err := in.inFolder(p.Source.Path, "", p.Name, p.Source.Pos)
	if err != nil {
		return err
	}
	member, err := project.Read(dir, project.Options{Prefix: in.shown(p.Source.Path)})
	if err != nil {
		return err
	}
	member.Inherit(in.place.root)
	in.project, in.place.path = member, p.Source.Path
	return nil
}

// shown returns a path of the lock as positions have it.
func (in *inputs) shown(p string) string { return path.Join(in.place.prefix, p) }

// widen lets a lock reach folders beside the project: those in the same folder that the configuration names, else those in the
// git repository that tracks the project. Such a folder comes with the project wherever that goes. What is built does not
// depend on how it is known.
func widen(l *lock.Lock, folder, dir, sourceRoot string) {
	if !l.LeadsOut() {
		return
	}
	top := filepath.Join(dir, filepath.FromSlash(sourceRoot))
	if sourceRoot == "" {
		if top = project.RepositoryRoot(dir); top == "" {
			return
		}
	}
	if relative, err := realRelative(folder, top); err == nil && strings.Trim(relative, "./") == "" {
		l.Top = relative
	}
}

// realRelative is the path from one folder to another, without links.
func realRelative(from, to string) (string, error) {
	from, err := realPath(from)
	if err != nil {
		return "", err
	}
	if to, err = realPath(to); err != nil {
		return "", err
	}
	relative, err := filepath.Rel(from, to)
	return filepath.ToSlash(relative), err
}

func realPath(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(full)
}

// inFolder returns a folder or file that the lock names by its path. What stands outside of the folder of all code, or is led
// to by a link, is refused: whoever has the project would build something else than its author.
func (in *inputs) inFolder(p, below, who string, pos diag.Position) (string, error) {
	problem := func(code, what, hint string) error {
		return &diag.Error{Pos: pos, Code: code, What: fmt.Sprintf("%s comes from %s, %s", who, path.Join(p, below), what), Hint: hint}
	}
	outside := func(what string) error { return problem("outside-project", what, plan.OutsideHint) }
	joined := path.Join(p, below)
	if p == "" || in.lock.Outside(joined) {
		return "", outside("which is outside the project")
	}
	root, err := filepath.EvalSymlinks(filepath.Join(in.place.folder, filepath.FromSlash(in.lock.Top)))
	if err != nil {
		return "", err
	}
	full := filepath.Join(in.place.folder, filepath.FromSlash(joined))
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return "", problem("no-file", "which is not there", "put it there, or lock again without it")
	}
	if relative, err := filepath.Rel(root, real); err != nil || lock.Outside(filepath.ToSlash(relative)) {
		return "", outside("a link that leads out of the project")
	}
	return full, nil
}

// allPackages returns what any target of the root or of any member asks for, by one of the keys. lithe.lock has all of them,
// so that it does not depend on what was built first.
func (in *inputs) allPackages(needs func(project.Config) []project.SystemPackage) (all []project.SystemPackage) {
	for _, p := range in.allProjects() {
		all = append(all, p.Packages(needs)...)
	}
	return all
}

// allProjects returns the project, or the root and all members of its workspace.
func (in *inputs) allProjects() []*project.Project {
	if len(in.lock.Members) < 2 {
		return []*project.Project{in.project}
	}
	all := []*project.Project{in.place.root}
	for _, i := range in.lock.Members {
		p := in.lock.Packages[i]
		if p.Source.Path == "." {
			continue
		}
		dir, err := in.inFolder(p.Source.Path, "", p.Name, p.Source.Pos)
		if err != nil {
			continue // for who builds it
		}
		if member, err := in.readings.project(dir, project.Options{Prefix: in.shown(p.Source.Path)}); err == nil {
			all = append(all, member)
		}
	}
	return all
}
