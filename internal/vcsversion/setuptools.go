package vcsversion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/toml"
)

const (
	// archival is the file by which setuptools-scm 7 and later know a version where there is no repository. `git archive`
	// fills it in; here lithe does.
	archival = ".git_archival.txt"
	// metadata is the variable by which setuptools-scm 9 and later learn what such a file cannot say.
	metadata   = "SETUPTOOLS_SCM_PRETEND_METADATA"
	maxSetupPy = 4 << 20 // bytes
)

// harmless are the options of setuptools-scm that say what is made of the answer, which it does itself, in the sandbox.
var harmless = []string{"version_scheme", "local_scheme", "write_to", "write_to_template", "version_file", "version_file_template", "write_to_source",
	"tag_regex", "fallback_version", "parentdir_prefix_version", "version_cls", "normalize", "dist_name"}

// plainSchemes are the version schemes that look at tag, distance and changes alone.
var plainSchemes = []string{"", "guess-next-dev", "no-guess-dev", "only-version", "post-release", "python-simplified-semver", "semver-pep440"}

// askHatch asks for hatch-vcs, which hands its options on to setuptools-scm.
func askHatch(ctx context.Context, q *question) (*Answer, error) {
	t := q.Pyproject.Table("tool", "hatch", "version")
	if t.String("source") != "vcs" {
		return nil, nil
	}
	q.pos = t.KeyPos("source")
	if options := t.Table("raw-options"); options.Has("root") && options.String("root") != "." { // where setuptools-scm 10 would look for the answer
		return nil, &diag.Error{Pos: options.KeyPos("root"), Code: "vcs-version", What: "root leads out of the project, where a build sees nothing",
			Hint: "set search_parent_directories = true in its place, or " + Variable(q.tool)}
	}
	return q.askSCM(ctx, t.Table("raw-options"), "tool.hatch.version.raw-options", t.String("tag-pattern") != "", t.Has("fallback-version"))
}

// askSetuptools asks for setuptools-scm. Its options may also be in setup.py.
func askSetuptools(ctx context.Context, q *question) (*Answer, error) {
	if strings.HasPrefix(q.Pyproject.Table("build-system").String("build-backend"), "hatchling.") { // for which hatch-vcs asks
		return nil, nil
	}
	if err := q.setupPy(); err != nil {
		return nil, err
	}
	for _, key := range []string{"setuptools_scm", "vcs-versioning"} {
		if t := q.Pyproject.Table("tool", key); t != nil {
			q.pos = t.Pos
			return q.askSCM(ctx, t, "tool."+key, false, false)
		}
	}
	return q.askSCM(ctx, nil, "tool.setuptools_scm", false, false)
}

// telling finds options in a setup.py that would change what is asked.
var telling = lazyregexp.New(`describe|search_parent|relative_to|["']root\b|\broot\s*=|["']parse\b|\bparse\s*=`)

// setupPy refuses options in code that would change what is asked.
func (q *question) setupPy() error {
	f, err := os.Open(filepath.Join(q.Dir, "setup.py"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSetupPy))
	if err != nil {
		return err
	}
	_, options, used := strings.Cut(string(data), "use_scm_version")
	if !used {
		return nil
	}
	if word := telling.FindString(options); word != "" {
		return q.unknown(diag.Position{File: "setup.py"}, "use_scm_version has options in code (%s)", strings.Trim(word, `"'`))
	}
	return nil
}

// askSCM asks as setuptools-scm does by its options, which stand at a key.
func (q *question) askSCM(ctx context.Context, t *toml.Table, key string, pattern, fallback bool) (*Answer, error) {
	args, above, err := q.options(t, key)
	if err != nil {
		return nil, err
	}
	r, why, err := q.find(filepath.Join(q.Dir, filepath.FromSlash(t.String("root"))), above)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return q.without(why), nil
	}
	n, err := r.describe(ctx, args...)
	if err != nil {
		return nil, err
	}
	if !n.tagged {
		if fallback || t.Has("fallback_version") { // releases of the tool differ in what they make of it: without a repository it holds
			return q.without("no tag is found, so that fallback_version holds"), nil
		}
		if pattern || t.Has("tag_regex") || t.Table("tag") != nil {
			return q.without("no tag is found"), nil
		}
	}
	n.Files = []entry.Entry{entry.NewFile(archival, fmt.Appendf(nil, "node: %s\ndescribe-name: %s\n", strings.TrimPrefix(n.node, "g"), n.Says), false)}
	more, err := r.metadata(ctx, n, t.String("version_scheme"))
	if len(more) > 0 {
		n.Env = []string{metadata + "={" + strings.Join(more, ", ") + "}"}
	}
	return n.Answer, err
}

