package execute

import (
	"context"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// kind is one mechanism. probe tells why it does not work here, nil if it does.
type kind struct {
	executor Executor
	isolates bool
	probe    func(context.Context) error
}

// kinds are all executors, the best first.
var kinds = []kind{
	{executor: Namespace{}, isolates: true, probe: probeNamespace},
	{executor: Loader{}, isolates: false, probe: probeLoader},
}

// Status says whether an executor works here.
type Status struct {
	Name     string
	Isolates bool  // may run code that is not trusted
	Err      error // why it does not work; nil if it does
}

// Probe tries all executors, the best first.
func Probe(ctx context.Context) []Status {
	all := make([]Status, len(kinds))
	for i, k := range kinds {
		all[i] = k.status(ctx)
	}
	return all
}

func (k kind) status(ctx context.Context) Status {
	return Status{Name: k.executor.Name(), Isolates: k.isolates, Err: k.probe(ctx)}
}

// Need is what an executor is wanted for.
type Need struct {
	Name      string // of the executor; "" means the best that works
	Isolation bool   // the command runs code that lithe does not trust
}

// Choose returns the best executor that works here and does what is needed. The error gives a reason for each one.
func Choose(ctx context.Context, need Need) (Executor, error) {
	var reasons []string
	for _, k := range kinds {
		name := k.executor.Name()
		switch {
		case need.Name != "" && need.Name != name:
			continue
		case need.Isolation && !k.isolates:
			reasons = append(reasons, name+" does not isolate")
			continue
		}
		status := k.status(ctx)
		if status.Err == nil {
			return k.executor, nil
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

// Names returns what the executors are called, the best first.
func Names() []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = k.executor.Name()
	}
	return out
}
