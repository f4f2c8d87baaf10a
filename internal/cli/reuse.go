package cli

import (
	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/registry"
)

// addReuseFlags gives a command the flags that say what it takes from earlier builds.
func addReuseFlags(cmd *cobra.Command, p *projectFlags) {
	f := cmd.Flags()
	f.StringVar(&p.opt.Reuse, "reuse", "", "`where` layers of earlier builds are taken from: registry, the repositories that are pushed to, or none; else what the key says")
	f.StringVar(&p.opt.LayerRepository, "layer-repository", "", "`repository` that has the layers of dependencies of several projects, with --reuse=registry")
	f.BoolVar(&p.opt.VerifyBuilds, "verify-builds", false, "build twice what is built from source, and stop where files differ")
	f.StringVar(&p.opt.VerifyLayers, "verify-layers", "", "make reused layers, too, and compare: `which`, all or sample")
}

// checkReuse refuses values that mean nothing.
func checkReuse(opt build.Options) error {
	switch opt.Reuse {
	case "", "none", build.ReuseRegistry:
	default:
		return usagef("--reuse is registry or none, not %q", opt.Reuse)
	}
	switch opt.VerifyLayers {
	case "", build.VerifyAll, build.VerifySample:
	default:
		return usagef("--verify-layers is all or sample, not %q", opt.VerifyLayers)
	}
	if opt.LayerRepository == "" {
		return nil
	}
	_, err := registry.Repository(opt.LayerRepository)
	return asUsage(err)
}
