// Package backend makes wheels of first-party projects without Python, for the build backends whose wheels are a
// function of files and static configuration: poetry-core, hatchling and uv_build.
//
// In goes the directory of a project and its parsed pyproject.toml; out comes a wheel with the files, METADATA,
// WHEEL, entry_points.txt and RECORD, byte for byte those of the backend's release that is named in Generators.
// What a project asks for and this package does not do is refused by the key's name and line, never guessed: dynamic
// metadata, build hooks, unknown keys. A project in which the backend's own rules find no module yields ErrNoModule,
// so that the caller can treat it as an application that is not a package.
//
// Two things differ from the real backends on purpose, since an image must not depend on them: version control is
// not asked (only the .gitignore files in the project are read, not those above it, and a tracked file may be
// ignored), and symbolic links that leave the project are refused.
//
// See https://packaging.python.org/en/latest/specifications/pyproject-toml/ and PEP 517.
package backend

import (
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
	generator string   // line in WHEEL: the release whose rules these are
	build     func(*build)
}

var kinds = []kind{
	{"poetry-core", []string{"poetry.core.masonry.api", "poetry.masonry.api"}, "poetry-core 2.5.0", buildPoetry},
	{"hatchling", []string{"hatchling.build", "hatchling.ouroboros"}, "hatchling 1.33.0", buildHatch},
	{"uv_build", []string{"uv_build"}, "uv 0.13.6", buildUV},
}

// Generators returns what WHEEL says of each supported backend: name and release.
func Generators() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.generator)
	}
	return out
}

// Supported reports whether this package knows the backend of a pyproject.toml.
func Supported(pyproject *toml.Table) bool {
	_, ok := kindOf(pyproject)
	return ok
}

// kindOf finds the backend. Without a build-system table there is none: PEP 518 then means setuptools.
func kindOf(pyproject *toml.Table) (kind, bool) {
	name := pyproject.Table("build-system").String("build-backend")
	i := slices.IndexFunc(kinds, func(k kind) bool { return slices.Contains(k.backends, name) })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// Wheel makes the wheel of the project in dir. Positions in errors are those of pyproject, which was read from file.
// The wheel's contents are the project's own files, read when a layer is written.
func Wheel(dir string, pyproject *toml.Table, file string) (*wheel.Wheel, error) {
	k, ok := kindOf(pyproject)
	if !ok {
		return nil, unsupported(pyproject, file)
	}
	tree, err := openTree(dir)
	if err != nil {
		return nil, err
	}
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
	what := name + " has no build backend: pip would use setuptools"
	if system.Has("build-backend") {
		pos = system.KeyPos("build-backend")
		what = name + " is built by " + system.String("build-backend")
	} else if system != nil {
		pos = system.Pos
	}
	return &diag.Error{Pos: pos, Code: "unsupported-backend", What: what,
		Hint: "lithe builds projects of " + strings.Join(Generators(), ", ") + " without Python; use one of them"}
}
