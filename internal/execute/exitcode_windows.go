package execute

import "os"

// exitCode is the code of a process that ended.
func exitCode(state *os.ProcessState) int { return state.ExitCode() }
