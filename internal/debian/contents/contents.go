// Package contents reads the Contents index of a Debian suite: which package has which file.
//
// An index names every file of an architecture, two million of them, so that it is read as a stream and the caller
// keeps what it asked for. Lines are all that there is; a line that is none is an error.
// See https://wiki.debian.org/DebianRepository/Format#A.22Contents.22_indices.
package contents

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is in bytes. A path has 4 KB at most, and the folders that hundreds of packages share are not listed.
const maxLine = 256 << 10

// Read calls add for every line whose path want accepts, in order. A path is relative to the root, without "./";
// packages are their plain names, without section. Both are valid during the call only for want, and for good in add.
func Read(r io.Reader, name string, want func(path []byte) bool, add func(path string, packages []string) error) error {
	b := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		line, err := b.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		path, list, ok := split(bytes.TrimRight(line, " \t\r\n"))
		if !ok {
			return fmt.Errorf("%s:%d: is not a path and a list of packages", name, n)
		}
		if !want(path) {
			continue
		}
		if err := add(string(path), packages(string(list))); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
}

// split cuts a line at its last white space: paths may have some, names of packages do not.
func split(line []byte) (path, list []byte, ok bool) {
	i := bytes.LastIndexAny(line, " \t")
	if i < 0 {
		return nil, nil, false
	}
	path = bytes.TrimPrefix(bytes.TrimRight(line[:i], " \t"), []byte("./"))
	return path, line[i+1:], len(path) > 0
}

// packages takes the sections off "libs/libpq5,oldlibs/libpq4".
func packages(list string) []string {
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		if name := item[strings.LastIndexByte(item, '/')+1:]; name != "" {
			names = append(names, name)
		}
	}
	return names
}
