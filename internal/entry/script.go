package entry

import (
	"io"
	"os"
)

// isScript reports whether a file begins as a script does. One that cannot be read fails where its contents are wanted.
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 2)
	_, err = io.ReadFull(f, start)
	return err == nil && string(start) == "#!"
}
