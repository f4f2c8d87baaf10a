package artifact

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/trace"
)

// git is a repository of our own in a temporary folder, into which one commit is fetched.
type git struct {
	program string
	dir     string
	source  checkoutSource
	trace   *trace.Recorder
}

const (
	// maxGitOutput is in bytes: the list of half a million files has less.
	maxGitOutput = 256 << 20
	// maxGitMessage is how much of git's complaint is shown.
	maxGitMessage = 300
	// gitWait is how long git may take to end after it was told to.
	gitWait = 5 * time.Second
)

// gitSettings stand above everything that the host or the user configured: nothing that git fetches may run anything.
var gitSettings = []string{"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "core.attributesFile=" + os.DevNull, "gc.auto=0",
	"maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false", "advice.detachedHead=false", "protocol.version=2",
	"core.alternateRefsCommand=", "uploadpack.packObjectsHook=", "fetch.fsckObjects=false", "transfer.bundleURI=false"}

// gitForeign are the variables by which git is led to another repository, or tells more than a message should.
var gitForeign = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_TEMPLATE_DIR", "GIT_PREFIX", "GIT_ATTR_SOURCE", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE",
	"GIT_GRAFT_FILE", "GIT_EXTERNAL_DIFF", "GIT_EXEC_PATH", "GIT_CURL_VERBOSE", "GIT_CEILING_DIRECTORIES", "GIT_DEFAULT_HASH"}

func newGit(opt GitOptions, s checkoutSource) (*git, error) {
	program, err := findGit(opt.Path)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lithe-git-")
	if err != nil {
		return nil, err
	}
	return &git{program: program, dir: dir, source: s, trace: opt.Trace}, nil
}

func (g *git) close() { _ = os.RemoveAll(g.dir) }

// fetch brings the commit, by itself where the server gives it, else with everything that branches and tags lead to.
func (g *git) fetch(ctx context.Context, commit string) error {
	format := "sha1"
	if len(commit) > 40 {
		format = "sha256"
	}
	if _, err := g.run(ctx, nil, "init", "--quiet", "--bare", "--template=", "--object-format="+format, g.dir); err != nil {
		return err
	}
	address := g.source.repository.plain
	_, first := g.run(ctx, nil, "fetch", "--quiet", "--no-tags", "--depth=1", "--", address, commit)
	if first != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Only a server that answers can be one that gives no single commits.
		if _, err := g.run(ctx, nil, "fetch", "--quiet", "--no-tags", "--", address, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"); err != nil {
			return err
		}
	}
	out, err := g.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", commit+"^{commit}")
	if err != nil || strings.TrimSpace(string(out)) != commit {
		return &diag.Error{Pos: g.source.pos, Code: "git-commit", What: fmt.Sprintf("%s: %s has no commit %s", g.source.who, address, commit),
			Hint: "it may have been removed by a forced push; lock again"}
	}
	return nil
}

// run runs git and returns what it prints.
func (g *git) run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	all := []string{"--git-dir=" + g.dir, "--no-replace-objects", "--no-optional-locks"}
	for _, s := range gitSettings {
		all = append(all, "-c", s)
	}
	cmd := exec.CommandContext(ctx, g.program, append(all, args...)...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env, cmd.WaitDelay = g.dir, stdin, &limited{w: &out, left: maxGitOutput}, &limited{w: &said, left: 1 << 16, rest: true}, g.environment(os.Environ()), gitWait
	g.trace.Add(trace.Processes, 1)
	span := g.trace.Begin(trace.Process, "git "+args[0])
	err := cmd.Run()
	span.End()
	if err == nil {
		return out.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, io.ErrShortWrite) {
		return nil, fmt.Errorf("%s: git %s prints more than %d bytes", g.source.who, args[0], maxGitOutput)
	}
	return nil, fmt.Errorf("%s: git %s of %s: %s; credentials are those of git itself: its helpers, netrc, ssh",
		g.source.who, args[0], g.source.repository.plain, complaint(said.String(), err))
}

// environment is the process's own without what leads astray. It asks nobody at a terminal. Credentials of the address go
// this way and not over the command line, which every user of the machine can read.
func (g *git) environment(own []string) []string {
	settings := 0
	env := slices.DeleteFunc(slices.Clone(own), func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		if name == "GIT_CONFIG_COUNT" {
			settings, _ = strconv.Atoi(value)
			return true
		}
		return slices.Contains(gitForeign, name) || strings.HasPrefix(name, "GIT_TRACE")
	})
	env = append(env, "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL="+g.source.repository.protocols, "GIT_LFS_SKIP_SMUDGE=1", "GIT_ATTR_NOSYSTEM=1", "LC_ALL=C")
	if !slices.ContainsFunc(own, func(v string) bool { return strings.HasPrefix(v, "GIT_SSH") }) {
		env = append(env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	if user := g.source.repository.user; user != nil {
		password, _ := user.Password()
		login := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=http.%s.extraHeader", settings, g.source.repository.plain),
			fmt.Sprintf("GIT_CONFIG_VALUE_%d=Authorization: Basic %s", settings, login))
		settings++
	}
	return append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(settings))
}

// complaint is the end of what git said, in one line. A server can have git say anything.
func complaint(said string, err error) string {
	said = strings.TrimSpace(strings.ToValidUTF8(said, "?"))
	said = strings.Map(func(r rune) rune {
		if r == '\n' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, said)
	if said == "" {
		return err.Error()
	}
	if len(said) > maxGitMessage {
		said = strings.ToValidUTF8(said[len(said)-maxGitMessage:], "")
	}
	return said
}

// limited takes as many bytes as are left, and then fails, or passes over the rest.
type limited struct {
	w    io.Writer
	left int
	rest bool
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		if !l.rest {
			return 0, io.ErrShortWrite
		}
		_, err := l.w.Write(p[:l.left])
		l.left = 0
		return len(p), err
	}
	l.left -= len(p)
	return l.w.Write(p)
}
