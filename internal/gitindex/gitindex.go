// Package gitindex reads which files git tracks.
//
// The contents of a repository's index file go in, versions 2 to 4, with SHA-1 or SHA-256; the set of tracked paths comes
// out. It always holds that an index which cannot be understood in full is an error and never a smaller set: a split or
// sparse index, and an extension that git calls mandatory and this package does not know, are ErrUnsupported.
// The package opens no file and runs no git. See https://git-scm.com/docs/index-format.
package gitindex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// ErrUnsupported says that an index is sound as far as it was read, but holds what this package cannot read.
var ErrUnsupported = errors.New("not supported")

// MaxSize bounds an index in bytes; that of Chromium, with 480 000 files, has some 60 MB.
const MaxSize = 256 << 20

const (
	maxPath  = 4096    // bytes of a path, Linux's own limit and git's
	maxPaths = MaxSize // bytes of all paths: version 4 compresses them, so the file's size does not bound them
)

// Index is the set of tracked paths. The zero value tracks nothing.
type Index struct {
	paths   []string // sorted, each once
	modules []string // submodules among them, sorted
}

// Parse reads an index file.
func Parse(data []byte) (*Index, error) {
	const header = 12
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%d bytes are more than %d", len(data), MaxSize)
	}
	if len(data) < header || string(data[:4]) != "DIRC" {
		return nil, errors.New("it does not begin as an index of git")
	}
	version := binary.BigEndian.Uint32(data[4:])
	if version < 2 || version > 4 {
		return nil, fmt.Errorf("version %d: %w", version, ErrUnsupported)
	}
	sizes, err := hashSizes(data, header)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, size := range sizes {
		d := decoder{all: data[:len(data)-size], at: header, version: version, hash: size, index: &Index{}}
		err := d.read(binary.BigEndian.Uint32(data[8:]))
		if err == nil {
			return d.index, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// hashSizes returns the sizes that hashes may have in an index. Nothing in it names the algorithm, but the checksum at
// its end, which is against damage and not against attackers, fits only one. With index.skipHash the checksum is zero,
// and both are to be tried.
func hashSizes(data []byte, header int) ([]int, error) {
	content := func(size int) []byte { return data[:max(header, len(data)-size)] }
	sum1, sum256 := sha1.Sum(content(sha1.Size)), sha256.Sum256(content(sha256.Size))
	body := data[header:]
	switch {
	case bytes.HasSuffix(body, make([]byte, sha256.Size)):
		return []int{sha1.Size, sha256.Size}, nil
	case bytes.HasSuffix(body, make([]byte, sha1.Size)), bytes.HasSuffix(body, sum1[:]):
		return []int{sha1.Size}, nil
	case bytes.HasSuffix(body, sum256[:]):
		return []int{sha256.Size}, nil
	}
	return nil, errors.New("the checksum is wrong")
}

// Tracked reports whether a file is tracked: by its path from the root of the repository, or because it is in a
// submodule, whose own repository answers for it.
func (x *Index) Tracked(path string) bool {
	if _, ok := slices.BinarySearch(x.paths, path); ok {
		return true
	}
	for i, c := range path {
		if c != '/' {
			continue
		}
		if _, ok := slices.BinarySearch(x.modules, path[:i]); ok {
			return true
		}
	}
	return false
}

// Below yields the tracked paths below a directory in order, "" being the root. A submodule is one path.
func (x *Index) Below(dir string) iter.Seq[string] {
	prefix := dir + "/"
	if dir == "" {
		prefix = ""
	}
	return func(yield func(string) bool) {
		start, _ := slices.BinarySearch(x.paths, prefix)
		for _, p := range x.paths[start:] {
			if !strings.HasPrefix(p, prefix) || !yield(p) {
				return
			}
		}
	}
}
