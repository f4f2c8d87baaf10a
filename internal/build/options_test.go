package build

import (
	"runtime"
	"testing"
)

// Memory must not grow with the processors of the machine, nor with what LITHE_JOBS asks of the network.
func TestLayersAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	for jobs, want := range map[int]int{0: maxLayers, 1: 1, 3: 3, 100: maxLayers} {
		if got := (Options{Jobs: jobs}).layersAtOnce(); got != want {
			t.Errorf("%d jobs: %d layers at once, not %d", jobs, got, want)
		}
	}
}
