//go:build !linux

package execute

// defaultMemory does not know the machine's memory.
func defaultMemory() int64 { return maxMemory }
