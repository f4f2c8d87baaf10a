package lock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// formats are the lock files that lithe reads, the preferred one first. Where a project has several, the first wins
// and the others are reported.
var formats = []format{uvFormat, poetryFormat, pdmFormat, pipenvFormat, pylockFormat, requirementsFormat}

// format is a kind of lock file; all about one is in the file of its name.
type format struct {
	name string
	file string   // usual name
	lock string   // command that writes it
	also []string // other names that tell the format, as patterns of path.Match
	// decode reads the file into the source's table, and the project's pyproject.toml; nil for a TOML file that has it
	// beside itself.
	decode func(s *source) error
	// parse makes the graph. Problems go to the source's list; staleness to the lock's.
	parse func(s *source) *Lock
}

const (
	// maxLock is the largest lock file in bytes. The largest known have some megabytes.
	maxLock = 64 << 20
	// maxProject is the largest pyproject.toml in bytes.
	maxProject = 8 << 20
)

// Options says what to read.
type Options struct {
	Path string // of the lock file, relative to the project's folder or absolute; "" finds it

	Script string // a script of the folder: its own lock is read, and its metadata in place of pyproject.toml

	AllowUnhashed bool // take pins of a requirements file that have no hash
}

// Find returns the lock file of a folder, and those that it wins over. The paths are relative to the folder, except
// an override that is absolute. An override is taken as it is if it exists.
func Find(dir, override string) (path string, others []string, err error) {
	if override != "" {
		if _, err := os.Stat(within(dir, override)); err != nil {
			return "", nil, &diag.Error{Pos: diag.Position{File: override}, Code: "no-lock", What: "there is no such lock file", Err: err}
		}
		return override, nil, nil
	}
	for _, f := range formats {
		switch _, err := os.Stat(filepath.Join(dir, f.file)); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", nil, err
		case path == "":
			path = f.file
		default:
			others = append(others, f.file)
		}
	}
	if path == "" {
		return "", nil, noLock(dir)
	}
	return path, others, nil
}

// within returns a path that may be relative to dir.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Read reads the lock file of a folder and the pyproject.toml beside it. All problems of the files come together as
// a diag.List. A lock that no longer fits the project is no problem here: see Lock.Stale.
func Read(dir string, opt Options) (*Lock, error) {
	if opt.Script != "" {
		return readScript(dir, opt)
	}
	path, others, err := Find(dir, opt.Path)
	if err != nil {
		return nil, err
	}
	f, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	data, err := readAtMost(within(dir, path), maxLock)
	if err != nil {
		return nil, problemOf(path, err)
	}
	folder := filepath.Dir(within(dir, path))
	s := &source{format: f, path: path, data: data, unhashed: opt.AllowUnhashed, open: func(name string) ([]byte, error) {
		return readAtMost(filepath.Join(folder, filepath.FromSlash(name)), maxProject)
	}, beneath: func(name string) ([]byte, error) { return readBeneath(dir, path, name) }}
	l, err := s.read()
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		l.Warnings.Add(&diag.Error{Pos: diag.Position{File: other}, Code: "several-locks",
			What: fmt.Sprintf("%s is not used: %s comes first", other, path), Hint: "remove one, or name one with the key `lock`"})
	}
	return l, nil
}

// Parse reads a lock file from memory. The path tells the format and is what positions show; project is the
// pyproject.toml beside it, nil for none. Those of other members of a workspace count as absent.
func Parse(path string, data, project []byte) (*Lock, error) {
	f, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	open := func(name string) ([]byte, error) {
		if name == projectFile && project != nil {
			return project, nil
		}
		return nil, fs.ErrNotExist
	}
	s := &source{format: f, path: path, data: data, open: open, beneath: open}
	return s.read()
}

// formatOf tells the format by the file's name.
func formatOf(path string) (format, error) {
	base := filepath.Base(path)
	for _, f := range formats {
		if base == f.file {
			return f, nil
		}
	}
	for _, f := range formats {
		if slices.ContainsFunc(f.also, func(pattern string) bool { return matches(pattern, base) }) {
			return f, nil
		}
	}
	for _, f := range formats {
		if strings.Contains(base, f.name) && strings.HasSuffix(base, filepath.Ext(f.file)) {
			return f, nil
		}
	}
	return format{}, unknownName(path)
}

