//go:build unix

package execute

import (
	"os"
	"syscall"
)

// exitCode is the code of a process that ended, 128+n if signal n ended it.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
