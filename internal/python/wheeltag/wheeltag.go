// Package wheeltag says which wheels run where: platform compatibility tags and the file names of wheels.
//
// A file name goes in, and its name, version, build number and tags come out; a target (Python version, architecture,
// C library) goes in, and the ordered Set of tags that it supports comes out. The order is that of pypa/packaging:
// interpreter, then ABI, then platform, best first. A wheel is as good as the best of its tags.
// See https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/.
package wheeltag

import (
	"fmt"
	"strings"
)

// Tag is one platform compatibility tag, such as cp313-cp313-manylinux_2_17_x86_64. All parts are lower case.
type Tag struct{ Python, ABI, Platform string }

// maxTags is a limit on the tags of one compressed set; the wheels of PyPI with most tags have about thirty.
const maxTags = 1024

// String returns the parts with dashes between them.
func (t Tag) String() string { return t.Python + "-" + t.ABI + "-" + t.Platform }

// ParseTag reads a tag or a compressed set of tags, such as py2.py3-none-any, and returns every tag that it stands for.
func ParseTag(s string) ([]Tag, error) {
	python, rest, ok1 := strings.Cut(s, "-")
	abi, platform, ok2 := strings.Cut(rest, "-")
	if !ok1 || !ok2 || strings.Contains(platform, "-") {
		return nil, fmt.Errorf("%q is not a compatibility tag: it has not three parts", s)
	}
	for _, part := range [...]string{python, abi, platform} {
		if part == "" || part[0] == '.' || part[len(part)-1] == '.' || strings.Contains(part, "..") {
			return nil, fmt.Errorf("%q is not a compatibility tag: a part is empty", s)
		}
	}
	n := members(python) * members(abi) * members(platform)
	if n > maxTags {
		return nil, fmt.Errorf("%.40q stands for %d compatibility tags, more than %d", s, n, maxTags)
	}
	return expand(s, lower(python), lower(abi), lower(platform), make([]Tag, 0, n))
}

func members(part string) int { return strings.Count(part, ".") + 1 }

func expand(s, pythons, abis, platforms string, tags []Tag) ([]Tag, error) {
	for python := range strings.SplitSeq(pythons, ".") {
		if !isIdentifier(python) {
			return nil, fmt.Errorf("%q is not a compatibility tag: %q names no interpreter", s, python)
		}
		for abi := range strings.SplitSeq(abis, ".") {
			for platform := range strings.SplitSeq(platforms, ".") {
				tags = append(tags, Tag{python, abi, platform})
			}
		}
	}
	return tags, nil
}

// isIdentifier reports whether s is a Python identifier of ASCII characters, which every interpreter's name is.
func isIdentifier(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// lower is strings.ToLower, but looks first: nearly all tags are lower case.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' || s[i] >= 0x80 {
			return strings.ToLower(s)
		}
	}
	return s
}
