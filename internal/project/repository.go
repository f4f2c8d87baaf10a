package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/gitindex"
)

// What git tracks never decides what an image holds, so that a checkout, an archive and a copy give the same one. It is
// told to people: a file that is in the image and in no commit is in nobody else's image.
// See https://git-scm.com/docs/gitrepository-layout.

const (
	maxParents = 200     // folders above a project
	maxGitFile = 8 << 10 // bytes of a file .git, which holds one path
)

// repository is the git repository that a project belongs to.
type repository struct {
	index  *gitindex.Index
	prefix string // the project in it, "" for its root
}

// findRepository reads the index of the repository around a folder: nil when there is none. An error says why it cannot
// be told what is tracked.
func findRepository(dir string) (*repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	root := dir
	for range maxParents {
		gitDir, err := gitDirectory(root)
		if err != nil {
			return nil, err
		}
		if gitDir != "" {
			return readRepository(root, gitDir, dir)
		}
		parent := filepath.Dir(root)
		if parent == root {
			break
		}
		root = parent
	}
	return nil, nil
}

// RepositoryRoot returns the root of the git repository that tracks files of a folder, "" where there is none.
func RepositoryRoot(dir string) string {
	r, err := findRepository(dir)
	if err != nil || r == nil {
		return ""
	}
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return ""
	}
	for range steps(r.prefix) {
		root = filepath.Dir(root)
	}
	return root
}

// steps is how many folders deep a path is.
func steps(p string) int {
	if p == "" {
		return 0
	}
	return 1 + strings.Count(p, "/")
}

// gitDirectory returns the folder that holds the index of a repository at root, "" when there is no repository. In a
// worktree or a submodule, .git is a file that names the folder.
func gitDirectory(root string) (string, error) {
	dir := filepath.Join(root, ".git")
	info, err := os.Stat(dir)
	if err != nil {
		return "", nil // git, too, goes on to the folder above
	}
	if !info.IsDir() {
		data, err := readRegular(dir, maxGitFile)
		if err != nil {
			return "", err
		}
		named, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
		if !ok {
			return "", errors.New(".git is no folder and names none")
		}
		if dir = filepath.FromSlash(named); !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
	}
	if exists(filepath.Join(dir, "HEAD")) {
		return dir, nil
	}
	if !info.IsDir() {
		return "", errors.New(".git names a folder that is no repository")
	}
	return "", nil
}

// readRepository reads the index. A repository above the project that tracks nothing in it is not the project's: people
// keep their home directory in git, and build folders inside a checkout.
func readRepository(root, gitDir, project string) (*repository, error) {
	rel, err := filepath.Rel(root, project)
	if err != nil {
		return nil, err
	}
	r := &repository{index: &gitindex.Index{}, prefix: strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(rel)), "/")}
	data, err := readRegular(filepath.Join(gitDir, "index"), gitindex.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist): // nothing was ever added
	case err != nil:
		return nil, err
	default:
		if r.index, err = gitindex.Parse(data); err != nil {
			return nil, fmt.Errorf("the index of git: %w", err)
		}
	}
	if r.prefix != "" {
		for range r.index.Below(r.prefix) {
			return r, nil
		}
		return nil, nil
	}
	return r, nil
}

// tracked reports whether a file is tracked, by its path from the project. What is outside of the repository is none of
// its business.
func (r *repository) tracked(name string) bool {
	full := path.Join(r.prefix, name)
	return full == ".." || strings.HasPrefix(full, "../") || r.index.Tracked(full)
}

// readRegular reads a file that is not the project's.
func readRegular(file string, limit int64) ([]byte, error) {
	info, err := os.Stat(file) // before opening, since opening a pipe waits for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", filepath.Base(file), limit)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
