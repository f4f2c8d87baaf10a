// Package sdist reads source distributions: their file names, and the files in them.
//
// A file name goes in; the project's name and version come out. An archive goes in; its files come out one by one, all
// below its one top directory. What would reach out of it, has no bounds, or is no file, is refused: whoever writes the
// members to a fresh directory in their order writes nowhere else.
// See https://packaging.python.org/en/latest/specifications/source-distribution-format/.
package sdist

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/python/version"
)

// maxFilename is longer than the file names that file systems allow.
const maxFilename = 1024

// Filename is what the file name of a source distribution says.
type Filename struct {
	Name    string // as written
	Version version.Version
}

// ParseFilename reads a name such as click-8.1.7.tar.gz, or the older form that ends in .zip.
func ParseFilename(s string) (Filename, error) {
	stem, ok := strings.CutSuffix(s, ".tar.gz")
	if !ok {
		if stem, ok = strings.CutSuffix(s, ".zip"); !ok {
			return Filename{}, fmt.Errorf("%q is not the file name of a source distribution: it ends in neither .tar.gz nor .zip", s)
		}
	}
	if len(s) > maxFilename {
		return Filename{}, fmt.Errorf("the file name of a source distribution has %d characters, more than %d", len(s), maxFilename)
	}
	i := strings.LastIndexByte(stem, '-') // names of old files have dashes, versions have none
	if i <= 0 {
		return Filename{}, fmt.Errorf("%q is not the file name of a source distribution: it lacks name or version", s)
	}
	v, err := version.Parse(stem[i+1:])
	if err != nil {
		return Filename{}, fmt.Errorf("%q is not the file name of a source distribution: %w", s, err)
	}
	return Filename{stem[:i], v}, nil
}