// matches is path.Match for patterns that are known to be right.
func matches(pattern, name string) bool {
	ok, err := pathpkg.Match(pattern, name)
	return err == nil && ok
}

// read parses both files and makes the graph.
func (s *source) read() (*Lock, error) {
	decode := s.format.decode
	if decode == nil {
		decode = decodeTOML
	}
	if err := decode(s); err != nil {
		return nil, err
	}
	l := s.format.parse(s)
	if err := s.problems.Err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(s.data)
	l.Warnings = append(l.Warnings, s.warnings...)
	l.Indexes = s.indexes
	l.Format, l.Path, l.Digest = s.format.name, s.path, "sha256:"+hex.EncodeToString(sum[:])
	return l, nil
}

// decodeTOML is for files that are TOML and stand beside the project.
func decodeTOML(s *source) (err error) {
	if s.lock, err = toml.Parse(s.path, s.data); err != nil {
		return diag.List{asProblem(err)}
	}
	s.project, err = s.readProject(".")
	return err
}

// undecoded is for files that a reader takes apart itself, and that may stand anywhere below the project's folder.
func undecoded(s *source) (err error) {
	s.project, err = s.projectAt(".")
	return err
}

// projectAt reads the pyproject.toml of a folder given relative to the project's; nil when there is none.
func (s *source) projectAt(folder string) (*toml.Table, error) {
	name := pathpkg.Join(folder, projectFile)
	data, err := s.beneath(name)
	return asProject(name, data, err)
}

// readProject reads the pyproject.toml of a folder given relative to the lock file; nil when there is none.
func (s *source) readProject(folder string) (*toml.Table, error) {
	shown := pathpkg.Join(filepath.ToSlash(filepath.Dir(s.path)), folder, projectFile)
	data, err := s.open(pathpkg.Join(folder, projectFile))
	return asProject(shown, data, err)
}

// asProject parses what was read of a pyproject.toml.
func asProject(shown string, data []byte, err error) (*toml.Table, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, problemOf(shown, err)
	}
	table, err := toml.Parse(shown, data)
	if err != nil {
		return nil, diag.List{asProblem(err)}
	}
	return table, nil
}

const projectFile = "pyproject.toml"

// errTooLarge is what readAtMost says.
var errTooLarge = errors.New("the file is too large")

// readAtMost reads a regular file of a size that is known to be sensible.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		data.Grow(int(min(info.Size(), limit)) + bytes.MinRead) // a lock of megabytes is read into one place
	}
	_, err = data.ReadFrom(io.LimitReader(f, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = errTooLarge
	}
	return data.Bytes(), err
}

// readBeneath reads a file that a lock file names, by its path from the project's folder. No link leads out of it: what
// stands elsewhere is none of the project's business. A lock file from elsewhere draws in what is beside it.
func readBeneath(dir, lock, name string) ([]byte, error) {
	if Outside(filepath.ToSlash(name)) {
		dir = filepath.Dir(within(dir, lock))
		relative, err := filepath.Rel(filepath.Dir(lock), filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		name = relative
	}
	f, err := os.OpenInRoot(dir, filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errNotFile
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLock+1))
	if err == nil && len(data) > maxLock {
		err = errTooLarge
	}
	return data, err
}

var errNotFile = errors.New("it is not a file")

// problemOf reports a file that cannot be read at all.
func problemOf(path string, err error) error {
	return &diag.Error{Pos: diag.Position{File: path}, Code: "unreadable", What: err.Error(), Err: err}
}

// asProblem returns the first problem that an error holds, or makes one of it.
func asProblem(err error) *diag.Error {
	if problems, ok := diag.Problems(err); ok {
		return problems[0]
	}
	return &diag.Error{Code: "unreadable", What: err.Error(), Err: err}
}
