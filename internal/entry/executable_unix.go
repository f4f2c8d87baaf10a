//go:build !windows

package entry

import "io/fs"

// Executable reports whether a file of the project is to be executable in the image: whether its mode has one of these
// bits, where hosts have modes.
func Executable(_ string, info fs.FileInfo, bits fs.FileMode) bool { return info.Mode()&bits != 0 }
