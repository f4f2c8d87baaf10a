//go:build unix

package store

import (
	"io/fs"
	"syscall"
)

// fileID is what two names of one file have in common.
type fileID struct{ device, inode uint64 }

// identify returns the identity of a file that has several names.
func identify(info fs.FileInfo) (id fileID, shared bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return fileID{}, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true //nolint:unconvert // Dev has another type on other systems
}
