package build

import (
	"os"
	"syscall"
)

// markOf returns what the system says of a regular file, or of the one that a link leads to.
func markOf(path string) (fileMark, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return fileMark{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileMark{}, false
	}
	return fileMark{Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(), Device: uint64(st.Dev), Inode: st.Ino, Mode: st.Mode}, true
}
