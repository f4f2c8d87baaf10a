package build

import (
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
)

// Members returns the names of the workspace's members that stand in the lock, sorted; of a project that is no workspace, its
// own name alone.
func Members(opt Options) ([]string, error) {
	in := &inputs{parts: map[string]*part{}, readings: opt.readings()}
	opt = opt.atRoot()
	opt.inside, opt.Package = "", ""
	if err := in.readPlace(opt); err != nil {
		return nil, err
	}
	var names []string
	for _, i := range in.lock.Members {
		names = append(names, in.lock.Packages[i].Name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// IsLibrary reports the error of a member that names no command to run, as those that others depend on do not.
func IsLibrary(err error) bool {
	problems, ok := diag.Problems(err)
	return ok && !slices.ContainsFunc(problems, func(p *diag.Error) bool { return p.Code != "no-entrypoint" })
}
