package execute

import (
	"context"

	"github.com/lithe-build/lithe/internal/trace"
)

// Traced returns an executor that tells a recorder of each program that it starts.
func Traced(e Executor, r *trace.Recorder) Executor {
	if r == nil {
		return e
	}
	return traced{e, r}
}

type traced struct {
	Executor
	recorder *trace.Recorder
}

// Run runs the command as the executor inside does.
func (t traced) Run(ctx context.Context, root string, c Command) (int, error) {
	t.recorder.Add(trace.Processes, 1)
	name := t.Name()
	if len(c.Args) > 0 {
		name = c.Args[0]
	}
	defer t.recorder.Begin(trace.Process, name).End()
	return t.Executor.Run(ctx, root, c)
}
