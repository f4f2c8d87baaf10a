package artifact

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	maxTreeFiles = 500_000 // files of one commit; Linux has 90 000
	maxTreeBytes = 8 << 30 // all of them together
	maxLink      = 4096    // bytes of a symbolic link's target
	maxModules   = 1000    // submodules of one commit; Boost has some 160
)

// treeEntry is a file of a commit.
type treeEntry struct {
	mode, object, path string
	size               int64
}

// The modes of a commit's files. See https://git-scm.com/docs/git-fast-import#_filemodify.
const (
	modeFile, modeExecutable, modeLink, modeCommit = "100644", "100755", "120000", "160000"
)

// export writes the files of the commit. They are read as the objects that they are: a work tree would pass them through
// filters and conversions.
func (g *git) export(ctx context.Context, st *store.Store, opt GitOptions, dir string) error {
	list, err := g.run(ctx, nil, "ls-tree", "-r", "-z", "-l", "--full-tree", g.source.commit)
	if err != nil {
		return err
	}
	entries, err := parseTree(list)
	if err != nil {
		return g.unusable(err)
	}
	if err := g.writeAll(ctx, entries, dir); err != nil {
		return err
	}
	return g.submodules(ctx, st, opt, entries, dir)
}

// unusable is the problem of a commit that cannot be on this machine, or should not.
func (g *git) unusable(err error) error {
	return &diag.Error{Pos: g.source.pos, Code: "git-tree", Err: err, What: fmt.Sprintf("%s: commit %s of %s: %v", g.source.who, g.source.commit, g.source.repository.plain, err),
		Hint: "lock a commit without it"}
}

// parseTree reads `git ls-tree -r -z -l`: "100644 blob <object> <size>\t<path>\0".
func parseTree(list []byte) ([]treeEntry, error) {
	var out []treeEntry
	var total int64
	for line := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if line == "" {
			continue
		}
		head, name, ok := strings.Cut(line, "\t")
		words := strings.Fields(head)
		if !ok || len(words) != 4 {
			return nil, fmt.Errorf("git lists files in a form that is not known")
		}
		e := treeEntry{mode: words[0], object: words[2], path: name}
		if e.mode != modeCommit {
			size, err := strconv.ParseInt(words[3], 10, 64)
			if err != nil || size < 0 {
				return nil, fmt.Errorf("git lists files in a form that is not known")
			}
			e.size = size
		}
		if total += e.size; total > maxTreeBytes || len(out) >= maxTreeFiles {
			return nil, fmt.Errorf("it has more than %d files or %d bytes", maxTreeFiles, int64(maxTreeBytes))
		}
		if !safePath(name) {
			return nil, fmt.Errorf("the path %q is none", name)
		}
		if !slices.Contains([]string{modeFile, modeExecutable, modeLink, modeCommit, "100664"}, e.mode) {
			return nil, fmt.Errorf("%s has the mode %q", name, e.mode)
		}
		out = append(out, e)
	}
	return out, nil
}

// safePath tells a path that stays in a folder, and in no folder of git's own.
func safePath(name string) bool {
	if name == "" || name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.EqualFold(part, ".git") })
}

// writeAll writes files and links. git hands out one object after the other, in the order in which they are asked for.
func (g *git) writeAll(ctx context.Context, entries []treeEntry, dir string) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e treeEntry) bool { return e.mode == modeCommit })
	var wanted bytes.Buffer
	for _, e := range entries {
		wanted.WriteString(e.object + "\n")
	}
	root, err := os.OpenRoot(dir) // no link that was written before leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.program, "--git-dir="+g.dir, "--no-replace-objects", "cat-file", "--batch")
	cmd.Dir, cmd.Stdin, cmd.Env, cmd.WaitDelay = g.dir, &wanted, g.environment(os.Environ()), gitWait
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	g.trace.Add(trace.Processes, 1)
	r := bufio.NewReader(pipe)
	for _, e := range entries {
		if err := g.writeOne(r, root, e); err != nil {
			cancel()
			_ = cmd.Wait()
			return err
		}
	}
	return cmd.Wait()
}

