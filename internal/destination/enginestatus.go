package destination

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"strings"

	"github.com/lithe-build/lithe/internal/docker"
)

// EngineStatus says whether an engine works here.
type EngineStatus struct {
	Name    string
	Version string // of the engine; "" if it does not tell
	Where   string // address or command; "" if it is not here
	Err     error  // why it does not work; nil if it does
}

// Engines asks every engine for its version, in the order in which FindEngine prefers them.
func Engines(ctx context.Context, opt EngineOptions) []EngineStatus {
	if opt.LookPath == nil {
		opt.LookPath = exec.LookPath
	}
	return []EngineStatus{
		askDocker(ctx, opt),
		askCommand(ctx, opt, "podman", "info", "--format", "{{.Version.Version}}"),
		askCommand(ctx, opt, "nerdctl", "info", "--format", "{{.ServerVersion}}"),
	}
}

// askDocker asks the engine itself: the docker command need not be here.
func askDocker(ctx context.Context, opt EngineOptions) EngineStatus {
	status := EngineStatus{Name: "docker"}
	host, err := docker.Find(opt)
	if err != nil {
		status.Err = err
		return status
	}
	status.Where = host.Address
	ctx, cancel := context.WithTimeout(ctx, docker.AnswerTimeout)
	defer cancel()
	var version struct{ Version string }
	status.Err = docker.New(host, opt.Trace).Get(ctx, "/version", &version)
	if inner, ok := errors.AsType[*url.Error](status.Err); ok {
		status.Err = inner.Err // the request is none that a user made
	}
	status.Version = version.Version
	return status
}

// errNotInPath says that there is no such command.
var errNotInPath = errors.New("there is no such command")

// askCommand asks an engine by its command, in a way that needs the engine to work.
func askCommand(ctx context.Context, opt EngineOptions, name string, args ...string) EngineStatus {
	status := EngineStatus{Name: name}
	path, err := opt.LookPath(name)
	if err != nil {
		status.Err = errNotInPath
		return status
	}
	status.Where = path
	out, err := command{name: name, path: path}.run(ctx, nil, args...)
	status.Version, status.Err = strings.TrimSpace(out), err
	return status
}
