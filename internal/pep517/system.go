package pep517

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/toml"
)

// maxPyproject is the largest pyproject.toml in bytes.
const maxPyproject = 4 << 20

var epochTime = time.Unix(Epoch, 0)

// legacySetuptools is the backend of projects that name none.
const legacySetuptools = "setuptools.build_meta:__legacy__"

// System is the table [build-system] of a source tree, with what holds where it says nothing.
type System struct {
	Requires []requirement.Requirement
	Backend  string   // "module" or "module:object"
	Path     []string // directories of the tree that the backend is imported from
}

// readPyproject reads pyproject.toml of a source tree, nil without one.
func readPyproject(dir string) (*toml.Table, error) {
	const file = "pyproject.toml"
	root, err := os.OpenRoot(dir) // the file may be a link of an archive
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPyproject+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPyproject {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "too-large", What: fmt.Sprintf("more than %d bytes are too many", maxPyproject)}
	}
	return toml.Parse(file, data)
}

// SystemOf reads the table of a pyproject.toml. Without one, and without the table, setuptools builds.
func SystemOf(pyproject *toml.Table) (System, error) {
	return systemOf(pyproject.Table("build-system"))
}

func systemOf(t *toml.Table) (System, error) {
	s := System{Backend: legacySetuptools}
	texts := []string{"setuptools>=40.8.0"} // PEP 518
	if t != nil && t.Has("requires") {
		texts = t.Strings("requires")
	}
	var problems diag.List
	for _, text := range texts {
		r, err := requirement.Parse(text)
		if err != nil {
			problems.Add(&diag.Error{Pos: t.KeyPos("requires"), Code: "build-requires", What: fmt.Sprintf("build-system.requires: %v", err)})
			continue
		}
		s.Requires = append(s.Requires, r)
	}
	if t != nil && t.Has("build-backend") {
		s.Backend = t.String("build-backend")
	}
	if t != nil {
		s.Path = t.Strings("backend-path")
	}
	for _, p := range s.Path {
		if !filepath.IsLocal(filepath.FromSlash(p)) {
			problems.Add(&diag.Error{Pos: t.KeyPos("backend-path"), Code: "build-backend", What: fmt.Sprintf("backend-path %q leads out of the project", p)})
		}
	}
	return s, problems.Err()
}

// searchPath returns where the backend is imported from, as the build sees it.
func (s System) searchPath() []string {
	all := []string{}
	for _, p := range s.Path {
		all = append(all, path.Join(sourcePath, p))
	}
	return all
}
