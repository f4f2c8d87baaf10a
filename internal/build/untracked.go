package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/wheel"
)

// findUntracked returns the first-party files of the image that git does not track: those that are copied, those
// that the wheel is made of, and certificates.
func (in *inputs) findUntracked() ([]string, error) {
	untracked, err := in.files.UntrackedNamed(in.certificateFiles())
	if err != nil {
		return nil, err
	}
	untracked = slices.Concat(in.files.Untracked, untracked)
	if in.isPackage() {
		sources, err := in.files.UntrackedSources(sourcesIn(in.wheel, in.dynamic))
		if err != nil {
			return nil, err
		}
		untracked = append(untracked, sources...)
	}
	slices.Sort(untracked)
	return slices.Compact(untracked), nil
}

// sourcesIn returns the files on the host that a wheel was made of, or that a tree has.
func sourcesIn(w *wheel.Wheel, t *tree) (all []string) {
	if t != nil {
		return t.paths()
	}
	for _, f := range w.Files {
		if source, ok := f.Content.(unchanged); ok { // what the backend writes itself is in memory
			all = append(all, source.path)
		}
	}
	return all
}

// maxNamed is how many untracked files a problem names.
const maxNamed = 10

// untracked is the problem of files that would be in this image, and in nobody else's. Only --locked asks for it.
func (b *builder) untracked(in *inputs) (problems diag.List) {
	if !b.opt.Locked || b.opt.lockOnly {
		return nil
	}
	if in.files.Untold != "" {
		b.warn(diag.List{{Code: "untracked", What: "it cannot be told which files git tracks: " + in.files.Untold}})
	}
	out := "keep the rest out with files.exclude"
	if in.isPackage() {
		out = "have " + in.project.Backend.Name + " leave out the rest"
	}
	return untrackedProblem(in.untracked, out)
}

// untrackedProblem names files, and how to keep those out that do not belong into the image.
func untrackedProblem(untracked []string, out string) (problems diag.List) {
	n := len(untracked)
	if n == 0 {
		return nil
	}
	names := strings.Join(untracked[:min(n, maxNamed)], ", ")
	if n > maxNamed {
		names = fmt.Sprintf("%s and %d more", names, n-maxNamed)
	}
	problems.Add(&diag.Error{Code: "untracked", What: "in the image, but not tracked by git: " + names,
		Hint: "`git add` what belongs into the image, and " + out})
	return problems
}

// untrackedParts is the same of the folders among the dependencies.
func (b *builder) untrackedParts(in *inputs) error {
	if !b.opt.Locked {
		return nil
	}
	var sources []string
	for _, p := range in.parts {
		if p == nil || p.pkg.Kind != plan.KindLocal {
			continue
		}
		sources = append(sources, sourcesIn(p.wheel, p.source)...)
	}
	untracked, err := in.files.UntrackedBeside(sources)
	if err != nil {
		return err
	}
	return untrackedProblem(untracked, "have the folder's build backend leave out the rest").Err()
}
