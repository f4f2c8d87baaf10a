package destination

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// command is an engine that is driven by its command.
type command struct {
	name string // "podman"
	path string
}

// run runs the command and returns what it prints.
func (c command) run(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(stderr.String())
		return "", fmt.Errorf("%s %s: %w: %s", c.name, args[0], err, text[:min(len(text), maxMessage)])
	}
	return stdout.String(), nil
}

// pipe runs the command while its input is made.
func (c command) pipe(ctx context.Context, write func(io.Writer) error, args ...string) (string, error) {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	out, err := c.run(ctx, r, args...)
	r.CloseWithError(errStopped) // lets the writer go when the command did not read to the end
	if writeErr := <-written; err == nil {
		err = writeErr
	}
	return out, err
}
