package base

import (
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/registry"
)

// imageName returns the full name of a base that is an image: "docker.io/library/python:3.13-slim" for
// "python:3.13-slim". ok is false for names of other bases, among them "debian:SUITE".
func imageName(name string) (full string, ok bool, err error) {
	if !strings.ContainsAny(name, "/:@") {
		return "", false, nil
	}
	kind, _, _ := strings.Cut(name, ":")
	if !strings.ContainsAny(name, "/@") && isProvider(kind) {
		return "", false, nil
	}
	repository, err := registry.Repository(name)
	if err != nil {
		return "", true, err
	}
	written, digest, pinned := strings.Cut(name, "@")
	_, tag, tagged := strings.Cut(path.Base(written), ":")
	switch {
	case pinned && tagged:
		return repository + ":" + tag + "@" + digest, true, nil
	case pinned:
		return repository + "@" + digest, true, nil
	case tagged:
		return repository + ":" + tag, true, nil
	}
	return repository + ":latest", true, nil
}

// IsImage reports whether the full name of a base, as Parse returns it, is that of an image.
func IsImage(name string) bool { return strings.Contains(name, "/") }

// repository returns the part of an image's full name that says where it is.
func repository(full string) string {
	full, _, _ = strings.Cut(full, "@")
	dir, last := path.Split(full)
	last, _, _ = strings.Cut(last, ":")
	return dir + last
}
