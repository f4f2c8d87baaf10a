package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// findUntracked returns the first-party files of the image that git does not track: those that are copied, and those
// that the wheel is made of.
func (in *inputs) findUntracked() ([]string, error) {
	if in.wheel == nil {
		return in.files.Untracked, nil
	}
	var sources []string
	for _, f := range in.wheel.Files {
		if source, ok := f.Content.(unchanged); ok { // what the backend writes itself is in memory
			sources = append(sources, source.path)
		}
	}
	untracked, err := in.files.UntrackedSources(sources)
	if err != nil {
		return nil, err
	}
	untracked = slices.Concat(in.files.Untracked, untracked)
	slices.Sort(untracked)
	return slices.Compact(untracked), nil
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
	n := len(in.untracked)
	if n == 0 {
		return nil
	}
	names := strings.Join(in.untracked[:min(n, maxNamed)], ", ")
	if n > maxNamed {
		names = fmt.Sprintf("%s and %d more", names, n-maxNamed)
	}
	out := "keep the rest out with files.exclude"
	if in.wheel != nil {
		out = "have " + in.project.Backend.Name + " leave out the rest"
	}
	problems.Add(&diag.Error{Code: "untracked", What: "in the image, but not tracked by git: " + names,
		Hint: "`git add` what belongs into the image, and " + out})
	return problems
}
