// Package backend makes wheels of first-party projects without Python, for the build backends whose wheels are a
// function of files and static configuration: poetry-core, hatchling, uv_build, setuptools, flit-core and pdm-backend.
//
// In goes the directory of a project and its parsed pyproject.toml; out comes a wheel with the files, METADATA,
// WHEEL, entry_points.txt and RECORD, byte for byte those of the backend's release that is named in Generators.
// What a project asks for and this package does not do is refused by the key's name and line, never guessed: dynamic
// metadata, build hooks, unknown keys. A project in which the backend's own rules find no module yields ErrNoModule,
// so that the caller can treat it as an application that is not a package.
//
// A wheel also depends on the release of the backend. For setuptools, flit-core and pdm-backend, a project whose
// build-system.requires excludes the reproduced releases is refused.
//
// Two things differ from the real backends on purpose, since an image must not depend on them: version control is
// not asked (only the .gitignore files in the project are read, not those above it, and a tracked file may be
// ignored), and symbolic links that leave the project are refused.
//
// See https://packaging.python.org/en/latest/specifications/pyproject-toml/ and PEP 517.
package backend

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/toml"
)

// ErrNoModule says that the backend's default rules find no module to put into a wheel.
var ErrNoModule = errors.New("no module found")

// kind is a build backend. To add one is a file and a line in kinds.
type kind struct {
	name      string   // of the distribution
	backends  []string // values of build-system.build-backend
	generator string   // the release whose rules these are
	build     func(*build)
	older     string   // another release that is reproduced, for projects that exclude the newer one
	exact     bool     // refuse projects that exclude these releases
	harmless  []string // what build-system.requires may name besides the backend
}

// legacySetuptools is the backend of projects that name none.
const legacySetuptools = "setuptools.build_meta:__legacy__"

var kinds = []kind{
	{name: "poetry-core", backends: []string{"poetry.core.masonry.api", "poetry.masonry.api"},
		generator: "poetry-core 2.5.0", build: buildPoetry, harmless: []string{"poetry"}},
	{name: "hatchling", backends: []string{"hatchling.build", "hatchling.ouroboros"}, generator: "hatchling 1.33.0", build: buildHatch},
	{name: "uv_build", backends: []string{"uv_build"}, generator: "uv 0.13.6", build: buildUV},
	{name: "flit_core", backends: []string{"flit_core.buildapi"}, generator: "flit 4.2.0", older: "flit 3.12.0", exact: true, build: buildFlit},
	{name: "pdm-backend", backends: []string{"pdm.backend"}, generator: "pdm-backend 2.5.0", exact: true, build: buildPDM},
	{name: "setuptools", backends: []string{"setuptools.build_meta", legacySetuptools}, generator: "setuptools 84.2.1",
		exact: true, harmless: []string{"wheel"}, build: buildSetuptools},
}

// Generators returns what WHEEL says of each supported backend: name and release.
func Generators() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.generator)
		if k.older != "" {
			out = append(out, k.older)
		}
	}
	return out
}

// Supported reports whether this package knows the backend of a pyproject.toml.
func Supported(pyproject *toml.Table) bool {
	_, ok := kindOf(pyproject)
	return ok
}

// kindOf finds the backend. PEP 517 means setuptools where a project names none.
func kindOf(pyproject *toml.Table) (kind, bool) {
	name := pyproject.Table("build-system").String("build-backend")
	if !pyproject.Table("build-system").Has("build-backend") {
		name = legacySetuptools
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return slices.Contains(k.backends, name) })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// Wheel makes the wheel of the project in dir. Positions in errors are those of pyproject, which was read from file.
// The wheel's contents are the project's own files, read when a layer is written.
func Wheel(dir string, pyproject *toml.Table, file string) (*wheel.Wheel, error) {
	return WheelBy(hashFile, dir, pyproject, file)
}

// Sum returns size and SHA-256 of a file of the project.
type Sum func(path string) (size int64, sum [sha256.Size]byte, err error)

// WheelBy is Wheel for callers that may know what is in a file without reading it.
func WheelBy(sum Sum, dir string, pyproject *toml.Table, file string) (*wheel.Wheel, error) {
	k, ok := kindOf(pyproject)
	if !ok {
		return nil, unsupported(pyproject, file)
	}
	tree, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	tree.sum = sum
	b := &build{kind: k, tree: tree, doc: pyproject, file: file}
	b.checkBuildSystem()
	k.build(b)
	if b.err != nil {
		return nil, b.err
	}
	if err := b.problems.Err(); err != nil {
		return nil, err
	}
	return wheel.New(b.files)
}

// unsupported names the project, the line and what would work.
func unsupported(doc *toml.Table, file string) error {
	system := doc.Table("build-system")
	name := doc.Table("project").String("name")
	if name == "" {
		name = "the project"
	}
	pos := diag.Position{File: file}
	if system.Has("build-backend") {
		pos = system.KeyPos("build-backend")
	}
	what := name + " is built by " + system.String("build-backend")
	return &diag.Error{Pos: pos, Code: "unsupported-backend", What: what,
		Hint: "lithe builds projects of " + strings.Join(Generators(), ", ") + " without Python; use one of them"}
}