// writeOne reads "<object> blob <size>\n<contents>\n".
func (g *git) writeOne(r *bufio.Reader, root *os.Root, e treeEntry) error {
	head, err := r.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: git cat-file: %w", g.source.who, err)
	}
	if want := fmt.Sprintf("%s blob %d\n", e.object, e.size); head != want {
		return fmt.Errorf("%s: git cat-file answers %q", g.source.who, strings.TrimSpace(head))
	}
	content := io.LimitReader(r, e.size)
	if parent := path.Dir(e.path); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	if e.mode == modeLink {
		err = g.writeLink(content, root, e)
	} else {
		err = writeFile(content, root, e)
	}
	if err != nil {
		return err
	}
	_, err = r.Discard(1)
	return err
}

func writeFile(content io.Reader, root *os.Root, e treeEntry) error {
	mode := os.FileMode(0o644)
	if e.mode == modeExecutable {
		mode = 0o755
	}
	f, err := root.OpenFile(e.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, content)
	if err == nil && n != e.size {
		err = io.ErrUnexpectedEOF
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func (g *git) writeLink(content io.Reader, root *os.Root, e treeEntry) error {
	if e.size > maxLink {
		return g.unusable(fmt.Errorf("the link %s has more than %d bytes", e.path, maxLink))
	}
	target, err := io.ReadAll(io.LimitReader(content, maxLink))
	if err != nil {
		return err
	}
	if !within(e.path, string(target)) {
		return g.unusable(fmt.Errorf("the link %s leads out of the repository", e.path))
	}
	return root.Symlink(string(target), e.path)
}

// submodules brings the repositories inside of this one, each by its commit.
func (g *git) submodules(ctx context.Context, st *store.Store, opt GitOptions, entries []treeEntry, dir string) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e treeEntry) bool { return e.mode != modeCommit })
	if len(entries) == 0 {
		return nil
	}
	if g.source.depth >= maxSubmodules {
		return g.unusable(fmt.Errorf("submodules are inside each other more than %d times", maxSubmodules))
	}
	if len(entries) > maxModules {
		return g.unusable(fmt.Errorf("it has more than %d submodules", maxModules))
	}
	left := maxTreeFiles
	out, err := g.run(ctx, nil, "config", "--blob", g.source.commit+":.gitmodules", "--null", "--list")
	if err != nil {
		return nil // commits that nothing tells the repository of are left alone by git as well
	}
	addresses := parseModules(out)
	for _, e := range entries {
		address, ok := addresses[e.path]
		if !ok {
			continue
		}
		repo, err := g.source.repository.submodule(address)
		if err != nil {
			return g.unusable(err)
		}
		from, err := checkout(ctx, st, opt, checkoutSource{who: g.source.who, pos: g.source.pos, repository: repo, commit: e.object, depth: g.source.depth + 1})
		if err != nil {
			return err
		}
		if throughLink(dir, e.path) {
			return g.unusable(fmt.Errorf("the submodule %s is behind a link", e.path))
		}
		if left -= filesIn(from, left); left <= 0 {
			return g.unusable(fmt.Errorf("its submodules have more than %d files", maxTreeFiles))
		}
		if err := os.CopyFS(filepath.Join(dir, filepath.FromSlash(e.path)), os.DirFS(from)); err != nil {
			return err
		}
	}
	return nil
}

// filesIn counts the files and folders below a folder, up to a number: a repository may be in another a thousand times, and that one
// in a third.
func filesIn(dir string, most int) (n int) {
	_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
		if n++; n > most {
			return fs.SkipAll
		}
		return nil
	})
	return n
}

// throughLink tells whether a part of a path is a symbolic link.
func throughLink(dir, name string) bool {
	for p := name; p != "."; p = path.Dir(p) {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(p)))
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// parseModules returns the addresses of submodules by path, from `git config --null --list`: "submodule.NAME.url\nVALUE\0".
func parseModules(out []byte) map[string]string {
	paths, urls := map[string]string{}, map[string]string{}
	for item := range strings.SplitSeq(string(out), "\x00") {
		key, value, _ := strings.Cut(item, "\n")
		if name, ok := strings.CutPrefix(key, "submodule."); ok {
			switch i := strings.LastIndexByte(name, '.'); {
			case i < 0:
			case name[i:] == ".path":
				paths[name[:i]] = value
			case name[i:] == ".url":
				urls[name[:i]] = value
			}
		}
	}
	byPath := map[string]string{}
	for name, p := range paths {
		if address, ok := urls[name]; ok {
			byPath[p] = address
		}
	}
	return byPath
}
