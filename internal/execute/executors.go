package execute

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docker"
)

// kind is one mechanism. probe tells why it does not work here, nil if it does.
type kind struct {
	name     string
	isolates bool
	make     func(docker.Options) Executor
	probe    func(context.Context, docker.Options) error
}

// engineName is what the executor of an engine is called.
const engineName = "engine"

// kinds are all executors, the best first. An engine is last: it may be far away, and has to be sent every file.
var kinds = []kind{
	{"namespace", true, func(docker.Options) Executor { return Namespace{} }, func(ctx context.Context, _ docker.Options) error { return probeNamespace(ctx) }},
	{"loader", false, func(docker.Options) Executor { return Loader{} }, func(ctx context.Context, _ docker.Options) error { return probeLoader(ctx) }},
	{engineName, true, func(opt docker.Options) Executor { return Engine{Docker: opt} }, probeEngine},
}

// Status says whether an executor works here.
type Status struct {
	Name     string
	Isolates bool  // may run code that is not trusted
	Err      error // why it does not work; nil if it does
}

// Probe tries all executors, the best first.
func Probe(ctx context.Context, opt docker.Options) []Status {
	all := make([]Status, len(kinds))
	for i, k := range kinds {
		all[i] = k.status(ctx, opt)
	}
	return all
}

func (k kind) status(ctx context.Context, opt docker.Options) Status {
	return Status{Name: k.name, Isolates: k.isolates, Err: k.probe(ctx, opt)}
}

// Need is what an executor is wanted for.
type Need struct {
	Name      string // of the executor; "" means the best that works
	Isolation bool   // the command runs code that lithe does not trust

	Docker docker.Options // where the engine is
}

// Choose returns the best executor that works here and does what is needed. The error gives a reason for each one.
func Choose(ctx context.Context, need Need) (Executor, error) {
	var reasons []string
	for _, k := range kinds {
		name := k.name
		switch {
		case need.Name != "" && need.Name != name:
			continue
		case need.Isolation && !k.isolates:
			reasons = append(reasons, name+" does not isolate")
			continue
		}
		status := k.status(ctx, need.Docker)
		if status.Err == nil {
			return k.make(need.Docker), nil
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", name, status.Err))
	}
	return nil, noExecutor(need, reasons)
}

func noExecutor(need Need, reasons []string) error {
	if len(reasons) == 0 {
		return &diag.Error{Code: "unknown-executor", What: fmt.Sprintf("no executor is called %q", need.Name),
			Hint: "the executors are " + strings.Join(Names(), ", ")}
	}
	hint := "start Docker or Podman, or let ordinary users of this machine make namespaces"
	if !need.Isolation {
		hint = "build on Linux, or set `bytecode = false` in [tool.lithe]"
	}
	return &diag.Error{Code: "no-executor", Hint: hint,
		What: "no command can be run in a root file system here: " + strings.Join(reasons, "; ")}
}

// Isolates tells whether an executor of that name may run code that is not trusted.
func Isolates(name string) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.name == name && k.isolates })
}

// Names returns what the executors are called, the best first.
func Names() []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = k.name
	}
	return out
}
