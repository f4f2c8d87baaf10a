package build

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// supported are the platforms that images are built for.
var supported = []string{"linux/amd64", "linux/arm64"}

// hostPlatform is the platform whose programs this machine runs: a Mac with Apple's processor has containers of
// linux/arm64.
func (o Options) hostPlatform() string {
	if o.host != "" {
		return o.host
	}
	return "linux/" + runtime.GOARCH
}

// choosePlatforms decides on the platforms: those of the option, else of the configuration, else the machine's. Their order
// decides nothing, so that one set has one digest. All that cannot be built are reported together.
func (in *inputs) choosePlatforms(opt Options) error {
	e := project.Evidence{Decision: "platforms", Reason: "it is this machine's", Override: "platforms"}
	named := []string{opt.hostPlatform()}
	pos, configured := in.config.Position("platforms")
	switch {
	case len(opt.Platforms) > 0:
		named, e.Reason = opt.Platforms, "--platform says so"
	case configured:
		named, e.Reason, e.Pos = in.config.Platforms, "the configuration says so", pos
	}
	var problems diag.List
	for _, name := range named {
		p, err := plan.ParsePlatform(name)
		if err != nil || !slices.Contains(supported, p.String()) {
			problems.Add(&diag.Error{Pos: e.Pos, Code: "unsupported-platform", What: fmt.Sprintf("platform %q is not supported", name),
				Hint: "use " + strings.Join(supported, " or ")})
			continue
		}
		in.platforms = append(in.platforms, p)
	}
	slices.SortFunc(in.platforms, func(a, b plan.Platform) int { return strings.Compare(a.String(), b.String()) })
	in.platforms = slices.Compact(in.platforms)
	e.Value = strings.Join(platformNames(in.platforms), ", ")
	in.decisions = append(in.decisions, e)
	in.platforms = opt.narrow(in.platforms)
	return problems.Err()
}

func platformNames(platforms []plan.Platform) (names []string) {
	for _, p := range platforms {
		names = append(names, p.String())
	}
	return names
}

// narrow leaves one platform where one is wanted: the machine's if it is among them, else the first.
func (o Options) narrow(platforms []plan.Platform) []plan.Platform {
	if !o.One || len(platforms) == 0 {
		return platforms
	}
	i := slices.IndexFunc(platforms, func(p plan.Platform) bool { return p.String() == o.hostPlatform() })
	return platforms[max(i, 0) : max(i, 0)+1]
}
