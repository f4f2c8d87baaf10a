package execute

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docker"
)

// FirstThatWorks returns an executor for commands that lithe trusts. It tries the mechanisms, the best first, by running the
// command itself: to ask each beforehand whether it works would cost as much as a short command. A name of "" means any of
// this machine's; an engine, to which every file would be sent, has to be named.
func FirstThatWorks(name string, opt docker.Options) (Executor, error) {
	f := &fallback{}
	for _, k := range kinds {
		if name == k.name || name == "" && k.name != engineName {
			f.executors = append(f.executors, k.make(opt))
		}
	}
	if len(f.executors) == 0 {
		return nil, noExecutor(Need{Name: name}, nil)
	}
	return f, nil
}

// fallback goes on to the next mechanism when one does not start a command.
type fallback struct {
	executors []Executor
	works     atomic.Int32 // the first that may work
}

// Name returns the name of the mechanism that is used next.
func (f *fallback) Name() string { return f.executors[f.works.Load()].Name() }

// Run runs the command once: an error of a mechanism means that the program did not start.
func (f *fallback) Run(ctx context.Context, root string, c Command) (int, error) {
	var reasons []string
	for i := int(f.works.Load()); i < len(f.executors); i++ {
		e := f.executors[i]
		code, err := e.Run(ctx, root, c)
		if err == nil || ctx.Err() != nil || final(err) {
			return code, err
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", e.Name(), err))
		if i+1 < len(f.executors) {
			f.works.Store(int32(i + 1))
		}
	}
	return -1, noExecutor(Need{}, reasons)
}

// final tells errors that another mechanism would not help against.
func final(err error) bool {
	_, limit := errors.AsType[*LimitError](err)
	_, problem := errors.AsType[*diag.Error](err)
	return limit || problem || errors.Is(err, ErrNoCommand)
}
