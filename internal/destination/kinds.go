package destination

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// kind is a sort of destination that `--output NAME:PLACE` can name.
type kind struct {
	name  string
	place string // what stands after the colon
	open  func(place string) Destination
}

// kinds are all of them, in the order in which help names them.
var kinds = []kind{ociKind, ociArchiveKind, dockerArchiveKind}

// Parse reads a destination as the user writes it: "oci:DIR", "oci-archive:FILE", "docker-archive:FILE".
func Parse(s string) (Destination, error) {
	name, place, _ := strings.Cut(s, ":")
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 || place == "" {
		return nil, &diag.Error{Code: "bad-output", What: fmt.Sprintf("%q is not an output", s),
			Hint: "write " + alternatives(Forms())}
	}
	return kinds[i].open(place), nil
}

// Forms returns how outputs are written.
func Forms() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name+":"+k.place)
	}
	return out
}

// alternatives joins words as a sentence does.
func alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
