package build

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/plan"
)

// verifyBuilds builds once more whatever the project has from source, and compares. All that differs is one error.
func (b *builder) verifyBuilds(ctx context.Context) error {
	if !b.opt.VerifyBuilds || len(b.recipes) == 0 {
		return nil
	}
	var problems diag.List
	recipes := b.sortedRecipes()
	for _, r := range recipes {
		differences, err := r.frontend.again(ctx, r)
		if err != nil {
			return err
		}
		if len(differences) > 0 {
			problems.Add(differs(r, differences))
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	b.ended("build", "%s, twice with the same files", count(len(recipes), "package"))
	return nil
}

// again builds a recipe at another time, with one process at once, and returns what differs from the wheel that is kept.
func (f *frontend) again(ctx context.Context, r *recipe) (differences []pep517.Difference, err error) {
	b := f.builder
	kept, err := b.built(ctx, plan.Package{Name: r.pkg.Name, Version: r.pkg.Version, Build: &plan.Build{Key: r.key}})
	if err != nil {
		return nil, err
	}
	wheels, err := b.openAll(ctx, r.requires)
	if err != nil {
		return nil, err
	}
	b.opt.on(Event{Stage: "build", Item: r.what() + " again"})
	err = f.inTree(ctx, r, func(tree *pep517.Tree, _ *os.File) error {
		tree.OneJob()
		path, err := f.wheelOf(ctx, r, tree, wheels)
		if err != nil {
			return err
		}
		second, err := f.check(r, path)
		if err != nil {
			return err
		}
		differences, err = pep517.Compare(kept, second)
		return err
	})
	return differences, err
}

// maxDifferences is how many files that differ are shown.
const maxDifferences = 20

// differs is the problem of a build that does not repeat itself.
func differs(r *recipe, all []pep517.Difference) *diag.Error {
	var detail strings.Builder
	for i, d := range all {
		if i == maxDifferences {
			fmt.Fprintf(&detail, "and %d more\n", len(all)-i)
			break
		}
		fmt.Fprintln(&detail, d)
	}
	return &diag.Error{Pos: r.pkg.Pos, Code: "build-differs", Detail: detail.String(),
		What: fmt.Sprintf("%s: two builds of the same source differ in %s", r.what(), count(len(all), "file")),
		Hint: "the build writes a clock, random numbers or the machine into its files: tell its authors, or lock a version that has a wheel"}
}
