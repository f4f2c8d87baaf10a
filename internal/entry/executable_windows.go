package entry

import "io/fs"

// Executable reports whether a file of the project is to be executable in the image. Windows has no modes that tell, so
// that scripts are, which name their interpreter in the first line.
func Executable(path string, _ fs.FileInfo, _ fs.FileMode) bool { return isScript(path) }
