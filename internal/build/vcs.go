package build

import (
	"context"
	"fmt"
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/vcsversion"
)

// askVCS asks version control for the version of a tree, once, where its backend would. What is told then stands beside its
// sources, and so in the key of its wheel.
func (f *frontend) askVCS(ctx context.Context, t *tree) error {
	if t.asksVCS {
		return nil
	}
	src := vcsversion.Source{Dir: t.project.Dir, Pyproject: t.project.Pyproject, Requires: t.asked}
	a, err := vcsversion.Ask(ctx, src, vcsversion.Options{Trace: f.builder.opt.Trace})
	if err != nil {
		return err
	}
	t.vcs, t.asksVCS = a, true
	if a == nil || a.Says == "" {
		return nil
	}
	t.files = replaced(t.files, a.Files)
	f.decision.decisions = append(f.decision.decisions, project.Evidence{Decision: "version", Value: a.Says, Pos: a.Pos,
		Override: vcsversion.Variable(a.Tool), Reason: "git describes the commit so, for " + a.Tool})
	f.builder.warn(vcsWarnings(a))
	return nil
}

// vcsWarnings tells what the version does not say, or may say otherwise elsewhere.
func vcsWarnings(a *vcsversion.Answer) (all diag.List) {
	if a.Dirty {
		all.Add(&diag.Error{Pos: a.Pos, Code: "uncommitted", What: "files that git tracks were changed and are in no commit: the version tells no more than " +
			a.Says + ", and dates the changes 1980-01-02 if at all",
			Hint: "commit them, or set " + vcsversion.Variable(a.Tool)})
	}
	if a.Shallow {
		all.Add(&diag.Error{Pos: a.Pos, Code: "shallow-clone", What: fmt.Sprintf("this clone is shallow, so that git may count otherwise than in a whole one: it says %s", a.Says),
			Hint: "`git fetch --unshallow --tags` (in GitHub Actions: fetch-depth: 0)"})
	}
	return all
}

// versioners are build requirements by which a version comes from version control.
var versioners = []string{"setuptools-scm", "vcs-versioning", "hatch-vcs", "setuptools-git-versioning", "versioningit", "poetry-dynamic-versioning",
	"uv-dynamic-versioning", "versioneer", "dunamai", "setuptools-git"}

// versioner returns the one of them that a backend is asked for, "" for none. pdm-backend is one by itself.
func versioner(asked []requirement.Requirement) string {
	for _, r := range asked {
		if n := name.Normalize(r.Name); slices.Contains(versioners, n) {
			return n
		}
	}
	return ""
}

// versioner returns the tool that the backend of a tree asks for its version, "" for none.
func (t *tree) versioner() string {
	tool := versioner(t.asked)
	if tool == "" && t.project.Pyproject.Table("tool", "pdm", "version").String("source") == "scm" {
		tool = "pdm-backend"
	}
	return tool
}

// partEnv returns the variables by which the backend of source code beside the project's own gets its version, nil where it asks
// for none. A commit has the version that the lock has for it, since whoever locked asked its repository: the checkout has one
// commit and no tags. A folder gets what the user set, as it would by other tools.
func (b *builder) partEnv(t *tree, pkg plan.Package) []string {
	variable := vcsversion.Variable(t.versioner())
	switch {
	case variable == "" || t.version != "":
		return nil
	case pkg.Kind == plan.KindLocal:
		return b.opt.BuildEnv
	case pkg.Version == "":
		return nil
	}
	return []string{variable + "=" + pkg.Version}
}

// versionHint tells how a version gets into a build that does not see version control, "" where it needs none.
func versionHint(asked []requirement.Requirement) string {
	tool := versioner(asked)
	variable := vcsversion.Variable(tool)
	switch {
	case tool == "":
		return ""
	case tool == "versioningit":
		return "versioningit asks version control for the version, which a build does not see, and takes none from a variable: set default-version in [tool.versioningit]"
	case variable == "":
		variable = "it as " + tool + " documents"
	case tool == "hatch-vcs":
		variable += ", which hatch-vcs reads as well"
	}
	return fmt.Sprintf("%s asks version control for the version, which a build does not see: set %s", tool, variable)
}
