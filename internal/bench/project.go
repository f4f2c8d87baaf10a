package bench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/lithelock"
)

// project is what is built: a folder of the user's, which is only read.
type project struct {
	from    string
	changes map[string]string // folders by the name of the change
	source  string            // file that is edited, relative, with slashes
	lock    []byte            // lithe.lock that lithe wrote for it
}

// passedOver are folders that no build needs, and that may be large.
var passedOver = []string{".git", ".venv", "venv", "__pycache__", "node_modules", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

// newProject finds the file that will be edited.
func newProject(opt Options) (*project, error) {
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return nil, err
	}
	p := &project{from: dir, changes: opt.Changes, source: filepath.ToSlash(opt.Source)}
	if p.source == "" {
		p.source, err = findSource(dir)
	}
	return p, err
}

// noSource are the folders and files whose change need not change an image.
var noSource = lazyregexp.New(`(^|/)(tests?|docs?|examples?|scripts|benchmarks?)/|(^|/)(setup|conftest|noxfile|tasks)\.py$|(^|/)test_[^/]*\.py$`)

// findSource returns the Python file that is nearest to the top, and of several the first.
func findSource(dir string) (string, error) {
	best := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != dir && (slices.Contains(passedOver, d.Name()) || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		rel = filepath.ToSlash(rel)
		if err == nil && strings.HasSuffix(rel, ".py") && !noSource.MatchString(rel) && (best == "" || strings.Count(rel, "/") < strings.Count(best, "/")) {
			best = rel
		}
		return err
	})
	if err == nil && best == "" {
		err = problem("no-source", "name one by --source", "%s has no Python file that an image would have", dir)
	}
	return best, err
}

// copyTo makes dir a copy of the project with a change, as a contender needs it. What other builds left there goes; a
// lithe.lock is the one that was made beforehand, as it would be committed.
func (p *project) copyTo(dir string, c Contender, change ...string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := copyTree(p.from, dir); err != nil {
		return err
	}
	for _, name := range change {
		if err := copyTree(p.changes[name], dir); err != nil {
			return err
		}
	}
	if c.Peer {
		return nil
	}
	if p.lock != nil {
		if err := os.WriteFile(filepath.Join(dir, lithelock.Filename), p.lock, 0o644); err != nil {
			return err
		}
	}
	if !c.Bytecode {
		return withoutBytecode(dir)
	}
	return nil
}

// edit changes the source file, each time to something that no build has seen.
func (p *project) edit(dir string, run, edits int) error {
	if edits == 0 {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(p.source)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\n# lithe bench, run %d, change %d\n", run+1, edits)
	return errors.Join(err, f.Close())
}

func (p *project) withoutLitheLock(dir string) error {
	if err := os.Remove(filepath.Join(dir, lithelock.Filename)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

var (
	toolTable   = lazyregexp.New(`(?m)^\[tool\.lithe\][ \t]*(#.*)?\n`)
	bytecodeKey = lazyregexp.New(`(?m)^bytecode[ \t]*=.*\n`)
)

// withoutBytecode sets `bytecode = false` in a copy's configuration.
func withoutBytecode(dir string) error {
	const key = "bytecode = false\n"
	file, table := filepath.Join(dir, "pyproject.toml"), "[tool.lithe]\n"
	data, err := readCapped(file)
	if errors.Is(err, fs.ErrNotExist) {
		file, table = filepath.Join(dir, "lithe.toml"), ""
		data, err = readCapped(file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := bytecodeKey.ReplaceAllString(string(data), "")
	switch at := toolTable.FindStringIndex(text); {
	case table == "":
		text = key + text
	case at != nil:
		text = text[:at[1]] + key + text[at[1]:]
	default:
		text = strings.TrimRight(text, "\n") + "\n\n" + table + key
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// copyTree copies files, folders and links over what is there. Times are kept: some tools tell changes by them.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && rel != "." && slices.Contains(passedOver, d.Name()):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			_ = os.Remove(target)
			return os.Symlink(link, target)
		case d.Type().IsRegular():
			return copyFile(path, target)
		}
		return nil
	})
}

// maxText is in bytes, of the files that are read whole: pyproject.toml, lithe.lock, a Dockerfile, what a build says of itself.
const maxText = 16 << 20

// readCapped reads a small file.
func readCapped(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("%s: more than %d bytes", path, maxText)
	}
	return data, err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	_ = os.Remove(to) // it may be read-only
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close(), os.Chtimes(to, info.ModTime(), info.ModTime()))
}
