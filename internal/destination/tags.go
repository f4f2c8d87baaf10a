package destination

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/lithe-build/lithe/internal/diag"
)

// tag is the name that a user gives an image.
type tag struct {
	written string // as the user wrote it
	repo    string // without the tag: "app", "registry.example/app"
	version string // "latest" where none was written
	full    string // "docker.io/library/app:latest"
}

// short returns the name with its tag.
func (t tag) short() string { return t.repo + ":" + t.version }

// CheckTags reports the names that no image can have.
func CheckTags(list []string) error {
	_, err := parseTags(list)
	return err
}

// parseTags reads names of images and reports all bad ones.
func parseTags(list []string) ([]tag, error) {
	var problems diag.List
	var out []tag
	for _, s := range list {
		ref, err := name.NewTag(s)
		if err != nil {
			problems.Add(&diag.Error{Code: "bad-tag", What: fmt.Sprintf("%q is not the name of an image", s),
				Hint: "write NAME:TAG in lower case, such as app:1.0 or registry.example/team/app:1.0", Err: err})
			continue
		}
		repo := strings.TrimSuffix(s, ":"+ref.TagStr())
		full := strings.Replace(ref.Name(), "index.docker.io/", "docker.io/", 1)
		out = append(out, tag{written: s, repo: repo, version: ref.TagStr(), full: full})
	}
	return out, problems.Err()
}
