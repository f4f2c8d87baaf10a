package doctor

import (
	"context"

	"github.com/lithe-build/lithe/internal/destination"
)

// checkEngines asks the engines for their versions. A build needs none.
func checkEngines(ctx context.Context, p *patient) []Finding {
	return engines(destination.Engines(ctx, p.Engine))
}

func engines(all []destination.EngineStatus) []Finding {
	var found []Finding
	working := false
	for _, s := range all {
		switch {
		case s.Err == nil:
			working = true
			found = append(found, fine("%s %s at %s", s.Name, s.Version, s.Where))
		case s.Where != "":
			found = append(found, lack("start it, or set DOCKER_HOST to where it is", "%s at %s does not answer: %v", s.Name, s.Where, s.Err))
		default:
			found = append(found, note("%s: %v", s.Name, s.Err))
		}
	}
	for i := range found {
		switch f := &found[i]; {
		case !working || f.Status != Lack:
		default: // another one works, so nobody lacks this one
			f.Status, f.Fix = Note, ""
		}
	}
	if !working {
		found = append(found, lack("start Docker or Podman for `--load`; without one, `lithe run` uses its own sandbox", "no engine works"))
	}
	return found
}
