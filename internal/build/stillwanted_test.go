package build

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/lock"
)

// TestStillWanted follows what builds require: for several targets, not past what is decided, and along a chain of very many
// in the order in which each comes before the one that wants it.
func TestStillWanted(t *testing.T) {
	const many = 20_000
	d := &decision{inputs: &inputs{lock: &lock.Lock{Packages: []lock.Package{{Files: []lock.File{{Hash: "h0"}}}}}, litheLock: &lithelock.Lock{}}}
	for i := range many {
		d.litheLock.Builds = append(d.litheLock.Builds, lithelock.Build{Source: fmt.Sprint("h", i), For: []string{"t", "u"},
			Requires: []lithelock.Requirement{{Hash: fmt.Sprint("h", i+1)}}})
	}
	slices.Reverse(d.litheLock.Builds)
	if all := d.stillWanted(map[string]bool{}); len(all) != 2*many {
		t.Errorf("%d builds", len(all))
	}
	all := d.stillWanted(map[string]bool{"h1 t": true, "h1 u": true, "h0 u": true})
	if len(all) != 1 || all[0].Source != "h0" || !slices.Equal(all[0].For, []string{"t"}) {
		t.Errorf("%+v", all)
	}
	d.litheLock.Builds = append(d.litheLock.Builds, lithelock.Build{Source: "other", For: []string{"t"}})
	if all := d.stillWanted(map[string]bool{}); len(all) != 2*many {
		t.Errorf("with one that nobody wants: %d builds", len(all))
	}
}
