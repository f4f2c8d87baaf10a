package lithelock

import (
	"fmt"
	"testing"
)

// TestMergeMany merges very many builds, each of which is in two lists, and very many targets of one.
func TestMergeMany(t *testing.T) {
	const many = 15_000
	var builds []Build
	for i := range 2 * many {
		builds = append(builds, Build{Name: "a", Version: "1", Source: fmt.Sprintf("sha256:%064d", i%many), For: []string{fmt.Sprint("t", i/many)}},
			Build{Name: "b", For: []string{fmt.Sprint("t", i%many)}})
	}
	merged := MergeBuilds(builds)
	if len(merged) != many+1 || len(merged[0].For) != 2 || len(merged[many].For) != many {
		t.Errorf("%d builds", len(merged))
	}
}
