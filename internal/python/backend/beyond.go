package backend

import (
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Beyond reports that an error of Wheel is about what this package does not reproduce, and nothing else: the project's real
// backend may well build it. A mistake in the project is none of that.
func Beyond(err error) bool {
	problems, ok := diag.Problems(err)
	if !ok || len(problems) == 0 {
		return false
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Code, "unsupported-backend") && !strings.HasPrefix(p.Code, "dynamic-") {
			return false
		}
	}
	return true
}
