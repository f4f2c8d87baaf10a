// Command lithe turns a Python project into the container image it deserves.
package main

import (
	"context"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/execute"
)

// softMemory is how many bytes Go's heap may have before garbage is collected early. A build needs about half of it, and
// would otherwise let garbage grow to as much again: a build of a gigabyte of wheels must fit into 300 MB.
const softMemory = 200 << 20

func main() {
	execute.Init()                                 // does not return where this process is the first one inside a sandbox
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(softMemory)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System{
		Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
