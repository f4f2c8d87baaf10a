package base

import (
	"github.com/lithe-build/lithe/internal/entry"
)

// libraryCache stub replaced below.
func libraryCache(entries []entry.Entry) (entry.Entry, error) {
	return entry.NewFile("etc/ld.so.cache", nil, false), nil
}
