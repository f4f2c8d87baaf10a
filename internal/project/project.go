// Package project reads a folder with a Python project: what it is called, which Python it wants, how it is built, which
// of its files go into an image, what runs, and how [tool.lithe] is set.
//
// A folder goes in, a Project comes out. Nothing of the project is imported or run. Every inference carries Evidence:
// what was decided, where it stands, and which key overrides it. The same files give the same Project wherever they
// are, with or without version control.
// See https://packaging.python.org/en/latest/specifications/pyproject-toml/.
package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// maxPyproject bounds pyproject.toml and lithe.toml; the largest that people write have some hundred kilobytes.
const maxPyproject = 4 << 20

const (
	pyprojectFile = "pyproject.toml"
	litheFile     = "lithe.toml"
)

// Options are how a folder is read. The zero value reads a project of its own.
type Options struct {
	Script string // a script of the folder, which is read with its metadata in place of pyproject.toml; "" for a project
	Prefix string // put before file names in positions: where a workspace member stands, as "packages/core"; "" for the root
}

// Project is what a folder says.
type Project struct {
	Dir        string      // the folder
	Script     string      // the file that is the whole project; "" for others
	File       string      // "pyproject.toml" with Options.Prefix, "" when there is none
	Pyproject  *toml.Table // its contents; nil, which is empty, when there is none
	ConfigFile string      // the file that Config comes from, or would: "pyproject.toml" or "lithe.toml"

	Metadata
	Backend Backend // how wheels of the project are built; the zero value when it is no package
	Package bool    // whether it is installed as a wheel; else its files are copied to /app
	Python  Wish    // which Python the project wants; the zero value when nothing says

	Config   Config     // without targets
	Evidence []Evidence // of what was decided while reading, in order
	Warnings diag.List  // what is odd but no mistake
	targets  map[string]Target
	prefix   string
	reason   Evidence // for Package
}

// Evidence says why something is as it is, for `lithe explain`.
type Evidence struct {
	Decision string        `json:"decision"` // what was decided, such as "entrypoint"
	Value    string        `json:"value"`    // how
	Reason   string        `json:"reason"`   // in words
	Pos      diag.Position `json:"evidence"` // where that stands
	Override string        `json:"override"` // the key, option or file that decides otherwise
}

// Read reads a folder. The error is a diag.List with all that is wrong with metadata and configuration.
func Read(dir string, opt Options) (*Project, error) {
	p := &Project{Dir: dir, Script: opt.Script, prefix: opt.Prefix}
	var list diag.List
	if err := p.readFiles(&list); err != nil {
		return nil, err
	}
	if p.Script != "" {
		p.readScriptMetadata(&list)
	} else {
		p.readMetadata(&list)
		p.readBackend(&list)
		p.decidePackage()
	}
	if err := p.readPython(&list); err != nil {
		return nil, err
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// readFiles reads pyproject.toml and the configuration. Syntax errors end it; other problems go to the list.
func (p *Project) readFiles(list *diag.List) (err error) {
	if p.Script != "" {
		return p.readScript(list)
	}
	if p.Pyproject, err = p.readTOML(pyprojectFile); err != nil {
		return err
	}
	own, err := p.readTOML(litheFile)
	if err != nil {
		return err
	}
	root, in := "[tool.lithe]", p.Pyproject.Table("tool", "lithe")
	p.File, p.ConfigFile = p.name(pyprojectFile), p.name(pyprojectFile)
	switch {
	case p.Pyproject == nil && own == nil && !p.locked():
		return &diag.Error{Pos: diag.Position{File: p.File}, Code: "no-project", What: "there is no pyproject.toml in " + p.Dir,
			Hint: "give the folder of a Python project or of a requirements.txt with hashes, or make a project with `uv init` or `poetry new`"}
	case p.Pyproject == nil:
		p.File, p.ConfigFile = "", p.name(litheFile)
		root, in = litheFile, own
	case own != nil:
		list.Add(&diag.Error{Pos: own.Pos, Code: "two-configurations",
			What: "lithe.toml stands beside pyproject.toml, where it is not read",
			Hint: "move its keys to [tool.lithe] in pyproject.toml"})
	}
	p.configure(list, root, in)
	return nil
}

// configure reads the configuration.
func (p *Project) configure(list *diag.List, root string, in *toml.Table) {
	if v := p.Pyproject.Table("tool").Value("lithe"); v != nil && in == nil {
		list.Addf(v.Pos, "config-type", "tool.lithe is of type %s, not a table", v.Kind())
	}
	var problems diag.List
	p.Config, p.targets, problems = decodeConfig(root, in)
	*list = append(*list, problems...)
}

// lockedAlone are files that make a project of a folder without pyproject.toml: those of pip and Pipenv, and those of which
// package lock knows what to do instead.
var lockedAlone = []string{"req*.txt", "req*.lock", "requirements/*.txt", "requirements.in", "requirements.text", "Pip*file*", "pipfile*", "pylock*.toml", "setup.py",
	"setup.cfg", "conda-lock.y*ml", "environment.y*ml", "pixi.lock", "pixi.toml"}

// locked tells whether the folder has any of them.
func (p *Project) locked() bool {
	return slices.ContainsFunc(lockedAlone, func(pattern string) bool {
		found, err := fs.Glob(os.DirFS(p.Dir), pattern)
		return err == nil && len(found) > 0
	})
}

// name returns a file of the project as positions show it.
func (p *Project) name(file string) string { return path.Join(p.prefix, file) }

// readTOML reads a file of the project; nil when it does not exist.
func (p *Project) readTOML(file string) (*toml.Table, error) {
	data, err := p.readFile(file, maxPyproject)
	if data == nil || err != nil {
		return nil, err
	}
	return toml.Parse(p.name(file), data)
}

// readFile reads a small file of the project; nil when it does not exist.
func (p *Project) readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(filepath.Join(p.Dir, filepath.FromSlash(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, notRegular(p.name(file), err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &diag.Error{Pos: diag.Position{File: p.name(file)}, Code: "too-large",
			What: fmt.Sprintf("the file is larger than %d bytes", limit)}
	}
	return data, nil
}

// ReadNamed reads a file that the configuration names by a path below the project. A link may lead to another file of it, and not
// out of it.
func (p *Project) ReadNamed(at Placed, limit int64) ([]byte, error) {
	f, err := p.OpenNamed(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &diag.Error{Pos: at.Pos, Code: "too-large", What: fmt.Sprintf("%s is larger than %d bytes", at.Text, limit)}
	}
	return data, err
}

// OpenNamed is ReadNamed for large files.
func (p *Project) OpenNamed(at Placed) (*os.File, error) {
	f, err := os.OpenInRoot(p.Dir, filepath.FromSlash(at.Text))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &diag.Error{Pos: at.Pos, Code: "no-file", What: at.Text + " is not there"}
	}
	if err != nil {
		return nil, &diag.Error{Pos: at.Pos, Code: "no-file", What: fmt.Sprintf("%s cannot be read: %v", at.Text, err), Err: err}
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, &diag.Error{Pos: at.Pos, Code: "no-file", What: at.Text + " is not a regular file", Err: err}
	}
	return f, nil
}

func notRegular(name string, err error) error {
	if err != nil {
		return err
	}
	return &diag.Error{Pos: diag.Position{File: name}, Code: "no-file", What: name + " is not a regular file"}
}
