package bench

import (
	"math"
	"slices"
)

// Numbers are what several runs came to.
type Numbers struct {
	Runs   int     `json:"runs"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// summarize returns least, median and most. Of an even count the median is the mean of the two in the middle.
func summarize(values []float64) Numbers {
	if len(values) == 0 {
		return Numbers{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Numbers{Runs: n, Min: sorted[0], Max: sorted[n-1], Median: (sorted[(n-1)/2] + sorted[n/2]) / 2}
}

// ratio is how many times better a value is than another: less is better.
func ratio(of, than float64) float64 {
	if of <= 0 || than <= 0 {
		return 0
	}
	return than / of
}

// fastest returns the least median of the peers that are alike, else of all; 0 where there is none. Like with like: a build
// that makes bytecode is compared with builds that make it.
func fastest(row Row, contenders []Contender, of Contender) (best float64, peer string) {
	pick := func(alike bool) {
		for _, c := range contenders {
			v, ok := row.Values[c.Name]
			if c.Peer && ok && v.Median > 0 && (!alike || c.Bytecode == of.Bytecode) && (best == 0 || v.Median < best) {
				best, peer = v.Median, c.Name
			}
		}
	}
	if pick(true); best == 0 {
		pick(false)
	}
	return best, peer
}

// round keeps as many digits as anybody reads.
func round(v float64, digits int) float64 {
	scale := math.Pow(10, float64(digits))
	return math.Round(v*scale) / scale
}
