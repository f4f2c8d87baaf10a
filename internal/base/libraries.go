package base

import (
	"github.com/lithe-build/lithe/internal/debian/ldcache"
	"github.com/lithe-build/lithe/internal/entry"
)

const cacheFile = "etc/ld.so.cache"

// libraryCache returns /etc/ld.so.cache for a whole image, with the links that ldconfig would make beside it. The
// loader would find the libraries without it, ctypes.util.find_library would not. It stands in the last part: a cache
// in each would be a file twice.
func libraryCache(entries []entry.Entry, arch string) ([]entry.Entry, error) {
	found, err := ldcache.Scan(entries, arch)
	if err != nil {
		return nil, err
	}
	cache, err := ldcache.Build(found.Libraries, arch, "")
	if err != nil {
		return nil, err
	}
	return append(found.Links, entry.NewFile(cacheFile, cache, false)), nil
}
