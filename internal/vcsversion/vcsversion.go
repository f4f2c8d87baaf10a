// Package vcsversion asks version control for the version of source code whose build backend would ask it.
//
// pyproject.toml and a folder go in; what the sandbox gets beside the sources comes out, in the form that the backend's tool
// itself reads where there is no repository: a .git_archival.txt for setuptools-scm and hatch-vcs, so that the project's own
// scheme makes the version of it, and a variable for pdm-backend. The folder is not written to, no code of the project runs,
// and the answer is a function of the commit, its tags and whether tracked files were changed, never of the day: where a tool
// would write today's date, it is that of every file of an image. A configuration that lithe does not know is an error.
// See https://setuptools-scm.readthedocs.io/en/latest/usage/#git-archives, https://github.com/ofek/hatch-vcs and
// https://backend.pdm-project.org/metadata/#dynamic-version-from-scm.
package vcsversion

import (
	"context"
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/toml"
	"github.com/lithe-build/lithe/internal/trace"
)

// Source is source code that a backend builds.
type Source struct {
	Dir       string // on the host
	Pyproject *toml.Table
	Requires  []requirement.Requirement // build-system.requires
}

// Options say how version control is asked. The zero value works where git is on PATH.
type Options struct {
	Git   string // the program; "" means that of PATH
	Trace *trace.Recorder
}

// Answer is what version control says. A nil Answer means that nobody asks.
type Answer struct {
	Tool  string        // the distribution that asks
	Pos   diag.Position // of what makes it ask
	Says  string        // "v1.2-3-g0123abc", as git describe has it; "" where there is no answer
	Why   string        // there is none; "" where there is one
	Dirty bool          // tracked files differ from the commit
	// Shallow says that commits of the history are missing, so that others may count otherwise.
	Shallow bool

	Files []entry.Entry // that stand beside the sources, in place of files of the same path
	Env   []string      // "NAME=value", of the backend
}

// Unanswered is a hint for whoever finds that the backend has no version, "" where it has one.
func (a *Answer) Unanswered() string {
	if a.Why == "" {
		return ""
	}
	return fmt.Sprintf("%s asks git for the version, but %s: set %s", a.Tool, a.Why, Variable(a.Tool))
}

// tools are those that ask version control, as far as lithe knows what they ask, in order of who is asked first.
var tools = []struct {
	distribution string
	ask          func(context.Context, *question) (*Answer, error)
}{
	{"hatch-vcs", askHatch},
	{"setuptools-scm", askSetuptools},
	{"vcs-versioning", askSetuptools},
	{"pdm-backend", askPDM},
}

// Ask asks. What a project of the user's can be mended is a diag.Error.
func Ask(ctx context.Context, src Source, opt Options) (*Answer, error) {
	if !dynamic(src.Pyproject) {
		return nil, nil
	}
	for _, tool := range tools {
		i := slices.IndexFunc(src.Requires, func(r requirement.Requirement) bool { return name.Normalize(r.Name) == tool.distribution })
		if i < 0 {
			continue
		}
		q := &question{Source: src, opt: opt, tool: tool.distribution, pos: src.Pyproject.Table("build-system").KeyPos("requires")}
		answer, err := tool.ask(ctx, q)
		if answer != nil || err != nil {
			return answer, err
		}
	}
	return nil, nil
}

// dynamic tells whether the version is left to the backend.
func dynamic(pyproject *toml.Table) bool {
	t := pyproject.Table("project")
	return t == nil || slices.Contains(t.Strings("dynamic"), "version")
}

// question is one tool's.
type question struct {
	Source
	opt  Options
	tool string
	pos  diag.Position
}

// answer begins one.
func (q *question) answer() *Answer { return &Answer{Tool: q.tool, Pos: q.pos} }

// without is the answer where there is no repository to ask.
func (q *question) without(why string) *Answer {
	a := q.answer()
	a.Why = why
	return a
}

// unknown is an error about a configuration that lithe does not know how to follow.
func (q *question) unknown(pos diag.Position, format string, args ...any) error {
	return &diag.Error{Pos: pos, Code: "vcs-version", What: fmt.Sprintf(format, args...) + ", which lithe does not follow",
		Hint: "give the version: set " + Variable(q.tool)}
}

// Variable names the environment variable by which a tool takes a version; "" where it has none.
func Variable(tool string) string {
	switch tool {
	case "pdm-backend":
		return "PDM_BUILD_SCM_VERSION"
	case "poetry-dynamic-versioning":
		return "POETRY_DYNAMIC_VERSIONING_BYPASS"
	case "uv-dynamic-versioning":
		return "UV_DYNAMIC_VERSIONING_BYPASS"
	case "setuptools-scm", "hatch-vcs", "vcs-versioning":
		return "SETUPTOOLS_SCM_PRETEND_VERSION"
	}
	return ""
}
