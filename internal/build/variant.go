package build

import (
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// variant is the image of one platform: what is decided about it, and then what it is made of.
type variant struct {
	target    plan.Target
	facts     base.Facts     // of the base for this platform
	packages  []plan.Package // wheels selected for the target
	code      []plan.Package // selected as source code
	named     named          // files that an index or lithe.lock named, where the lock does not
	entry     project.EntryPoint
	plan      *plan.Plan
	system    system         // packages of Debian: what the project asks for, and what its distributions need
	libraries []base.Library // the latter

	build   *plan.Build // of the project's own wheel, where its backend makes it
	own     *ownCode
	dropped map[string][]string // by distribution: paths that another one owns
	ground  []made              // the base's layers
	wheels  []made
	parts   []*part // source code of other projects
	top     made    // first-party code
}

// name returns "linux/arm64".
func (v *variant) name() string { return v.target.Platform.String() }

// layers returns all layers, lowest first.
func (v *variant) layers() []made {
	all := make([]made, 0, len(v.ground)+len(v.wheels)+1)
	all = append(append(all, v.ground...), v.wheels...)
	for _, part := range v.parts {
		all = append(all, part.layer)
	}
	return append(all, v.top)
}

// mark begins a line about one of several platforms.
func (d *decision) mark(v *variant) string { return marked(v.name(), len(d.variants) > 1) }

func marked(platform string, several bool) string {
	if several {
		return platform + ": "
	}
	return ""
}
