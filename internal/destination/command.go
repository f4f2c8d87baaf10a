package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/trace"
)

// command is an engine that is driven by its command.
type command struct {
	name string // "podman"
	path string

	trace *trace.Recorder
}

// run runs the command and returns what it prints.
func (c command) run(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	c.trace.Add(trace.Engine, 1)
	defer c.trace.Begin(trace.Process, c.name+" "+args[0]).End()
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(stderr.String())
		return "", fmt.Errorf("%s %s: %w: %s", c.name, args[0], err, text[:min(len(text), docker.MaxMessage)])
	}
	return stdout.String(), nil
}

// load gives the command an archive while it is made.
func (c command) load(ctx context.Context, p *parts, tags []tag, m *meter) error {
	files, err := archiveFiles(p, tags, nil, false)
	if err != nil {
		return err
	}
	m.event.Item, m.event.Total = c.name, m.event.Done+archiveSize(files)
	return stream(func(w io.Writer) error {
		m.w = w
		return writeArchive(ctx, m, files)
	}, func(r io.Reader) error {
		_, err := c.run(ctx, r, "load")
		return err
	})
}

// errStopped ends an archive that the engine does not want.
var errStopped = errors.New("the engine stopped reading")

// stream connects a writer with a reader that runs at the same time. If the writer failed by itself, and not because
// the reader went away (an HTTP client closes a body that it gives up), its error is the cause of the reader's.
func stream(write func(io.Writer) error, read func(io.Reader) error) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	err := read(r)
	r.CloseWithError(errStopped) // lets the writer go when the engine did not read to the end
	writeErr := <-written
	if writeErr == nil || errors.Is(writeErr, errStopped) || errors.Is(writeErr, io.ErrClosedPipe) {
		return err
	}
	return writeErr
}
