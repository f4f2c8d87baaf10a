package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/vcsversion"
)

// tree is source code in a folder whose wheel its own build backend makes: its metadata is dynamic, or it has extensions.
type tree struct {
	id      string // in lithe.lock
	name    string // normalised; "" where only the backend knows
	version string // "" likewise
	asked   []requirement.Requirement
	files   []entry.Entry // with paths below the folder

	project *project.Project
	vcs     *vcsversion.Answer // nil where nobody asks, and before anybody asked
	asksVCS bool               // vcs is decided
}

// treeKey names what is in a tree.
type treeKey struct{ Files []projectFile }

// readTree lists the sources of a project.
func readTree(p *project.Project, id string) (*tree, error) {
	t := &tree{id: id, project: p}
	system, err := pep517.SystemOf(p.Pyproject)
	if err != nil {
		return nil, err
	}
	t.asked = system.Requires
	for _, table := range []string{"project", "tool.poetry"} {
		stated := p.Pyproject.Table(strings.Split(table, ".")...)
		if t.name == "" && stated.String("name") != "" {
			t.name, t.version = name.Normalize(stated.String("name")), stated.String("version")
		}
	}
	if versioner(t.asked) == "poetry-dynamic-versioning" { // what is stated stands there for it alone
		t.version = ""
	}
	t.files, err = p.Sources()
	return t, unreadable(err)
}

// modules guesses the files that can be imported: those of the folder, and of src in it.
func (t *tree) modules() []entry.Entry {
	var out []entry.Entry
	for _, e := range t.files {
		e.Path = strings.TrimPrefix(e.Path, "src/")
		out = append(out, e)
	}
	return out
}

// paths returns the files on the host.
func (t *tree) paths() (all []string) {
	for _, e := range t.files {
		switch c := e.Content.(type) {
		case entry.Path:
			all = append(all, string(c))
		case unchanged:
			all = append(all, c.path)
		}
	}
	return all
}

// source returns the tree as something to build. Its files are read for it, once.
func (b *builder) treeSource(t *tree, pkg plan.Package) (source, error) {
	var key treeKey
	for i := range t.files {
		f, err := fingerprint(&t.files[i], b.opt.sums, b.opt.Trace)
		if err != nil {
			return source{}, unreadable(fmt.Errorf("%s: %w", t.files[i].Path, err))
		}
		key.Files = append(key.Files, f)
	}
	pkg.Version = t.version
	return source{pkg: pkg, id: t.id, digest: store.Key(key), asked: t.asked, fill: func(_ context.Context, dir string) error { return t.write(dir) }}, nil
}

// write copies the tree to an empty folder.
func (t *tree) write(dir string) error {
	for _, e := range t.files {
		target := filepath.Join(dir, filepath.FromSlash(e.Path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // its parent is private
			return err
		}
		if err := writeTreeFile(target, e); err != nil {
			return unreadable(fmt.Errorf("%s: %w", e.Path, err))
		}
	}
	return nil
}

func writeTreeFile(target string, e entry.Entry) error {
	if e.Type == entry.Symlink {
		return os.Symlink(filepath.FromSlash(e.Link), target)
	}
	from, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, e.Mode.Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return err
	}
	return to.Close()
}

// lockTrees decides how source code is built that is no file: the project itself, folders and commits.
func (f *frontend) lockTrees(ctx context.Context) error {
	d, v := f.decision, f.variant
	if d.dynamic != nil {
		pkg := plan.Package{Name: d.dynamic.name, Kind: plan.KindLocal, Source: d.dynamic.id, Pos: diag.Position{File: d.project.File}}
		var err error
		if v.build, err = f.buildTree(ctx, d.dynamic, pkg, f.builder.opt.BuildEnv); err != nil {
			return err
		}
	}
	for i := range v.code {
		pkg := &v.code[i]
		p := d.parts[pkg.Source]
		if p == nil || p.source == nil {
			continue
		}
		var err error
		if pkg.Build, err = f.buildTree(ctx, p.source, *pkg, f.builder.partEnv(p.source, *pkg)); err != nil {
			return err
		}
	}
	return nil
}

// buildTree decides how one tree is built. Without variables that say its version, version control may be asked for it.
func (f *frontend) buildTree(ctx context.Context, t *tree, pkg plan.Package, env []string) (*plan.Build, error) {
	if len(env) == 0 && pkg.Kind == plan.KindLocal {
		if err := f.askVCS(ctx, t); err != nil {
			return nil, err
		}
	}
	src, err := f.builder.treeSource(t, pkg)
	if err != nil {
		return nil, err
	}
	src.env, src.versioned = env, len(env) > 0
	if t.vcs != nil {
		src.env, src.versioned, src.unanswered = t.vcs.Env, t.vcs.Says != "", t.vcs.Unanswered()
	}
	return f.build(ctx, src, nil)
}

// ownWheel is the wheel of the project itself, nil for one that is no package.
func (b *builder) ownWheel(ctx context.Context, in *inputs, v *variant) (*wheel.Wheel, error) {
	if in.dynamic == nil {
		return in.wheel, nil
	}
	return b.built(ctx, plan.Package{Name: in.dynamic.name, Build: v.build})
}
