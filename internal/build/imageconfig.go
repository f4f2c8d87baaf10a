package build

import (
	"github.com/lithe-build/lithe/internal/image"
	"github.com/lithe-build/lithe/internal/plan"
)

func imageConfig(c plan.Config) image.Config {
	return image.Config{
		Created: c.Created, Platform: image.Platform{OS: c.Platform.OS, Arch: c.Platform.Arch}, Env: c.Env, Entrypoint: c.Entrypoint,
		Cmd: c.Cmd, User: c.User, WorkingDir: c.WorkingDir, Labels: c.Labels, Annotations: c.Annotations,
		ExposedPorts: c.ExposedPorts, Volumes: c.Volumes, StopSignal: c.StopSignal,
	}
}
