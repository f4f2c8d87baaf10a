// Command lithe turns a Python project into the container image it deserves.
package main

import (
	"context"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/execute"
)

// softMemory is how many bytes Go's heap may have before garbage is collected early. A build needs about half of it, and
// would otherwise let garbage grow to as much again: a build of a gigabyte of wheels must fit into 300 MB.
const softMemory = 200 << 20

// lateCollection is by how many percent the heap may grow before garbage is collected first: from Go's 4 MB to 32. A build that
// changes nothing ends before, and would spend a quarter of its time on three collections.
const lateCollection = 800

func main() {
	execute.Init()                                 // does not return where this process is the first one inside a sandbox
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(softMemory)
	}
	if os.Getenv("GOGC") == "" {
		collectLate()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System{
		Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}

// collectLate puts off the first collection of garbage. What the first one finds unused brings back Go's own rule.
func collectLate() {
	percent := debug.SetGCPercent(lateCollection)
	runtime.AddCleanup(&[64]byte{}, func(percent int) { debug.SetGCPercent(percent) }, percent)
}
