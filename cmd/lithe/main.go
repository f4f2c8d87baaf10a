// Command lithe turns a Python project into the container image it deserves.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/execute"
)

func main() {
	execute.Init() // does not return where this process is the first one inside a sandbox
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System{
		Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
