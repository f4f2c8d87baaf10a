package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/lithe-build/lithe/internal/diag"
)

// dockerHub is the registry of names without one, as people write it; its API answers at another name.
const (
	dockerHub    = "docker.io"
	dockerHubAPI = "registry-1.docker.io"
)

// reference is the name of an image, taken apart.
type reference struct {
	host       string // "docker.io", "registry.example:5000"
	repository string // "library/python"
	tag        string // "latest" where neither tag nor digest were written
	digest     string // "" where none was written
}

// parseReference reads a name as Docker does: "python", "python:3.13", "registry.example/app@sha256:…".
func parseReference(s string) (reference, error) {
	written, digest, pinned := strings.Cut(s, "@")
	tag, err := name.NewTag(written, name.WithDefaultRegistry(dockerHub))
	if err == nil && pinned {
		_, err = name.NewDigest(tag.Context().Name() + "@" + digest)
	}
	if err != nil {
		return reference{}, &diag.Error{Code: "bad-reference", What: fmt.Sprintf("%q is not the name of an image", s),
			Hint: "write NAME:TAG or NAME@sha256:DIGEST in lower case, such as python:3.13-slim or registry.example/team/app:1.0", Err: err}
	}
	return reference{host: hostName(tag.RegistryStr()), repository: repositoryName(tag.Context()), tag: tag.TagStr(), digest: digest}, nil
}

// Repository returns where the image of a reference is, without tag and digest: "docker.io/library/python".
func Repository(ref string) (string, error) {
	r, err := parseReference(ref)
	return r.name(), err
}

// hostName gives Docker Hub one name.
func hostName(host string) string {
	switch host {
	case "index.docker.io", dockerHubAPI, "hub.docker.com":
		return dockerHub
	}
	return host
}

// repositoryName adds Docker Hub's namespace to names without one.
func repositoryName(r name.Repository) string {
	path := r.RepositoryStr()
	if hostName(r.RegistryStr()) == dockerHub && !strings.Contains(path, "/") {
		return "library/" + path
	}
	return path
}

// name is the repository with its host.
func (r reference) name() string { return r.host + "/" + r.repository }

// version is what the registry is asked for: the digest where there is one.
func (r reference) version() string {
	if r.digest != "" {
		return r.digest
	}
	return r.tag
}

func (r reference) String() string {
	if r.digest != "" {
		return r.name() + "@" + r.digest
	}
	return r.name() + ":" + r.tag
}