// metadata is what the version depends on and the file cannot say, as members of an inline table. Its releases show the commit in
// more digits than older ones.
func (r *repository) metadata(ctx context.Context, n *nearest, scheme string) (all []string, err error) {
	if n.full() {
		all = append(all, fmt.Sprintf("node = %q", n.node))
	}
	if n.Dirty {
		all = append(all, "dirty = true")
	}
	if slices.Contains(plainSchemes, scheme) {
		return all, nil
	}
	date, err := r.git(ctx, "log", "-n", "1", "--format=%cd", "--date=format:%Y-%m-%d", "HEAD")
	if err != nil {
		return nil, r.failed(err)
	}
	branch, err := r.git(ctx, "rev-parse", "--abbrev-ref", "HEAD")
	if err != nil {
		return nil, r.failed(err)
	}
	return append(all, "node_date = "+date, fmt.Sprintf("branch = %q", branch)), nil
}

// options reads those by which the question changes: the arguments of `git describe`, and whether the repository may be above.
func (q *question) options(t *toml.Table, key string) (args []string, above bool, err error) {
	glob := "*[0-9]*"
	var command *toml.Value
	for _, k := range t.Keys() {
		switch {
		case slices.Contains(harmless, k), k == "root":
		case k == "search_parent_directories":
			above, _ = t.Bool(k)
		case k == "git_describe_command":
			command = t.Value(k)
		case k == "tag" && t.Table(k) != nil:
			if glob, err = q.tagGlob(t.Table(k), key); err != nil {
				return nil, false, err
			}
		case k == "scm" && t.Table(k, "git") != nil && len(t.Table(k).Keys()) == 1:
			if command, err = q.scmGit(t.Table(k, "git"), key, command); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, q.unknown(t.KeyPos(k), "%s has %s", key, k)
		}
	}
	if command != nil {
		args, err = q.command(command)
		return args, above, err
	}
	return []string{"--dirty", "--tags", "--long", "--abbrev=40", "--match", glob}, above, nil
}

// tagGlob is the pattern that setuptools-scm 10 makes of prefix and strict.
func (q *question) tagGlob(t *toml.Table, key string) (string, error) {
	for _, k := range t.Keys() {
		if !slices.Contains([]string{"prefix", "strict", "regex"}, k) {
			return "", q.unknown(t.KeyPos(k), "%s.tag has %s", key, k)
		}
	}
	if strict, _ := t.Bool("strict"); strict {
		return t.String("prefix") + "*[0-9]*.*[0-9]*", nil
	}
	return t.String("prefix") + "*[0-9]*", nil
}

// scmGit returns the command that scm.git gives, else the one that is known. What it does before it asks, lithe does not do: a
// shallow clone is told.
func (q *question) scmGit(t *toml.Table, key string, command *toml.Value) (*toml.Value, error) {
	for _, k := range t.Keys() {
		switch k {
		case "describe_command":
			command = t.Value(k)
		case "pre_parse":
		default:
			return nil, q.unknown(t.KeyPos(k), "%s.scm.git has %s", key, k)
		}
	}
	return command, nil
}

// describeFlags are the arguments of `git describe` that a project may choose; those that end in = take a value.
var describeFlags = []string{"--dirty", "--tags", "--long", "--first-parent", "--always", "--abbrev=", "--candidates=", "--match=", "--exclude=", "--match", "--exclude"}

// command returns the arguments of a `git describe` of the project's own, given as a list or as words of a shell.
func (q *question) command(v *toml.Value) ([]string, error) {
	var words []string
	if text, ok := v.Str(); ok {
		words = shellWords(text)
	}
	for _, e := range v.Array() {
		word, _ := e.Str()
		words = append(words, word)
	}
	if len(words) < 2 || words[0] != "git" || words[1] != "describe" {
		return nil, q.unknown(v.Pos, "the command is not `git describe`")
	}
	args := words[2:]
	for i := 0; i < len(args); i++ {
		name, _, valued := strings.Cut(args[i], "=")
		if valued {
			name += "="
		}
		if !slices.Contains(describeFlags, name) {
			return nil, q.unknown(v.Pos, "`git describe` is called with %q", args[i])
		}
		if name == "--match" || name == "--exclude" {
			i++ // the next word is a pattern
		}
	}
	return args, nil
}

// shellWords splits a command as a shell does, as far as quotes go.
func shellWords(text string) (words []string) {
	var word strings.Builder
	quote, inside := rune(0), false
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inside = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(c)
			inside = true
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}
