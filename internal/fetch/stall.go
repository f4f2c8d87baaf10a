package fetch

import (
	"context"
	"errors"
	"time"
)

// watch returns a context that ends when alive has not been called for a while: a connection may die without a word.
func watch(ctx context.Context, limit time.Duration) (watched context.Context, alive, cancel func()) {
	watched, stop := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { stop(errStalled) })
	return watched, func() { timer.Reset(limit) }, func() {
		timer.Stop()
		stop(context.Canceled)
	}
}

// stallCause puts the stall in place of the cancellation that it looks like.
func stallCause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}
