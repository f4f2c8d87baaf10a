package build

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
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

// choosePlatforms returns the platforms to build for: those of the option, else of the configuration, else the machine's.
// Their order decides nothing, so that one set has one digest. All that cannot be built are reported together.
func (in *inputs) choosePlatforms(opt Options) ([]plan.Platform, error) {
	named := opt.Platforms
	pos := diag.Position{}
	if len(named) == 0 {
		named = in.config.Platforms
		pos, _ = in.config.Position("platforms")
	}
	if len(named) == 0 {
		named = []string{opt.hostPlatform()}
	}
	var problems diag.List
	var platforms []plan.Platform
	for _, name := range named {
		p, err := plan.ParsePlatform(name)
		if err != nil || !slices.Contains(supported, p.String()) {
			problems.Add(&diag.Error{Pos: pos, Code: "unsupported-platform", What: fmt.Sprintf("platform %q is not supported", name),
				Hint: "use " + strings.Join(supported, " or ")})
			continue
		}
		platforms = append(platforms, p)
	}
	slices.SortFunc(platforms, func(a, b plan.Platform) int { return strings.Compare(a.String(), b.String()) })
	return opt.narrow(slices.Compact(platforms)), problems.Err()
}

// narrow leaves one platform where one is wanted: the machine's if it is among them, else the first.
func (o Options) narrow(platforms []plan.Platform) []plan.Platform {
	if !o.One || len(platforms) == 0 {
		return platforms
	}
	i := slices.IndexFunc(platforms, func(p plan.Platform) bool { return p.String() == o.hostPlatform() })
	return platforms[max(i, 0) : max(i, 0)+1]
}
