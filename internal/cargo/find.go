package cargo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

const (
	maxFile  = 32 << 20  // bytes of a Cargo.toml or Cargo.lock; the largest locks known have one megabyte
	maxTotal = 256 << 20 // bytes of all that are read of one tree
	maxLocks = 64        // Cargo.lock files of one tree that are read where nothing says which one counts, and Cargo.toml that are named
)

// The names of cargo's files.
const (
	manifestName = "Cargo.toml"
	lockName     = "Cargo.lock"
)

// Needs is what the Rust code of a source tree needs.
type Needs struct {
	Crates []Crate // each once, sorted
	Own    bool    // the tree replaces crates.io itself, by crates that it brings, and needs none
}

// Find returns what the build of a source tree needs. Its pyproject.toml says which Cargo.toml are built, as maturin and
// setuptools-rust read it; where a setup.py says it instead, every Cargo.lock of the tree counts. A tree without a Cargo.toml
// needs nothing.
func Find(dir string, pyproject *toml.Table) (Needs, error) {
	root, err := os.OpenRoot(dir) // files of an archive may be links
	if err != nil {
		return Needs{}, err
	}
	defer root.Close()
	t := &tree{root: root}
	if own, err := t.replaces(); own || err != nil {
		return Needs{Own: own}, err
	}
	locks, err := t.locks(pyproject)
	if err != nil {
		return Needs{}, err
	}
	var all []Crate
	for _, lock := range locks {
		data, err := t.read(lock)
		if err != nil {
			return Needs{}, err
		}
		crates, err := ParseLock(lock, data)
		if err != nil {
			return Needs{}, err
		}
		all = append(all, crates...)
	}
	slices.SortStableFunc(all, compare)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Dir() == b.Dir() && a.Checksum != b.Checksum {
			return Needs{}, &diag.Error{Pos: b.Pos, Code: lockCode, What: fmt.Sprintf("crate %s %s has another checksum here than at %s", b.Name, b.Version, a.Pos),
				Hint: "find out which file is the right one"}
		}
	}
	return Needs{Crates: slices.CompactFunc(all, func(a, b Crate) bool { return a.Dir() == b.Dir() })}, nil
}

// tree is a source tree that is read.
type tree struct {
	root *os.Root
	size int // bytes that were read
}

// read returns a file.
func (t *tree) read(name string) ([]byte, error) {
	f, err := t.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = &diag.Error{Pos: diag.Position{File: name}, Code: "too-large", What: fmt.Sprintf("more than %d bytes are too many", maxFile)}
	}
	if t.size += len(data); err == nil && t.size > maxTotal {
		err = &diag.Error{Pos: diag.Position{File: name}, Code: "too-large",
			What: fmt.Sprintf("more than %d bytes of %s and %s are too many", maxTotal, manifestName, lockName),
			Hint: "leave those out of the source distribution that its build does not need"}
	}
	return data, err
}

// document reads a file of TOML, nil where there is none.
func (t *tree) document(name string) (*toml.Table, error) {
	data, err := t.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return toml.Parse(name, data)
}

// isFile reports a file, or a link to one that stands in the tree.
func (t *tree) isFile(name string) bool {
	info, err := t.root.Stat(filepath.FromSlash(name))
	return err == nil && info.Mode().IsRegular()
}

// replaces reports a tree whose own configuration of cargo replaces crates.io. Cargo reads it in the folder where it is
// started, and prefers it to that of CARGO_HOME.
func (t *tree) replaces() (bool, error) {
	for _, name := range []string{".cargo/config", ".cargo/config.toml"} {
		config, err := t.document(name)
		if err != nil {
			return false, err
		}
		if config.Table("source", "crates-io").String("replace-with") != "" {
			return true, nil
		}
	}
	return false, nil
}

// locks returns the Cargo.lock files that count.
func (t *tree) locks(pyproject *toml.Table) ([]string, error) {
	manifests := slices.DeleteFunc(stated(pyproject), func(m string) bool { return !t.isFile(m) })
	if len(manifests) == 0 {
		return t.everyLock()
	}
	if len(manifests) > maxLocks {
		return nil, &diag.Error{Pos: diag.Position{File: "pyproject.toml"}, Code: lockCode,
			What: fmt.Sprintf("it names more than %d files %s", maxLocks, manifestName),
			Hint: "name that of the workspace, or those that are built"}
	}
	var locks []string
	for _, m := range manifests {
		dir, err := t.workspace(path.Dir(m))
		if err != nil {
			return nil, err
		}
		lock := path.Join(dir, lockName)
		if !t.isFile(lock) {
			return nil, &diag.Error{Pos: diag.Position{File: m}, Code: lockCode, What: fmt.Sprintf("there is no %s, which says what crates it is built of", lock),
				Hint: "run `cargo generate-lockfile`, and put the file into the source; or choose a version of the package that has it, or a wheel"}
		}
		locks = append(locks, lock)
	}
	slices.Sort(locks)
	return slices.Compact(locks), nil
}

// stated returns the Cargo.toml files that pyproject.toml names, else where the backends look.
func stated(pyproject *toml.Table) []string {
	var all []string
	if m := pyproject.Table("tool", "maturin").String("manifest-path"); m != "" {
		all = append(all, m)
	}
	rust := pyproject.Table("tool", "setuptools-rust")
	for _, e := range slices.Concat(rust.Tables("ext-modules"), rust.Tables("bins")) {
		all = append(all, e.String("path")) // "" means Cargo.toml
	}
	var out []string
	for _, m := range all {
		if m == "" {
			m = manifestName
		}
		if m = path.Clean(filepath.ToSlash(m)); filepath.IsLocal(filepath.FromSlash(m)) {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) == 0 {
		out = []string{manifestName, "rust/" + manifestName}
	}
	return out
}

// workspace returns the folder of the workspace that a package belongs to: the nearest above it whose Cargo.toml begins one
// and does not exclude it. A package alone is its own.
func (t *tree) workspace(dir string) (string, error) {
	for at := dir; ; at = path.Dir(at) {
		doc, err := t.document(path.Join(at, manifestName))
		if err != nil {
			return "", err
		}
		named := doc.Table("package").String("workspace")
		if at == dir && named != "" && filepath.IsLocal(filepath.FromSlash(path.Join(dir, named))) {
			return path.Join(dir, named), nil
		}
		if w := doc.Table("workspace"); w != nil {
			if at != dir && slices.ContainsFunc(w.Strings("exclude"), func(e string) bool { return below(dir, path.Join(at, e)) }) {
				return dir, nil
			}
			return at, nil
		}
		if at == "." {
			return dir, nil
		}
	}
}

// below reports that a path is another, or below it.
func below(p, of string) bool { return p == of || strings.HasPrefix(p, of+"/") }

// everyLock returns all Cargo.lock files of the tree, but for those of crates that it brings.
func (t *tree) everyLock() (locks []string, err error) {
	err = fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"vendor", "target", ".git"}, d.Name()):
			return fs.SkipDir
		case d.Name() == lockName && d.Type().IsRegular():
			locks = append(locks, name)
		}
		if len(locks) > maxLocks {
			return &diag.Error{Pos: diag.Position{File: name}, Code: lockCode, What: fmt.Sprintf("more than %d files are called %s", maxLocks, lockName)}
		}
		return nil
	})
	return locks, err
}
