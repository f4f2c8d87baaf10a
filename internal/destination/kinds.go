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
var kinds = []kind{ociKind, dockerArchiveKind}

// Parse reads a destination as the user writes it: "oci:DIR", "docker-archive:FILE".
func Parse(s string) (Destination, error) {
	name, place, _ := strings.Cut(s, ":")
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 || place == "" {
		return nil, &diag.Error{Code: "bad-output", What: fmt.Sprintf("%q is not an output", s),
			Hint: "write " + strings.Join(Forms(), " or ")}
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
