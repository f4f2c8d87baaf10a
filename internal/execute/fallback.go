package execute

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/lithe-build/lithe/internal/diag"
)

// FirstThatWorks returns an executor for commands that lithe trusts. It tries the mechanisms, the best first, by running the
// command itself: to ask each beforehand whether it works would cost as much as a short command. A name of "" means any.
func FirstThatWorks(name string) (Executor, error) {
	f := &fallback{}
	for _, k := range kinds {
		if name == "" || name == k.executor.Name() {
			f.kinds = append(f.kinds, k)
		}
	}
	if len(f.kinds) == 0 {
		return nil, noExecutor(Need{Name: name}, nil)
	}
	return f, nil
}

// fallback goes on to the next mechanism when one does not start a command.
type fallback struct {
	kinds []kind
	works atomic.Int32 // the first that may work
}

// Name returns the name of the mechanism that is used next.
func (f *fallback) Name() string { return f.kinds[f.works.Load()].executor.Name() }

// Run runs the command once: an error of a mechanism means that the program did not start.
func (f *fallback) Run(ctx context.Context, root string, c Command) (int, error) {
	var reasons []string
	for i := int(f.works.Load()); i < len(f.kinds); i++ {
		k := f.kinds[i]
		code, err := k.executor.Run(ctx, root, c)
		if err == nil || ctx.Err() != nil || final(err) {
			return code, err
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", k.executor.Name(), err))
		if i+1 < len(f.kinds) {
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
