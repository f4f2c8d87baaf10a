package vcsversion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	maxOutput  = 64 << 10 // bytes of what git prints; a description is one line
	maxMessage = 300      // of its complaint that are shown
	maxParents = 200      // folders above a project
	gitWait    = 5 * time.Second
	// shortHash is how many digits of a commit are shown: as many as git takes in a small repository. In a large one it takes
	// more, by how many objects the clone has, and so other ones elsewhere.
	shortHash = 7
	noTagYet  = "0.0"
)

// gitSettings keep what the user and the repository configured from running anything, and from changing the answer.
var gitSettings = []string{"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "log.showSignature=false"}

// repository is a git repository with a work tree.
type repository struct {
	*question
	program string
	root    string
}

// find returns the repository whose root is dir, or is above it where above is set; nil with a reason where there is none.
func (q *question) find(dir string, above bool) (*repository, string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, "", err
	}
	root := dir
	for range maxParents {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return nil, "there is no git repository", nil
		}
		root = parent
	}
	if root != dir && !above {
		return nil, "the project is not at the root of its git repository, and its configuration does not say where that is", nil
	}
	program := q.opt.Git
	if program == "" {
		if program, err = exec.LookPath("git"); err != nil {
			return nil, "there is no git in PATH", nil
		}
	}
	return &repository{question: q, program: program, root: root}, "", nil
}

// nearest is what git describe says.
type nearest struct {
	*Answer
	description
	tagged bool // by a tag; else it is 0.0 with the number of all commits, as the tools have it
}

// describe asks for the nearest tag, as a tool does by its arguments of `git describe`, with --abbrev=40 where they are its own.
func (r *repository) describe(ctx context.Context, args ...string) (*nearest, error) {
	n := &nearest{Answer: r.answer(), tagged: true}
	out, err := r.git(ctx, append([]string{"describe"}, args...)...)
	n.Shallow = r.shallow(ctx)
	switch {
	case err == nil:
		out, n.Dirty = strings.CutSuffix(out, "-dirty")
		n.description = parseDescription(out)
	case !noTag(err):
		return nil, r.failed(err)
	case n.Shallow:
		return nil, &diag.Error{Pos: r.pos, Code: "shallow-clone",
			What: fmt.Sprintf("%s asks git for the version, and this clone is shallow: no tag is among its commits", r.tool),
			Hint: "fetch them: `git fetch --unshallow --tags` (in GitHub Actions: fetch-depth: 0), or set " + Variable(r.tool)}
	default:
		if err := r.untagged(ctx, n); err != nil {
			return nil, err
		}
	}
	n.Says = n.description.String()
	return n, nil
}

// untagged describes a commit without a tag.
func (r *repository) untagged(ctx context.Context, n *nearest) error {
	node, err := r.git(ctx, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
	if err != nil {
		return r.failed(err)
	}
	count, err := r.git(ctx, "rev-list", "--count", "HEAD")
	if err != nil {
		return r.failed(err)
	}
	node, n.Dirty = strings.CutSuffix(node, "-dirty")
	n.tagged, n.description = false, description{tag: noTagYet, node: "g" + node}
	n.distance, err = strconv.Atoi(count)
	return err
}

// description is the output of `git describe --long` in its parts. Without the last two it is a tag alone.
type description struct {
	tag      string
	distance int
	node     string
}

// full tells that the whole commit is known.
func (d description) full() bool { return len(d.node) > len("g")+39 }

// short is the commit as it is shown.
func (d description) short() string {
	if d.full() {
		return d.node[:len("g")+shortHash]
	}
	return d.node
}

// String writes a description as git does.
func (d description) String() string {
	if d.node == "" {
		return d.tag
	}
	return fmt.Sprintf("%s-%d-%s", d.tag, d.distance, d.short())
}

func parseDescription(says string) description {
	if i := strings.LastIndex(says, "-g"); i > 0 {
		if j := strings.LastIndexByte(says[:i], '-'); j > 0 {
			if n, err := strconv.Atoi(says[j+1 : i]); err == nil && n >= 0 {
				return description{tag: says[:j], distance: n, node: says[i+1:]}
			}
		}
	}
	return description{tag: says}
}

// shallow tells whether the repository lacks commits of its history.
func (r *repository) shallow(ctx context.Context) bool {
	dir := filepath.Join(r.root, ".git")
	if info, err := os.Stat(dir); err == nil && !info.IsDir() { // a linked work tree: its shallow file is elsewhere
		out, err := r.git(ctx, "rev-parse", "--is-shallow-repository")
		return err == nil && out == "true"
	}
	_, err := os.Stat(filepath.Join(dir, "shallow"))
	return err == nil
}

// gitError is what git said.
type gitError struct{ said string }

func (e *gitError) Error() string { return e.said }

// noTag tells whether git found no tag, in the words of its release 2.
func noTag(err error) bool {
	said, ok := errors.AsType[*gitError](err)
	return ok && slices.ContainsFunc([]string{"No names found", "No tags can describe", "No annotated tags can describe", "no tag exactly matches"},
		func(text string) bool { return strings.Contains(said.said, text) })
}

// failed tells that git does not answer.
func (r *repository) failed(err error) error {
	said, ok := errors.AsType[*gitError](err)
	if !ok {
		return err
	}
	return &diag.Error{Pos: r.pos, Code: "vcs-version", What: fmt.Sprintf("%s asks git for the version, and git says: %s", r.tool, said.said),
		Hint: "mend that, or set " + Variable(r.tool)}
}

// git runs git in the repository and returns its line.
func (r *repository) git(ctx context.Context, args ...string) (string, error) {
	all := []string{"--no-optional-locks", "--no-replace-objects"}
	for _, s := range gitSettings {
		all = append(all, "-c", s)
	}
	cmd := exec.CommandContext(ctx, r.program, append(all, args...)...) //nolint:gosec // git, with arguments that are looked at
	var out, said limited
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = r.root, &out, &said, gitWait
	cmd.Env = append(slices.DeleteFunc(os.Environ(), foreign), "LC_ALL=C", "GIT_CEILING_DIRECTORIES="+filepath.Dir(r.root), "GIT_TERMINAL_PROMPT=0")
	r.opt.Trace.Add(trace.Processes, 1)
	span := r.opt.Trace.Begin(trace.Process, "git "+args[0])
	err := cmd.Run()
	span.End()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return "", &gitError{complaint(said.String())}
	}
	if err != nil {
		return "", fmt.Errorf("git: %w", err)
	}
	return strings.TrimSpace(out.String()), nil
}

// foreign reports variables that lead git to another repository, as a hook has them, or that change what it prints. Settings may
// be given that way: which folders of others are safe, for one.
func foreign(v string) bool {
	return strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "GIT_CONFIG") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG")
}

// complaint is what git said, in one line that does nothing to a terminal.
func complaint(said string) string {
	said = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(strings.TrimSpace(said), "?"))
	if len(said) > maxMessage {
		said = strings.ToValidUTF8(said[:maxMessage], "") + "…"
	}
	return said
}

// limited keeps the first bytes that are written.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	_, _ = l.Buffer.Write(p[:min(len(p), max(0, maxOutput-l.Len()))])
	return len(p), nil
}
