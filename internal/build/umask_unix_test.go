//go:build unix

package build_test

import "syscall"

// umask sets the rights that new files do not get, and returns the former ones.
func umask(mask int) int { return syscall.Umask(mask) }
