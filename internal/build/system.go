package build

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/store"
)

// system is what the project asks for in system-packages.
type system struct {
	wants  []base.Want // of the target that is built
	all    []base.Want // of every target: lithe.lock has them all
	accept []string

	files map[string]base.Want // those that are files of the project, by path
	build []base.Want          // what building needs, of every target: one builder makes the same wheels for all of them

	repositories []repository // where all of them may come from beside Debian's own archive
}

// readSystem reads the keys of system packages.
func (in *inputs) readSystem() error {
	err := in.readRepositories()
	if err != nil {
		return err
	}
	if in.system.wants, err = in.parseWants(in.config.SystemPackages); err != nil {
		return err
	}
	if in.system.build, err = in.parseWants(in.allPackages(project.Config.BuildNeeds)); err != nil {
		return err
	}
	in.system.accept = slices.Sorted(slices.Values(in.config.AcceptUnrunScripts))
	in.system.all, err = in.parseWants(in.allPackages(project.Config.SystemNeeds))
	return err
}

// parseWants reads a list of packages. Files among them are read once, whichever targets name them.
func (in *inputs) parseWants(packages []project.SystemPackage) ([]base.Want, error) {
	var wants []base.Want
	for _, p := range packages {
		w, err := in.parseWant(p)
		if err != nil {
			return nil, err
		}
		wants = append(wants, w)
	}
	return wants, nil
}

func (in *inputs) parseWant(p project.SystemPackage) (base.Want, error) {
	file, local := strings.CutPrefix(p.Want, "./")
	if !local {
		return base.ParseWant(p.Want, p.Pos)
	}
	if w, ok := in.system.files[file]; ok {
		return w, nil
	}
	f, err := in.project.OpenNamed(project.Placed{Text: file, Pos: p.Pos})
	if err != nil {
		return base.Want{}, err
	}
	defer f.Close()
	w, err := base.ReadLocal(f, file, p.Pos)
	if in.system.files == nil {
		in.system.files = map[string]base.Want{}
	}
	in.system.files[file] = w
	return w, err
}

// withSystem returns pins whose system packages are those that the project asks for. Where lithe.lock has others, they
// are resolved from today's indexes, and base and interpreter stay.
func (b *builder) withSystem(ctx context.Context, in *inputs, pins *base.Pins) (*base.Pins, error) {
	moved := pins.SourcesDiffer(b.bases.Sources)
	if moved == nil && slices.Equal(pins.System, base.WantStrings(in.system.all)) && pins.HasLocal(in.system.all) {
		return pins, nil
	}
	if b.opt.Locked && moved != nil {
		moved.Hint = hintStale
		return nil, moved
	}
	if b.opt.Locked {
		return nil, outOfDate(in)
	}
	defer b.time("index")()
	opt := b.bases
	opt.System = in.system.all
	extended, err := base.Extend(ctx, b.client, pins, opt, b.onBase)
	if err != nil {
		return nil, err
	}
	if len(in.system.all) > 0 {
		b.ended("index", "system packages of %s as of %s", extended.Name, extended.Newest().Format(time.DateOnly))
	}
	return extended, nil
}

// systemLayer is the layer of the system packages of a platform.
func (g *ground) systemLayer(ctx context.Context) (made, error) {
	selection, _ := g.pins.Selection(g.platform)
	key := systemKey{Format: layer.Format, Assembly: base.Format, Base: append(debDigests(g.pins, g.platform), selection.Image.DiffIDs()...),
		Packages: pinDigests(selection.SystemPins(g.system.wants)), Wants: base.WantStrings(g.system.wants), Accept: g.system.accept}
	return g.builder.cached(ctx, store.Key(key), plan.SystemLayer, func() (layer.Contents, error) {
		return g.contents(ctx, plan.SystemLayer)
	})
}
